// Bus port of the initiator outside of a connection: conditioned wires, bus free, arbitration and selection, response to
// reselection, RST.
//
// Used by scsi_initiator.
`default_nettype none

module ini_port #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    // the wires
    input wire        scsi_bsy_i,
    input wire        scsi_sel_i,
    input wire        scsi_rst_i,
    input wire        scsi_msg_i,
    input wire        scsi_cd_i,
    input wire        scsi_io_i,
    input wire        scsi_req_i,
    input wire        scsi_ack_i,
    input wire        scsi_atn_i,
    input wire [15:0] scsi_db_i,
    input wire [ 1:0] scsi_dbp_i,

    // the wires, conditioned
    output wire [ 2:0] phase_o,         // without glitches
    output wire        steady_o,        // ... and not in doubt
    output wire        io_o,            // I/O as it is
    output wire        req_o,
    output wire [15:0] db_o,
    output wire [ 1:0] dbp_o,
    output wire        bus_rst_o,       // RST
    output wire        bus_rst_rise_o,  // pulse
    output wire        bus_free_o,

    // settings
    input wire [ 3:0] own_id_i,
    input wire [23:0] sel_timeout_us_i,
    input wire [23:0] hang_timeout_us_i,
    input wire        qas_enable_i,       // has agreed on QAS with somebody
    input wire        cfg_fair_i,         // fair also in normal arbitration
    input wire        sel_reset_i,        // RST at a selection time-out

    // selection
    input  wire       start_i,    // arbitrate when the bus allows it
    input  wire [3:0] peer_id_i,  // whom to select; needed only after the win
    output wire       won_o,
    output wire       selected_o,
    output wire       timeout_o,

    // reselection
    output wire       reselected_o,
    output wire [3:0] caller_o,
    output wire       busy_o,        // selecting or being reselected

    // RST
    input  wire host_reset_i,  // pulse
    input  wire conn_i,
    input  wire alive_i,       // something happens in the connection
    output wire hang_o,        // RST is driven because of a hanging connection

    output wire        drv_bsy_o,
    output wire        drv_sel_o,
    output wire        drv_rst_o,
    output wire        drv_io_o,
    output wire        drv_atn_o,
    output wire [15:0] drv_db_o,
    output wire [ 1:0] drv_dbp_o
);

  wire bsy, sel, ack, atn, may_arb, qas_open, qas_join, qas_look, qas_decide, fair_clear;
  wire [2:0] lines;  // MSG, C/D, I/O
  wire arb_busy, arb_lost, arb_reset, arb_bsy, resp_busy, resp_atn, resp_bsy;
  reg  bus_rst_q;

  assign busy_o = arb_busy || resp_busy;
  assign io_o = lines[0];
  assign drv_bsy_o = arb_bsy | resp_bsy;
  assign bus_rst_rise_o = bus_rst_o && !bus_rst_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bus_rst_q <= 1'b0;
    else if (bus_rst_q != bus_rst_o) bus_rst_q <= bus_rst_o;
  end

  scsi_sync #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_sync (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .scsi_bsy_i(scsi_bsy_i),
      .scsi_sel_i(scsi_sel_i),
      .scsi_rst_i(scsi_rst_i),
      .scsi_msg_i(scsi_msg_i),
      .scsi_cd_i (scsi_cd_i),
      .scsi_io_i (scsi_io_i),
      .scsi_req_i(scsi_req_i),
      .scsi_ack_i(scsi_ack_i),
      .scsi_atn_i(scsi_atn_i),
      .scsi_db_i (scsi_db_i),
      .scsi_dbp_i(scsi_dbp_i),
      .bsy_o     (bsy),
      .sel_o     (sel),
      .rst_o     (bus_rst_o),
      .phase_o   (lines),
      .req_o     (req_o),
      .ack_o     (ack),
      .atn_o     (atn),
      .db_o      (db_o),
      .dbp_o     (dbp_o)
  );

  ini_phase #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_phase (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .phase_i (lines),
      .phase_o (phase_o),
      .steady_o(steady_o)
  );

  scsi_bus_free #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_bus_free (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .bsy_i    (bsy),
      .sel_i    (sel),
      .free_o   (bus_free_o),
      .may_arb_o(may_arb)
  );

  scsi_qas #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_qas (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .bus_rst_i(bus_rst_o),
      .enable_i (qas_enable_i),
      .bsy_i    (bsy),
      .sel_i    (sel),
      .phase_i  (lines),
      .req_i    (req_o),
      .ack_i    (ack),
      .atn_i    (atn),
      .db_i     (db_o[7:0]),
      .dbp_i    (dbp_o[0]),
      .open_o   (qas_open),
      .join_o   (qas_join),
      .look_o   (qas_look),
      .decide_o (qas_decide)
  );

  scsi_fairness #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_fairness (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .bus_rst_i(bus_rst_o),
      .enable_i (qas_enable_i || cfg_fair_i),
      .bsy_i    (bsy),
      .sel_i    (sel),
      .db_i     (db_o),
      .free_i   (bus_free_o),
      .look_i   (qas_look),
      .own_id_i (own_id_i),
      .clear_o  (fair_clear)
  );

  scsi_arbiter #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_arbiter (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .bus_rst_i       (bus_rst_o),
      .bsy_i           (bsy),
      .sel_i           (sel),
      .db_i            (db_o),
      .may_arb_i       (may_arb),
      .qas_open_i      (qas_open),
      .qas_join_i      (qas_join),
      .qas_decide_i    (qas_decide),
      .clear_i         (fair_clear),
      .cfg_fair_i      (cfg_fair_i),
      .sel_reset_i     (sel_reset_i),
      .start_i         (start_i),
      .reselect_i      (1'b0),
      .atn_i           (1'b1),
      .own_id_i        (own_id_i),
      .peer_id_i       (peer_id_i),
      .sel_timeout_us_i(sel_timeout_us_i),
      .busy_o          (arb_busy),
      .won_o           (won_o),
      .lost_o          (arb_lost),
      .done_o          (selected_o),
      .timeout_o       (timeout_o),
      .reset_o         (arb_reset),
      .drv_bsy_o       (arb_bsy),
      .drv_sel_o       (drv_sel_o),
      .drv_io_o        (drv_io_o),
      .drv_atn_o       (drv_atn_o),
      .drv_db_o        (drv_db_o),
      .drv_dbp_o       (drv_dbp_o)
  );

  scsi_responder #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS),
      .WANT_IO      (1)
  ) u_responder (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .bus_rst_i (bus_rst_o),
      .enable_i  (!arb_busy),
      .bsy_i     (bsy),
      .sel_i     (sel),
      .io_i      (lines[0]),
      .atn_i     (atn),
      .db_i      (db_o),
      .dbp_i     (dbp_o),
      .own_id_i  (own_id_i),
      .busy_o    (resp_busy),
      .selected_o(reselected_o),
      .peer_id_o (caller_o),
      .atn_o     (resp_atn),
      .drv_bsy_o (resp_bsy)
  );

  ini_reset #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_reset (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .host_i   (host_reset_i || arb_reset),
      .conn_i   (conn_i || resp_busy),
      .alive_i  (alive_i),
      .hang_us_i(hang_timeout_us_i),
      .drv_rst_o(drv_rst_o),
      .hang_o   (hang_o)
  );

  wire unused = &{1'b0, ack, atn, arb_lost, resp_atn};

endmodule
`default_nettype wire
