// Moves frames between the AXI4-Stream ports and the block buffer.
//
// Used by scsi_initiator. A frame on s_axis goes to LOAD_ADDR and after it; a write of UNLOAD_LEN sends that many bytes from
// UNLOAD_ADDR as one frame on m_axis. What does not fit the buffer is taken and dropped. Both wait while the bus side uses the port.
`default_nettype none
`include "scsi_awake.vh"

module ini_axis #(
    parameter BYTES = 16384,
    parameter PW = 15
) (
    input wire clk_i,
    input wire rst_ni,

    input  wire [15:0] s_axis_tdata,
    input  wire [ 1:0] s_axis_tkeep,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    output wire [15:0] m_axis_tdata,
    output reg  [ 1:0] m_axis_tkeep,
    output reg         m_axis_tvalid,
    input  wire        m_axis_tready,
    output reg         m_axis_tlast,

    input  wire [23:0] load_addr_i,
    input  wire        unload_i,       // pulse
    input  wire [23:0] unload_addr_i,
    input  wire [23:0] unload_len_i,
    output reg         load_busy_o,
    output wire        unload_busy_o,

    input  wire          wr_busy_i,  // the bus side writes in this clock
    output wire [   1:0] wr_o,
    output wire [PW-1:0] wr_addr_o,
    output wire [  15:0] wr_data_o,
    input  wire          rd_busy_i,  // the bus side reads in this clock
    output wire          rd_o,
    output wire [PW-1:0] rd_addr_o,
    input  wire [  15:0] rd_data_i
);

  localparam IDLE = 2'd0;  // nothing to send
  localparam FETCH = 2'd1;  // read the next word
  localparam TAKE = 2'd2;  // the word is there
  localparam SEND = 2'd3;  // wait for tready

  reg  [24:0] load_q;
  reg  [ 1:0] state_q;
  reg  [24:0] send_q;
  reg  [23:0] left_q;
  reg  [15:0] word_q;
  reg  [ 1:0] hide_q;  // bytes of the word that are not there

  // the word that came, until it is written
  reg         hold_q;
  reg  [ 1:0] keep_q;
  reg  [15:0] came_q;
  reg  [PW-1:0] put_addr_q;

  wire        beat = s_axis_tvalid && s_axis_tready;
  wire [24:0] load = load_busy_o ? load_q : {1'b0, load_addr_i};
  wire        fits = load < BYTES;

  wire        awake = `SCSI_AWAKE(beat || hold_q || unload_i || state_q != IDLE);

  assign m_axis_tdata = {hide_q[1] ? 8'd0 : word_q[15:8], hide_q[0] ? 8'd0 : word_q[7:0]};
  assign s_axis_tready = !hold_q || !wr_busy_i;
  assign wr_o = hold_q ? keep_q : 2'b00;
  assign wr_data_o = came_q;
  assign wr_addr_o = put_addr_q;
  assign rd_o = state_q == FETCH && !rd_busy_i;
  assign rd_addr_o = {send_q[PW-1:1], 1'b0};
  assign unload_busy_o = state_q != IDLE;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      load_q <= 25'd0;
      load_busy_o <= 1'b0;
      state_q <= IDLE;
      send_q <= 25'd0;
      left_q <= 24'd0;
      hide_q <= 2'd0;
      word_q <= 16'd0;
      {hold_q, keep_q, came_q} <= 19'd0;
      put_addr_q <= {PW{1'b0}};
      m_axis_tkeep <= 2'b00;
      m_axis_tvalid <= 1'b0;
      m_axis_tlast <= 1'b0;
    end else if (awake) begin
      if (!wr_busy_i) hold_q <= 1'b0;
      if (beat) begin
        hold_q <= 1'b1;
        keep_q <= fits ? s_axis_tkeep : 2'b00;
        came_q <= s_axis_tdata;
        put_addr_q <= {load[PW-1:1], 1'b0};
        load_q <= load + 25'd2;
        load_busy_o <= !s_axis_tlast;
      end
      case (state_q)
        IDLE:
        if (unload_i && unload_len_i != 24'd0) begin
          send_q <= {1'b0, unload_addr_i};
          left_q <= unload_len_i;
          state_q <= FETCH;
        end
        FETCH: begin
          hide_q <= {send_q >= BYTES || left_q == 24'd1, send_q >= BYTES};
          if (!rd_busy_i) state_q <= TAKE;
        end
        TAKE: begin
          word_q <= rd_data_i;
          m_axis_tkeep <= left_q == 24'd1 ? 2'b01 : 2'b11;
          m_axis_tlast <= left_q <= 24'd2;
          m_axis_tvalid <= 1'b1;
          state_q <= SEND;
        end
        default:  // SEND
        if (m_axis_tready) begin
          m_axis_tvalid <= 1'b0;
          send_q <= send_q + 25'd2;
          left_q <= left_q - 24'd2;
          state_q <= m_axis_tlast ? IDLE : FETCH;
        end
      endcase
    end
  end

endmodule
`default_nettype wire
