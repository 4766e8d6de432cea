// A member of a silent-mirroring group: the operation's context, the windows of the hand-over, and the leader's watch.
//
// Used by scsi_target. Everything here is snooped from the wires; t0 is the negation of the last ACK of a MESSAGE OUT phase whose
// messages are complete (docs/protocol.md, hand-over). The participant takes after a bus settle delay of released lines and before
// its window closes. The leader, while another target drives the phase lines, decides when to reclaim them and when to free the bus.
`default_nettype none
`include "scsi_defs.vh"
`include "scsi_timing.vh"
`include "tgt_events.vh"

module tgt_mirror #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       clear_i,  // BUS FREE or RST: the operation is over
    input wire       own_i,    // this drive holds BSY: it is (or may become) the leader
    input wire [2:0] phase_i,
    input wire       req_i,
    input wire       ack_i,
    input wire       atn_i,

    // MESSAGE OUT, own or snooped
    input wire        byte_i,
    input wire        end_i,
    input wire        error_i,
    input wire [ 4:0] event_i,
    input wire        last_i,
    input wire [31:0] lba_i,
    input wire [23:0] len_i,

    // who it is about
    input wire [3:0] initiator_i,
    input wire [5:0] lun_i,
    input wire       tagged_i,
    input wire [7:0] tag_i,
    input wire [3:0] group_id_i,   // y of the message
    input wire       group_i,      // enrolled in the group that the message names
    input wire       named_i,      // the message names this drive
    input wire       able_i,       // there is room for the operation's context

    // the drive's own part
    input wire leader_wait_i,  // leader, holding BSY, while another target drives the phase lines
    input wire first_req_i,    // pulse: this drive has driven its first REQ of the operation's data

    // the operation
    output reg  [ 3:0] initiator_o,
    output reg  [ 5:0] lun_o,
    output reg         tagged_o,
    output reg  [ 7:0] tag_o,
    output reg  [31:0] lba_o,
    output reg  [23:0] len_o,
    output reg  [ 3:0] rank_o,       // of this drive, once first_req_i has been

    output reg take_o,     // pulse: take the phase lines now
    output reg reclaim_o,  // pulse: nobody took, the leader takes them back
    output reg release_o,  // pulse: the leader releases BSY
    output reg discard_o   // pulse: the operation was aborted
);

  localparam TAKE_MIN_TICKS = `SCSI_TICKS(`MIRROR_TAKE_MIN_NS);
  localparam TAKE_MAX_TICKS = `SCSI_TICKS_MAX(`MIRROR_TAKE_MAX_NS) - 40;  // 40: wires to here, and from here to the first REQ
  localparam STABLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  localparam RECLAIM_TICKS = `SCSI_TICKS(`MIRROR_RECLAIM_NS);
  localparam RELEASE_TICKS = `SCSI_TICKS(`MIRROR_RELEASE_QUIET_NS);
  localparam LOST_TICKS = `SCSI_TICKS(`MIRROR_LOST_RELEASE_NS);

  reg [ 3:0] group_q;     // of the operation
  reg        armed_q;     // MIRROR WRITE heard without error, data has not begun
  reg        valid_q;     // data has begun: the context may be acted on
  reg        switched_q;  // SWITCH ROLE heard, nobody has taken yet
  reg        named_q;     // ... and it named this drive
  reg        served_q;    // this drive has had its copy
  reg        last_q;      // the message now acted on had the last indicator
  reg        last_took_q; // the last participant has taken
  reg        freeing_q;   // RELEASE or an abort has been heard
  reg        count_q;     // t0 counter runs: no REQ since t0
  reg [11:0] t0_q;        // clocks since t0
  reg [11:0] quiet_q;     // clocks with MSG, C/D, I/O, REQ, ACK and ATN all false
  reg        req_q;
  reg [ 3:0] takes_q;     // targets that have taken so far, less the leader

  wire       untaken = phase_i == 3'd0 && !req_i && !ack_i;
  wire       lines_free = untaken && !atn_i;
  wire       new_req = req_i && !req_q;
  wire       data_req = new_req && phase_i[1:0] == 2'b00;  // DATA OUT, ST or DT
  wire       aborted = event_i == `TGT_EV_ABORT || event_i == `TGT_EV_TARGET_RESET;

  // Nothing to do in a clock should cost a simulation nothing.
  wire       pulsed = take_o || reclaim_o || release_o || discard_o;
  wire       watching = count_q || freeing_q || named_q;
  wire       marked = armed_q || valid_q || switched_q || served_q || last_q || last_took_q || watching;
  wire       awake = pulsed || req_i != req_q || (clear_i ? marked : byte_i || first_req_i || watching);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {armed_q, switched_q, named_q, served_q, last_q, last_took_q, freeing_q, count_q} <= 8'd0;
      {req_q, valid_q, tagged_o, take_o, reclaim_o, release_o, discard_o} <= 7'd0;
      t0_q <= 12'd0;
      quiet_q <= 12'd0;
      group_q <= 4'd0;
      takes_q <= 4'd0;
      initiator_o <= 4'd0;
      lun_o <= 6'd0;
      tag_o <= 8'd0;
      lba_o <= 32'd0;
      len_o <= 24'd0;
      rank_o <= 4'd0;
    end else if (awake) begin
      take_o <= 1'b0;
      reclaim_o <= 1'b0;
      release_o <= 1'b0;
      discard_o <= 1'b0;
      req_q <= req_i;
      if (clear_i) begin
        {armed_q, switched_q, named_q, served_q, last_q, last_took_q, freeing_q, count_q, valid_q} <= 9'd0;
      end else begin
        watch;
        if (byte_i) message;
        if (first_req_i) begin
          served_q <= 1'b1;
          rank_o <= takes_q + {3'd0, valid_q};  // a participant's own first REQ is still to come
        end
      end
    end
  end

  // Time passes: windows open and close, REQs show who took.
  task watch;
    begin
      if (!lines_free) quiet_q <= 12'd0;
      else if (quiet_q != LOST_TICKS[11:0]) quiet_q <= quiet_q + 12'd1;
      if (count_q && t0_q != RECLAIM_TICKS[11:0]) t0_q <= t0_q + 12'd1;

      if (new_req) begin
        // Data: it has begun, or somebody has taken. Any other phase: resend, reject or reclaim, nothing of the message counts.
        armed_q <= 1'b0;
        switched_q <= 1'b0;
        named_q <= 1'b0;
        freeing_q <= 1'b0;
        count_q <= 1'b0;
        if (data_req && armed_q) begin
          valid_q <= 1'b1;
          last_took_q <= last_q;
        end
        if (data_req && switched_q) begin
          takes_q <= takes_q + 4'd1;
          last_took_q <= last_q;
        end
      end

      if (named_q) begin
        if (t0_q >= TAKE_MAX_TICKS[11:0]) begin
          named_q <= 1'b0;
        end else if (t0_q >= TAKE_MIN_TICKS[11:0] && quiet_q >= STABLE_TICKS[11:0]) begin
          named_q <= 1'b0;
          take_o <= 1'b1;
        end
      end

      if (leader_wait_i) begin
        if (freeing_q) begin
          if (quiet_q >= RELEASE_TICKS[11:0]) release_o <= 1'b1;
        end else if (count_q && t0_q == RECLAIM_TICKS[11:0] && untaken) begin
          if (!last_took_q) begin
            reclaim_o <= 1'b1;
            count_q <= 1'b0;
          end else if (quiet_q == LOST_TICKS[11:0]) begin
            release_o <= 1'b1;
          end
        end
      end
    end
  endtask

  // A byte of MESSAGE OUT has been judged.
  task message;
    begin
      named_q <= 1'b0;
      quiet_q <= 12'd0;
      t0_q <= 12'd0;
      count_q <= end_i && valid_q;
      if (aborted && valid_q) begin
        freeing_q <= 1'b1;
        discard_o <= served_q;
      end
      if (end_i && !error_i) begin
        case (event_i)
          `TGT_EV_MIRROR_WRITE:
          if (valid_q) begin
            // Within an operation it is rejected; should a target of another make take it, this drive is out.
            valid_q <= own_i;
          end else if (group_i) begin
            armed_q <= 1'b1;
            group_q <= group_id_i;
            served_q <= 1'b0;
            last_took_q <= 1'b0;
            last_q <= last_i;
            takes_q <= 4'd0;
            initiator_o <= initiator_i;
            lun_o <= lun_i;
            tagged_o <= tagged_i;
            tag_o <= tag_i;
            lba_o <= lba_i;
            len_o <= len_i;
          end
          `TGT_EV_SWITCH:
          if (valid_q && group_i && group_id_i == group_q) begin
            switched_q <= 1'b1;
            named_q <= named_i && !served_q && able_i;
            last_q <= last_i;
          end
          `TGT_EV_RELEASE: if (valid_q && group_id_i == group_q) freeing_q <= 1'b1;
          default: ;
        endcase
      end
    end
  endtask

endmodule
`default_nettype wire
