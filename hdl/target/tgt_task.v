// The one task that can wait for its turn to return status by reselection, and the order in which members do so.
//
// Used by scsi_target. A disconnected write has no predecessors (rank 0). A member of a mirrored operation counts the TASK
// COMPLETEs that it snoops for the same initiator, LUN and tag and goes when the count equals its rank; the hold-off timer, which
// runs while the bus is free and starts again with each of them, keeps a dead predecessor from blocking it (docs/protocol.md, status).
`default_nettype none

module tgt_task #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        clear_i,       // RST, TARGET RESET or an abort: forget it
    input wire [23:0] holdoff_us_i,

    // a task is left waiting
    input wire       set_i,        // pulse
    input wire [3:0] initiator_i,
    input wire [5:0] lun_i,
    input wire       tagged_i,
    input wire [7:0] tag_i,
    input wire [3:0] rank_i,

    // its result
    input wire       result_i,  // pulse: the medium is done, or there was nothing to write
    input wire [7:0] status_i,

    input wire       ended_i,         // pulse: status returned, or given up
    input wire       free_i,          // BUS FREE
    // a TASK COMPLETE that was snooped on a reselection
    input wire       complete_i,
    input wire [3:0] nexus_initiator_i,
    input wire [5:0] nexus_lun_i,
    input wire       nexus_tagged_i,
    input wire [7:0] nexus_tag_i,

    output reg        valid_o,      // a task waits
    output wire       ready_o,      // and may reselect now
    output wire       same_o,       // it is of the nexus that the bus is about
    output reg  [3:0] initiator_o,
    output reg  [5:0] lun_o,
    output reg        tagged_o,
    output reg  [7:0] tag_o,
    output reg  [7:0] status_o
);

  reg       have_q;    // status_o is known
  reg [3:0] before_q;  // members still to return theirs before this one
  wire      waiting = valid_o && before_q != 4'd0;
  wire      overdue;
  wire      ours = complete_i && same_o;

  // Nothing to do in a clock should cost a simulation nothing.
  wire      awake = clear_i || ended_i || set_i || result_i || ours;

  assign same_o = nexus_initiator_i == initiator_o && nexus_lun_i == lun_o && nexus_tagged_i == tagged_o
      && (!tagged_o || nexus_tag_i == tag_o);
  assign ready_o = valid_o && have_q && (before_q == 4'd0 || overdue);

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
      {valid_o, have_q, tagged_o} <= 3'd0;
      initiator_o <= 4'd0;
      lun_o <= 6'd0;
      tag_o <= 8'd0;
      status_o <= 8'd0;
      before_q <= 4'd0;
    end else if (!awake) begin
      // nothing changes
    end else if (clear_i || ended_i) begin
      valid_o <= 1'b0;
      have_q <= 1'b0;
    end else begin
      if (set_i) begin
        valid_o <= 1'b1;
        have_q <= 1'b0;
        initiator_o <= initiator_i;
        lun_o <= lun_i;
        tagged_o <= tagged_i;
        tag_o <= tag_i;
        before_q <= rank_i;
      end else if (waiting && ours) begin
        before_q <= before_q - 4'd1;
      end
      if (result_i) begin
        have_q <= 1'b1;
        status_o <= status_i;
      end
    end
  end

endmodule
`default_nettype wire
