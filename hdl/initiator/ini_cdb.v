// Command pointer: which byte of the CDB goes next.
//
// Used by scsi_initiator. Rules: length by group code of the operation code; a CDB of a group whose length no standard states goes as far
// as the register; RESTORE POINTERS starts again. A target that asks for more than there is gets zeros, and `overrun_o` says so.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"

module ini_cdb (
    input wire clk_i,
    input wire rst_ni,

    input  wire         restart_i,  // pulse
    input  wire [127:0] cdb_i,      // byte 0 in bits 7:0
    input  wire [  2:0] phase_i,
    input  wire         tx_take_i,
    output reg  [  7:0] byte_o,     // two clocks after tx_take_i
    output wire         more_o,     // byte_o is of the CDB
    output reg          overrun_o   // pulse
);

  reg [3:0] idx_q;
  reg       over_q;
  reg [3:0] last;

  wire took = tx_take_i && phase_i == `SCSI_PH_COMMAND;
  reg  moved_q;
  wire awake = `SCSI_AWAKE(restart_i || took || overrun_o || moved_q);

  assign more_o = !over_q;

  always @(*) begin
    case (cdb_i[7:5])
      3'd0: last = 4'd5;
      3'd1, 3'd2: last = 4'd9;
      3'd5: last = 4'd11;
      default: last = 4'd15;
    endcase
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      idx_q <= 4'd0;
      {over_q, moved_q, overrun_o} <= 3'd0;
      byte_o <= 8'd0;
    end else if (awake) begin
      overrun_o <= 1'b0;
      moved_q <= restart_i || took;
      byte_o <= over_q ? 8'd0 : cdb_i[{idx_q, 3'd0}+:8];
      if (restart_i) begin
        idx_q <= 4'd0;
        over_q <= 1'b0;
      end else if (took) begin
        if (over_q) overrun_o <= 1'b1;
        else if (idx_q == last) over_q <= 1'b1;
        else idx_q <= idx_q + 4'd1;
      end
    end
  end

endmodule
`default_nettype wire
