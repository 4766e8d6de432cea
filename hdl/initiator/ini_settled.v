// Whether enrolments may be changing: nobody makes a pass of a mirrored command meanwhile.
//
// Used by scsi_initiator for ini_group. They change at the end of a connection that is about them, and in the clocks after it (ini_enrol goes
// through all groups when a target was reset).
`default_nettype none
`include "ini_defs.vh"

module ini_settled (
    input  wire       clk_i,
    input  wire       rst_ni,
    input  wire       open_i,       // a connection is there or begins
    input  wire [3:0] opcode_i,     // what it is for
    input  wire       closing_i,    // ini_finish is at work
    output wire       unsettled_o
);

  localparam [4:0] WALK = 5'd24;  // clocks in which ini_enrol goes through its groups, and those that a look at it takes

  reg [4:0] left_q;
  reg       about_q;  // of a clock ago; it holds to the end of the connection

  wire about_them = opcode_i == `INI_OP_QUERY || opcode_i == `INI_OP_TASK_MANAGEMENT || opcode_i == `INI_OP_MIRROR_CAPABILITY;
  wire now = open_i && about_q;

  assign unsettled_o = now || closing_i || left_q != 5'd0;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      about_q <= 1'b0;
      left_q <= 5'd0;
    end else begin
      about_q <= about_them;
      if (now) left_q <= WALK;
      else if (left_q != 5'd0) left_q <= left_q - 5'd1;
    end
  end

endmodule
`default_nettype wire
