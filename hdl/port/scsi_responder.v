// Answers a selection (target) or a reselection (initiator) that names this device.
//
// Used by scsi_target with WANT_IO = 0 and scsi_initiator with WANT_IO = 1. Rule: SEL true, BSY false, own ID on the bus and I/O as
// wanted for a bus settle delay; exactly two IDs and good parity in every data byte that is in use, else no answer (SPI-3 selection
// and reselection phases). After QAS BSY is false before the own ID comes, and the delay runs from the ID. From `selected_o` on the
// owner drives BSY if the connection is its to hold; this module drives BSY for that one clock more.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"

module scsi_responder #(
    parameter CLK_PERIOD_PS = 6250,
    parameter WANT_IO = 0
) (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire        bus_rst_i,
    input  wire        enable_i,    // 0: do not answer (own arbitration under way)
    input  wire        bsy_i,
    input  wire        sel_i,
    input  wire        io_i,
    input  wire        atn_i,
    input  wire [15:0] db_i,
    input  wire [ 1:0] dbp_i,
    input  wire [ 3:0] own_id_i,
    output reg         busy_o,      // answering: from BSY to selected_o
    output reg         selected_o,  // pulse: SEL has been released, the connection is up
    output reg  [ 3:0] peer_id_o,   // the other ID, valid from busy_o on
    output reg         atn_o,       // ATN as it was at selection
    output reg         drv_bsy_o
);

  // Pins to here: one clock at least (DB is last in QAS); from here to the flop that drives BSY: one.
  localparam SETTLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS) - 2;
  localparam IO_LEVEL = WANT_IO != 0;

  reg [ 6:0] count_q;
  reg        named_q;  // own ID on the bus a clock ago
  reg [15:0] other_q;  // ... the others
  reg        parity_q;  // ... with good parity in the bytes in use
  reg        good_q;  // two clocks ago: exactly one other, with good parity

  wire called = sel_i && !bsy_i && io_i == IO_LEVEL && named_q && enable_i;

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(sel_i || named_q || busy_o || selected_o || count_q != 7'd0);

  function good_byte;
    input [7:0] db;
    input dbp;
    good_byte = (db == 8'd0 && !dbp) || ^{db, dbp};
  endfunction

  function [3:0] encode;
    input [15:0] one_hot;
    encode = {
      |(one_hot & 16'hFF00), |(one_hot & 16'hF0F0), |(one_hot & 16'hCCCC), |(one_hot & 16'hAAAA)
    };
  endfunction

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= 7'd0;
      busy_o <= 1'b0;
      selected_o <= 1'b0;
      peer_id_o <= 4'd0;
      atn_o <= 1'b0;
      drv_bsy_o <= 1'b0;
      {named_q, parity_q, good_q} <= 3'd0;
      other_q <= 16'd0;
    end else if (awake) begin
      named_q <= sel_i && db_i[own_id_i];
      other_q <= db_i & ~(16'd1 << own_id_i);
      parity_q <= good_byte(db_i[7:0], dbp_i[0]) && good_byte(db_i[15:8], dbp_i[1]);
      good_q <= parity_q && other_q != 16'd0 && (other_q & (other_q - 16'd1)) == 16'd0;
      answer;
    end
  end

  task answer;
    if (bus_rst_i) begin
      count_q <= 7'd0;
      busy_o <= 1'b0;
      selected_o <= 1'b0;
      drv_bsy_o <= 1'b0;
    end else if (selected_o) begin
      selected_o <= 1'b0;
      busy_o <= 1'b0;
      drv_bsy_o <= 1'b0;
    end else if (busy_o) begin
      atn_o <= atn_i;
      if (!sel_i) selected_o <= 1'b1;
    end else if (!called) begin
      count_q <= 7'd0;
    end else if (count_q != SETTLE_TICKS[6:0]) begin
      count_q <= count_q + 7'd1;
    end else if (good_q) begin
      busy_o <= 1'b1;
      drv_bsy_o <= 1'b1;
      peer_id_o <= encode(other_q);
      count_q <= 7'd0;
    end
  endtask

endmodule
`default_nettype wire
