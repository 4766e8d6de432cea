// Conditions the bus wires for one device: two flops on every wire, then a glitch filter on BSY, SEL and RST.
//
// Used by scsi_initiator and scsi_target. Data passes through as many flops as REQ and ACK, so that a byte and the strobe that
// announces it leave together (snooping depends on it). BSY and SEL change only when two samples in a row agree: they are
// OR-tied and may glitch (SPI-3, wired-OR glitches). RST is a level; it counts once it has been true for the reset delay.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"

module scsi_sync #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

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

    output reg         bsy_o,
    output reg         sel_o,
    output wire        rst_o,    // RST seen for at least the reset delay
    output wire [ 2:0] phase_o,  // {MSG, C/D, I/O}
    output wire        req_o,
    output wire        ack_o,
    output wire        atn_o,
    output wire [15:0] db_o,
    output wire [ 1:0] dbp_o
);

  generate
    if (CLK_PERIOD_PS < 4000 || CLK_PERIOD_PS > 20000) begin : g_bad_period
      clk_period_ps_must_be_4000_to_20000 u_error ();
    end
  endgenerate

  localparam RST_TICKS = `SCSI_TICKS(`SCSI_RESET_DELAY_NS);

  wire [26:0] wires = {
    scsi_dbp_i, scsi_db_i, scsi_atn_i, scsi_ack_i, scsi_req_i,
    scsi_msg_i, scsi_cd_i, scsi_io_i, scsi_rst_i, scsi_sel_i, scsi_bsy_i
  };
  reg [26:0] meta_q;
  reg [26:0] sync_q;
  reg [1:0] filter_q;  // SEL, BSY a clock ago
  reg [6:0] rst_count_q;
  reg       rst_q;

  assign {dbp_o, db_o, atn_o, ack_o, req_o, phase_o} = sync_q[26:3];
  assign rst_o = rst_q;

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(meta_q != wires || sync_q != meta_q || filter_q != sync_q[1:0] || bsy_o != filter_q[0]
      || sel_o != filter_q[1] || sync_q[2] || rst_count_q != 7'd0);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      meta_q <= 27'd0;
      sync_q <= 27'd0;
      filter_q <= 2'd0;
      bsy_o <= 1'b0;
      sel_o <= 1'b0;
      rst_q <= 1'b0;
      rst_count_q <= 7'd0;
    end else if (awake) begin
      meta_q <= wires;
      sync_q <= meta_q;
      filter_q <= sync_q[1:0];
      if (filter_q[0] == sync_q[0]) bsy_o <= filter_q[0];
      if (filter_q[1] == sync_q[1]) sel_o <= filter_q[1];
      if (!sync_q[2]) begin
        rst_q <= 1'b0;
        rst_count_q <= 7'd0;
      end else if (rst_count_q != RST_TICKS[6:0]) begin
        rst_count_q <= rst_count_q + 7'd1;
      end else begin
        rst_q <= 1'b1;
      end
    end
  end

endmodule
`default_nettype wire
