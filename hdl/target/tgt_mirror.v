// A member of a silent-mirroring group: the operation's context, the windows of the hand-over, and the leader's watch.
//
// Used by scsi_target. Everything here is snooped from the wires; t0 is the negation of the last ACK of a MESSAGE OUT phase whose
// messages are complete (docs/protocol.md, hand-over). The participant takes after a bus settle delay of released lines and before
// its window closes, later in it if it waits for its medium. The leader, while another target drives the phase lines, decides when to reclaim
// them and when to free the bus. What a message has named counts with the REQ that shows who took.
`default_nettype none
`include "scsi_awake.vh"
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
    input wire [ 7:0] yz_i,
    input wire [31:0] lba_i,
    input wire [23:0] len_i,
    input wire [31:0] next_lba_i,

    // MESSAGE IN
    input wire disconnect_i,  // pulse: a byte DISCONNECT

    // who it is about
    input wire [3:0] initiator_i,
    input wire [5:0] lun_i,
    input wire       tagged_i,
    input wire [7:0] tag_i,
    input wire       group_i,      // enrolled in the group that the message names
    input wire       named_i,      // the message names this drive
    input wire [1:0] can_i,        // extensions agreed on there: flags of CAPABILITY
    input wire       lead_i,       // the message names the leader of the operation
    input wire       able_i,       // there is room for the operation's context
    input wire       again_i,      // the last block's copy is through, there is room for another one
    input wire       ready_i,      // the status is known

    // the drive's own part
    input wire leader_wait_i,  // leader, holding BSY, while another target drives the phase lines
    input wire first_req_i,    // pulse: this drive has driven its first REQ of a block's data
    input wire told_i,         // pulse: it has delivered its status, or DISCONNECT ...
    input wire told_later_i,   // ... that

    // the operation
    output reg  [ 3:0] initiator_o,
    output reg  [ 5:0] lun_o,
    output reg         tagged_o,
    output reg  [ 7:0] tag_o,
    output reg         read_o,
    output reg  [31:0] lba_o,        // of the present block
    output reg  [23:0] len_o,
    output reg  [ 7:0] lead_yz_o,    // the leader's identity
    output reg  [ 7:0] yz_o,         // this drive's, once it has been named
    output reg  [ 3:0] rank_o,       // of this drive, once first_req_i has been
    output reg         ranked_o,     // pulse: it is another one, since DISCONNECT
    output reg         reporting_o,  // there has been a REPORT
    output wire        closed_o,     // there is no operation
    output reg         ahead_o,      // pulse: a read at ahead_lba_o has been heard of
    output reg  [31:0] ahead_lba_o,

    output reg take_o,     // pulse: take the phase lines now ...
    output reg tell_o,     // ... with it: for the status
    output reg reclaim_o,  // pulse: nobody took, the leader takes them back
    output reg release_o,  // pulse: the leader releases BSY
    output reg discard_o   // pulse: the operation was aborted, or its series cut off
);

  localparam TAKE_MIN_TICKS = `SCSI_TICKS(`MIRROR_TAKE_MIN_NS);
  localparam TAKE_MAX_TICKS = `SCSI_TICKS_MAX(`MIRROR_TAKE_MAX_NS) - 40;  // 40: wires to here, and from here to the first REQ
  localparam TELL_TICKS = TAKE_MAX_TICKS - 10;  // the status is no longer waited for
  localparam STABLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  localparam RECLAIM_TICKS = `SCSI_TICKS(`MIRROR_RECLAIM_NS);
  localparam RELEASE_TICKS = `SCSI_TICKS(`MIRROR_RELEASE_QUIET_NS);
  localparam LOST_TICKS = `SCSI_TICKS(`MIRROR_LOST_RELEASE_NS);

  // A message that names somebody, as long as nobody has taken
  localparam NOTHING = 2'd0;
  localparam SWITCH = 2'd1;
  localparam REPORT = 2'd2;
  localparam NEXT = 2'd3;

  reg        armed_q;     // MIRROR WRITE or READ heard without error, data has not begun
  reg        valid_q;     // data has begun: the context may be acted on
  reg [ 1:0] heard_q;
  reg        named_q;     // ... and it named this drive
  reg        doubt_q;     // somebody sends MESSAGE IN after REPORT: DISCONNECT, or a rejection
  reg        served_q;    // this drive has had its copy of the block
  reg        has_q;       // ... of any block
  reg        series_q;    // there has been a second block
  reg        out_q;       // this drive missed a block
  reg        told_q;      // it has reported
  reg        last_q;      // the message now acted on had the last indicator
  reg        last_took_q; // the last participant has taken
  reg        freeing_q;   // RELEASE or an abort has been heard
  reg        count_q;     // t0 counter runs: no REQ since t0
  reg [11:0] t0_q;        // clocks since t0
  reg [11:0] quiet_q;     // clocks with MSG, C/D, I/O, REQ, ACK and ATN all false
  reg        open_q, shut_q, late_q;  // of t0_q: the window is open, is over, is nearly so
  reg        stable_q;    // of quiet_q: the lines have been released for long enough
  reg        room_q;      // what taking waits for is there
  reg        req_q;
  reg [ 3:0] takes_q;     // targets that have taken so far, less the leader
  reg        later_q;     // DISCONNECT of somebody, not yet let pass
  reg [ 3:0] laters_q;    // ... that have been let pass
  reg [ 3:0] before_q;    // ... before the last one

  wire       untaken = phase_i == 3'd0 && !req_i && !ack_i;
  wire       lines_free = untaken && !atn_i;
  wire       new_req = req_i && !req_q;
  wire       data_req = new_req && !phase_i[1];
  wire       aborted = event_i == `TGT_EV_ABORT || event_i == `TGT_EV_TARGET_RESET;
  wire       ours = valid_q && group_i && yz_i[7:4] == lead_yz_o[7:4];
  wire       take = named_q && open_q && !shut_q && stable_q && room_q;

  assign closed_o = !armed_q && !valid_q;

  // Nothing to do in a clock should cost a simulation nothing.
  wire       pulsed = take_o || reclaim_o || release_o || discard_o || ranked_o || ahead_o;
  wire       watching = count_q || freeing_q || named_q;
  wire       marked = armed_q || valid_q || heard_q != NOTHING || doubt_q || last_took_q || watching;
  wire       awake = `SCSI_AWAKE(pulsed || req_i != req_q
      || (clear_i ? marked : byte_i || first_req_i || told_i || (disconnect_i && doubt_q) || watching));

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      forget;
      {served_q, has_q, series_q, out_q, told_q, last_q} <= 6'd0;
      {req_q, tagged_o, read_o, take_o, tell_o, reclaim_o, release_o, discard_o, ranked_o, ahead_o, reporting_o} <= 11'd0;
      {open_q, shut_q, late_q, stable_q, room_q} <= 5'd0;
      t0_q <= 12'd0;
      quiet_q <= 12'd0;
      {takes_q, laters_q, before_q} <= 12'd0;
      initiator_o <= 4'd0;
      lun_o <= 6'd0;
      {tag_o, lead_yz_o, yz_o} <= 24'd0;
      {lba_o, ahead_lba_o} <= 64'd0;
      len_o <= 24'd0;
      rank_o <= 4'd0;
    end else if (awake) begin
      {take_o, reclaim_o, release_o, discard_o, ranked_o, ahead_o} <= 6'd0;
      req_q <= req_i;
      if (clear_i) begin
        // a series that was cut off has no status
        discard_o <= valid_q && series_q && has_q && !reporting_o;
        forget;
      end else begin
        count;
        if (new_req) shown;
        if (disconnect_i && doubt_q) disconnected;
        watch;
        if (byte_i && end_i && !valid_q && !armed_q) describe;
        if (byte_i && end_i && heard_q == NOTHING) ahead_lba_o <= event_i == `TGT_EV_NEXT ? next_lba_i : lba_i;
        if (byte_i) message;
        if (first_req_i) begin
          {served_q, has_q} <= 2'b11;
          if (!has_q) rank_o <= takes_q + {3'd0, valid_q};  // a participant's own first REQ is still to come
        end
        if (told_i) begin
          {told_q, named_q} <= 2'b10;  // also by the message that let it pass
          ranked_o <= told_later_i;
          if (told_later_i) rank_o <= before_q;
        end
      end
    end
  end

  task forget;
    begin
      {armed_q, valid_q, named_q, doubt_q, last_took_q, freeing_q, count_q, later_q} <= 8'd0;
      heard_q <= NOTHING;
    end
  endtask

  task count;
    begin
      if (!lines_free) quiet_q <= 12'd0;
      else if (quiet_q != LOST_TICKS[11:0]) quiet_q <= quiet_q + 12'd1;
      if (count_q && t0_q != RECLAIM_TICKS[11:0]) t0_q <= t0_q + 12'd1;
      open_q <= t0_q >= TAKE_MIN_TICKS[11:0];
      late_q <= t0_q >= TELL_TICKS[11:0];
      shut_q <= t0_q >= TAKE_MAX_TICKS[11:0];
      stable_q <= quiet_q >= STABLE_TICKS[11:0] && lines_free;
      room_q <= heard_q == REPORT ? ready_i || late_q : has_q ? again_i : able_i;
    end
  endtask

  // A REQ. Data: it has begun, or somebody has taken; so STATUS. Any other phase: resend, reject or reclaim, nothing of the
  // message counts, unless what comes turns out to be DISCONNECT.
  task shown;
    begin
      {armed_q, named_q, freeing_q, count_q} <= 4'd0;
      heard_q <= NOTHING;
      doubt_q <= heard_q == REPORT && phase_i == `SCSI_PH_MSG_IN;
      if (data_req && armed_q) begin
        valid_q <= 1'b1;
        last_took_q <= last_q;
      end
      if (data_req && heard_q == SWITCH) begin
        takes_q <= takes_q + 4'd1;
        last_took_q <= last_q;
      end
      if (data_req && heard_q == NEXT) advance;
      if (valid_q && phase_i == `SCSI_PH_STATUS) begin
        reporting_o <= 1'b1;
        if (heard_q == REPORT) last_took_q <= last_q;
      end
    end
  endtask

  task disconnected;
    begin
      {doubt_q, later_q, reporting_o} <= 3'b011;
      last_took_q <= last_q;
    end
  endtask

  // The next block begins. Who has not had the one before is out.
  task advance;
    begin
      lba_o <= ahead_lba_o;
      series_q <= 1'b1;
      out_q <= out_q || !served_q;
      served_q <= 1'b0;
      heard_q <= NOTHING;
    end
  endtask

  // Windows open and close.
  task watch;
    begin
      if (take && !new_req) begin
        named_q <= 1'b0;
        take_o <= 1'b1;
        tell_o <= heard_q == REPORT;
        if (heard_q == REPORT) reporting_o <= 1'b1;
        if (heard_q == NEXT) advance;
      end else if (shut_q) begin
        named_q <= 1'b0;
      end

      if (leader_wait_i) begin
        if (freeing_q) begin
          if (quiet_q >= RELEASE_TICKS[11:0]) release_o <= 1'b1;
        end else if (count_q && t0_q == RECLAIM_TICKS[11:0] && untaken) begin
          if (!last_took_q) begin
            reclaim_o <= 1'b1;
            count_q <= 1'b0;
            if (heard_q == REPORT) reporting_o <= 1'b1;
          end else if (quiet_q == LOST_TICKS[11:0]) begin
            release_o <= 1'b1;
          end
        end
      end
    end
  endtask

  // What a message says of an operation, in case it orders one.
  task describe;
    begin
      initiator_o <= initiator_i;
      lun_o <= lun_i;
      tagged_o <= tagged_i;
      tag_o <= tag_i;
      read_o <= event_i == `TGT_EV_MIRROR_READ;
      lba_o <= lba_i;
      len_o <= len_i;
      lead_yz_o <= yz_i;
      yz_o <= yz_i;
    end
  endtask

  // A byte of MESSAGE OUT has been judged.
  task message;
    begin
      {named_q, open_q, late_q, shut_q, stable_q, room_q, doubt_q} <= 7'd0;
      quiet_q <= 12'd0;
      t0_q <= 12'd0;
      count_q <= end_i && valid_q;
      if (aborted && valid_q) begin
        freeing_q <= 1'b1;
        discard_o <= has_q;
      end
      if (end_i && !error_i) begin
        case (event_i)
          `TGT_EV_MIRROR_WRITE, `TGT_EV_MIRROR_READ:
          if (valid_q) begin
            // Within an operation it is rejected; should a target of another make take it, this drive is out.
            valid_q <= own_i;
          end else if (group_i && !armed_q) begin
            order;
          end
          `TGT_EV_SWITCH:
          if (ours && !reporting_o) begin
            heard_q <= SWITCH;
            named_q <= named_i && !served_q && !out_q;
            name;
          end
          `TGT_EV_REPORT: begin
            told;
            if (ours && can_i != 2'd0) begin
              heard_q <= REPORT;
              named_q <= named_i && has_q && !told_q;
              name;
              last_took_q <= 1'b0;
            end
          end
          `TGT_EV_NEXT:
          if (ours && lead_i && can_i[`TGT_CAN_SERIES] && !reporting_o) begin
            heard_q <= NEXT;
            named_q <= own_i && served_q;
            ahead_o <= read_o && has_q && !out_q;
            last_took_q <= 1'b0;
          end
          `TGT_EV_RELEASE: begin
            told;
            if (valid_q && yz_i[7:4] == lead_yz_o[7:4]) freeing_q <= 1'b1;
          end
          default: ;
        endcase
      end
    end
  endtask

  task order;
    begin
      armed_q <= 1'b1;
      {served_q, has_q, series_q, out_q, told_q, last_took_q, reporting_o, later_q} <= 8'd0;
      last_q <= last_i;
      {takes_q, laters_q} <= 8'd0;
      ahead_o <= event_i == `TGT_EV_MIRROR_READ && !own_i;
    end
  endtask

  task name;
    begin
      last_q <= last_i;
      if (named_i) yz_o <= yz_i;
    end
  endtask

  // The DISCONNECT before this message has been let pass.
  task told;
    begin
      later_q  <= 1'b0;
      before_q <= laters_q;
      laters_q <= laters_q + {3'd0, later_q};
    end
  endtask

endmodule
`default_nettype wire
