// The same bus in three styles of pins, for the test of the pin mapping: what it should read is others | (on ? ours : 0)
// for styles a and b, others for style c.
`default_nettype none
module pin_styles;
  reg [26:0] others, ours;  // order of cocotbext.scsi.wires
  reg on;
  reg tick = 1'b0;
  always @(others or ours or on) tick = !tick;

  // a: active low, input without our own drive, output, active-low enable
  wire a_bsy_n_i = ~others[0];
  wire a_bsy_n_o = ~ours[0];
  wire a_bsy_oe_n = !on;
  wire a_sel_n_i = ~others[1];
  wire a_sel_n_o = ~ours[1];
  wire a_sel_oe_n = !on;
  wire a_rst_n_i = ~others[2];
  wire a_rst_n_o = ~ours[2];
  wire a_rst_oe_n = !on;
  wire a_msg_n_i = ~others[3];
  wire a_msg_n_o = ~ours[3];
  wire a_msg_oe_n = !on;
  wire a_cd_n_i = ~others[4];
  wire a_cd_n_o = ~ours[4];
  wire a_cd_oe_n = !on;
  wire a_io_n_i = ~others[5];
  wire a_io_n_o = ~ours[5];
  wire a_io_oe_n = !on;
  wire a_req_n_i = ~others[6];
  wire a_req_n_o = ~ours[6];
  wire a_req_oe_n = !on;
  wire a_ack_n_i = ~others[7];
  wire a_ack_n_o = ~ours[7];
  wire a_ack_oe_n = !on;
  wire a_atn_n_i = ~others[8];
  wire a_atn_n_o = ~ours[8];
  wire a_atn_oe_n = !on;
  wire [15:0] a_db_n_i = ~others[24:9];
  wire [15:0] a_db_n_o = ~ours[24:9];
  wire a_db_oe_n = !on;
  wire [1:0] a_dbp_n_i = ~others[26:25];
  wire [1:0] a_dbp_n_o = ~ours[26:25];
  wire a_dbp_oe_n = !on;

  // b: open drain, one enable a wire; C/D has a name of its own
  wire b_bsy_i = others[0];
  wire b_bsy_oe = ours[0] & on;
  wire b_sel_i = others[1];
  wire b_sel_oe = ours[1] & on;
  wire b_rst_i = others[2];
  wire b_rst_oe = ours[2] & on;
  wire b_msg_i = others[3];
  wire b_msg_oe = ours[3] & on;
  wire b_c_d_i = others[4];
  wire b_c_d_oe = ours[4] & on;
  wire b_io_i = others[5];
  wire b_io_oe = ours[5] & on;
  wire b_req_i = others[6];
  wire b_req_oe = ours[6] & on;
  wire b_ack_i = others[7];
  wire b_ack_oe = ours[7] & on;
  wire b_atn_i = others[8];
  wire b_atn_oe = ours[8] & on;
  wire [15:0] b_db_i = others[24:9];
  wire [15:0] b_db_oe = ours[24:9] & {16{on}};
  wire [1:0] b_dbp_i = others[26:25];
  wire [1:0] b_dbp_oe = ours[26:25] & {2{on}};

  // c: one vector, active low
  wire [26:0] c_all_n = ~others;
endmodule
`default_nettype wire
