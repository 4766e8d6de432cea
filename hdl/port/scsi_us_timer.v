// Counts microseconds while it runs: the long delays and time-outs (selection time-out, stall, hold-off).
//
// Used by the arbiter, the initiator and the target. `expired_o` rises once `limit_us_i` whole microseconds have passed since
// `run_i` rose, not counting the time that `hold_i` was true, and stays until `run_i` falls. A limit of zero never expires. Idle,
// it does not toggle.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"

module scsi_us_timer #(
    parameter CLK_PERIOD_PS = 6250
) (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire        run_i,
    input  wire        hold_i,      // stands still while running
    input  wire        restart_i,   // starts again from zero while running
    input  wire [23:0] limit_us_i,
    output reg         expired_o
);

  localparam US_TICKS = `SCSI_TICKS(1000);

  reg [ 9:0] tick_q;
  reg [23:0] us_q;
  reg        used_q;  // has counted since it was cleared
  reg        wrap_q;  // a microsecond has passed

  reg        hit_q;  // us_q is the limit

  wire awake = `SCSI_AWAKE(run_i || used_q);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {wrap_q, hit_q} <= 2'd0;
      tick_q <= 10'd0;
      us_q <= 24'd0;
      expired_o <= 1'b0;
      used_q <= 1'b0;
    end else if (!awake) begin
      // nothing changes
    end else if (!run_i || restart_i) begin
      {wrap_q, hit_q} <= 2'd0;
      tick_q <= 10'd0;
      us_q <= 24'd0;
      expired_o <= 1'b0;
      used_q <= 1'b0;
    end else if (!expired_o && !hold_i) begin
      used_q <= 1'b1;
      wrap_q <= tick_q == US_TICKS[9:0] - 10'd1;
      tick_q <= tick_q == US_TICKS[9:0] - 10'd1 ? 10'd0 : tick_q + 10'd1;
      if (wrap_q) us_q <= us_q + 24'd1;
      hit_q <= us_q == limit_us_i && limit_us_i != 24'd0;
      if (hit_q) expired_o <= 1'b1;
    end
  end

endmodule
`default_nettype wire
