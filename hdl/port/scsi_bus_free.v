// Watches BSY and SEL: says when the bus is free and when this device may start to arbitrate.
//
// Used by scsi_initiator and scsi_target. BUS FREE is detected when BSY and SEL have both been false for a bus settle delay
// (SPI-3 bus free phase). A device may drive BSY a bus free delay after that, and as long as no more than a bus set delay has
// passed since it last saw the bus free, so that it joins an arbitration that another device has just begun.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"

module scsi_bus_free #(
    parameter CLK_PERIOD_PS = 6250
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire bsy_i,
    input  wire sel_i,
    output reg  free_o,     // BUS FREE detected, and neither BSY nor SEL since
    output reg  may_arb_o   // BSY and the own ID may be driven now
);

  localparam SETTLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  // Pins to here: three clocks at least; from here to the flop that drives BSY: two.
  localparam ARB_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS + `SCSI_BUS_FREE_NS) - 5;
  // Wire to decision: three clocks of conditioning with one of uncertainty, and the flop that drives BSY.
  localparam JOIN_TICKS = `SCSI_TICKS_MAX(`SCSI_BUS_SET_NS) - 6;

  reg [9:0] quiet_q;  // clocks since BSY and SEL were last true; goes on while others arbitrate
  reg [9:0] since_q;  // clocks since the bus was last seen free

  wire taken = sel_i || (bsy_i && !free_o && since_q == 10'd0);
  wire free = !bsy_i && quiet_q >= SETTLE_TICKS[9:0];
  wire may_arb = quiet_q == ARB_TICKS[9:0];
  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(taken ? {quiet_q, since_q, free_o, may_arb_o} != 22'd0
      : bsy_i || !may_arb || since_q != 10'd0 || free_o != free || may_arb_o != may_arb);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      quiet_q <= 10'd0;
      since_q <= 10'd0;
      free_o <= 1'b0;
      may_arb_o <= 1'b0;
    end else if (!awake) begin
      // nothing changes
    end else if (taken) begin
      // taken, or taken again before it was free at all
      quiet_q <= 10'd0;
      since_q <= 10'd0;
      free_o <= 1'b0;
      may_arb_o <= 1'b0;
    end else if (bsy_i && since_q == JOIN_TICKS[9:0]) begin
      // an arbitration began too long ago to join
      quiet_q <= 10'd0;
      since_q <= 10'd0;
      free_o <= 1'b0;
      may_arb_o <= 1'b0;
    end else if (!bsy_i && since_q != 10'd0) begin
      // an arbitrator let go without a winner: the settle delay starts again
      quiet_q <= 10'd0;
      since_q <= 10'd0;
      may_arb_o <= 1'b0;
    end else begin
      if (quiet_q != ARB_TICKS[9:0]) quiet_q <= quiet_q + 10'd1;
      if (bsy_i) since_q <= since_q + 10'd1;
      free_o <= free;
      may_arb_o <= may_arb;
    end
  end

endmodule
`default_nettype wire
