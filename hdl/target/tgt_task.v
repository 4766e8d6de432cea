// The task that is being executed: its nexus, and when it may return its status.
//
// Used by scsi_target beside tgt_flow. An ordinary task has no predecessors (rank 0). A member of a mirrored operation counts the TASK
// COMPLETEs that it snoops for the same initiator, LUN and tag and goes when the count equals its rank; the hold-off timer, which
// runs while the bus is free and starts again with each of them, keeps a dead predecessor from blocking it (docs/protocol.md, status).
`default_nettype none
`include "scsi_awake.vh"

module tgt_task #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        valid_i,       // there is a task
    input wire [23:0] holdoff_us_i,

    // a task begins
    input wire       set_i,        // pulse
    input wire [3:0] initiator_i,
    input wire [5:0] lun_i,
    input wire       tagged_i,
    input wire [7:0] tag_i,

    input wire       rank_set_i,  // pulse: it has its copy
    input wire [3:0] rank_i,

    input wire       free_i,             // BUS FREE
    // a TASK COMPLETE that was snooped on a reselection
    input wire       complete_i,
    input wire [3:0] nexus_initiator_i,
    input wire [5:0] nexus_lun_i,
    input wire       nexus_tagged_i,
    input wire [7:0] nexus_tag_i,

    output wire       turn_o,       // it may reselect
    output reg  [3:0] initiator_o,
    output reg  [5:0] lun_o,
    output reg        tagged_o,
    output reg  [7:0] tag_o
);

  reg [3:0] before_q;  // members still to return their status before this one
  wire      waiting = valid_i && before_q != 4'd0;
  wire      overdue;
  wire      same = nexus_initiator_i == initiator_o && nexus_lun_i == lun_o && nexus_tagged_i == tagged_o
      && (!tagged_o || nexus_tag_i == tag_o);
  reg       same_q;  // the nexus is known long before its TASK COMPLETE
  wire      ours = complete_i && same_q;

  // Nothing to do in a clock should cost a simulation nothing.
  wire      awake = `SCSI_AWAKE(set_i || rank_set_i || ours || same != same_q);

  assign turn_o = before_q == 4'd0 || overdue;

  scsi_us_timer #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_holdoff (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .run_i     (waiting),
      .hold_i    (!free_i),
      .restart_i (ours),
      .limit_us_i(holdoff_us_i),
      .expired_o (overdue)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      tagged_o <= 1'b0;
      initiator_o <= 4'd0;
      lun_o <= 6'd0;
      tag_o <= 8'd0;
      before_q <= 4'd0;
      same_q <= 1'b0;
    end else if (awake) begin
      same_q <= same;
      if (set_i) begin
        initiator_o <= initiator_i;
        lun_o <= lun_i;
        tagged_o <= tagged_i;
        tag_o <= tag_i;
        before_q <= 4'd0;
      end else if (rank_set_i) begin
        before_q <= rank_i;
      end else if (waiting && ours) begin
        before_q <= before_q - 4'd1;
      end
    end
  end

endmodule
`default_nettype wire
