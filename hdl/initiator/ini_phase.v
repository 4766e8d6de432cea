// The phase that the target asserts, without the glitches of its lines.
//
// Used by ini_port. A line is believed when it has said something else for longer, by `SCSI_PHASE_STEADY_NS, than it has said what is believed: a
// phase is on the wires for a bus settle delay before its first REQ, and for as long as a REQ waits for its ACK. Without this a glitch amid
// synchronous data loses a word or sends one twice, with the right parity, and nobody notices.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"

module ini_phase #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    input  wire [2:0] phase_i,  // the lines, a clock or more old
    output reg  [2:0] phase_o,
    output reg        steady_o  // no line is in doubt: a REQ may be answered
);

  localparam DOUBT_TICKS = `SCSI_TICKS(`SCSI_PHASE_STEADY_NS);

  reg [4:0] doubt_q[0:2];  // clocks that a line has differed, less those in which it has not
  integer   i;

  wire      certain = phase_i == phase_o && {doubt_q[2], doubt_q[1], doubt_q[0]} == 15'd0;
  wire      awake = `SCSI_AWAKE(!certain || !steady_o);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      phase_o <= 3'd0;
      steady_o <= 1'b1;
      for (i = 0; i < 3; i = i + 1) doubt_q[i] <= 5'd0;
    end else if (awake) begin
      steady_o <= certain;
      for (i = 0; i < 3; i = i + 1) begin
        if (phase_i[i] == phase_o[i]) begin
          if (doubt_q[i] != 5'd0) doubt_q[i] <= doubt_q[i] - 5'd1;
        end else if (doubt_q[i] == DOUBT_TICKS[4:0]) begin
          phase_o[i] <= phase_i[i];
          doubt_q[i] <= 5'd0;
        end else begin
          doubt_q[i] <= doubt_q[i] + 5'd1;
        end
      end
    end
  end

endmodule
`default_nettype wire
