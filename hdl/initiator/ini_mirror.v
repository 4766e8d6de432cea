// Sequences the participants of a mirrored operation: copies, block after block of a series, statuses, RELEASE; reclaim and reject.
//
// Used by scsi_initiator, beside ini_nexus, which handles whatever is common to all connections; ini_tally keeps what comes of it for each
// participant. Rules: docs/protocol.md, mirrored write, hand-over, status in the connection, many blocks: ATN goes with the last word
// of each copy; a RECLAIMED names the leader as current target: what was said is repeated a bounded number of times, then its
// participant is skipped, and in a series not named for data again; a NEXT that the leader does not take ends the series; a rejected
// message leaves the current target as it was. FFh announces RELEASE: it goes with the last REPORT or, without REPORTs, the last copy. A status
// is delivered when the message after it is out and the next participant's REQ, or BUS FREE, has followed.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"
`include "ini_defs.vh"

module ini_mirror #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    input wire        begin_i,    // pulse: a task begins
    input wire        active_i,   // its connection is up
    input wire [ 3:0] count_i,    // participants
    input wire [59:0] order_i,    // z by rank
    /* verilator lint_off UNUSEDSIGNAL */  // 16 is 0 here
    input wire [ 4:0] blocks_i,   // blocks of the pass, 1 to 16
    /* verilator lint_on UNUSEDSIGNAL */
    input wire       report_i,   // statuses are collected in the connection
    input wire       short_i,    // the series may end before its last block
    input wire [ 3:0] retries_i,

    input wire [2:0] phase_i,
    input wire       phase_new_i,
    input wire       tx_take_i,
    input wire       rx_stb_i,
    input wire       status_bad_i, // with rx_stb_i: wrong parity
    input wire [7:0] rx_data_i,
    input wire       data_end_i,   // the word moved is the copy's last
    input wire       said_i,       // pulse: a message went out whole
    input wire [4:0] said_kind_i,
    input wire       reclaimed_i,  // pulse: RECLAIMED came, the leader is the current target
    input wire       rejected_i,   // pulse: MESSAGE REJECT came
    input wire       put_off_i,    // pulse: DISCONNECT came in the place of a status
    input wire       failed_i,     // pulse: FAILED BLOCK came
    input wire       bad_i,        // pulse: a message byte came with wrong parity
    input wire       bus_free_i,

    input wire [14:0] holds_i,  // by rank: has a copy, its status is due

    output reg         say_o,       // pulse
    output reg  [ 4:0] kind_o,
    output reg  [ 3:0] name_z_o,    // whom the message names
    output reg         name_last_o, // it is the last one
    output reg         rewind_o,    // pulse: the next copy starts from the first byte
    output reg         advance_o,   // pulse: ... of the next block
    output reg  [ 3:0] next_index_o,// block that a NEXT would be for
    output reg         abort_o,     // pulse: this cannot go on
    output reg  [ 3:0] abort_why_o, // result that goes with it
    output reg  [ 3:0] data_rank_o, // rank that a data phase now would be with, known before its first REQ
    output wire        serving_o,   // a copy is under way
    output wire        asking_o,    // a participant that was named for REPORT may answer

    // what has come of it
    output reg        copied_o,    // pulse: data_rank_o has the whole copy
    output reg        skip_o,      // pulse: who_o did not take, or did not go on
    output reg        refuse_o,    // pulse: the switch to who_o was rejected
    output reg        keep_o,      // pulse: status_o is who_o's
    output reg  [7:0] status_o,
    output wire       fault_o,     // pulse: FAILED BLOCK was who_o's
    output reg        deliver_o,   // pulse: the status of told_rank_o is delivered
    output reg  [3:0] who_o,       // rank of the one named last; an error now belongs to it
    output reg  [3:0] told_rank_o,
    output reg        final_o,     // this is the last block
    output reg        series_o,    // a second block was begun
    output reg        early_o,     // pulse: the series ends before its last block, though nobody failed there
    output reg        ended_o,     // it has; the blocks are those before next_index_o
    output reg        reported_o   // a REPORT went out, and was not rejected
);

  localparam SERVE = 3'd0;  // the copy of data_rank_o
  localparam PICK = 3'd1;  // who or what is next?
  localparam CALL = 3'd2;  // SWITCH ROLE to who_o
  localparam AGAIN = 3'd3;  // NEXT to the leader
  localparam ASK = 3'd4;  // REPORT to who_o
  localparam ANSWER = 3'd5;  // its status is coming
  localparam VERDICT = 3'd6;  // it has come; is FAILED BLOCK to follow?
  localparam FREE = 3'd7;  // RELEASE to the current target

  // A participant that has no FAILED BLOCK to send holds the phase and waits for ATN.
  localparam PATIENCE = `SCSI_TICKS(`MIRROR_FAILED_WAIT_NS);

  reg  [ 2:0] state_q;
  reg  [ 3:0] at_q;  // rank of the current target
  reg  [ 3:0] tries_q;
  reg  [14:0] live_q;  // by rank: has taken whenever it was named for data
  reg  [14:0] todo_q;  // by rank: still to be named in this round
  reg         asking_q;  // the rounds for data are over
  reg         stop_q;  // no further block
  reg         told_q;  // the message went out: what comes now comes from the one it names
  reg         moved_q;  // the data pointer is at the next block
  reg         due_q;  // a status has come, and is not delivered yet
  reg         fresh_q;  // who_o is new
  reg  [ 3:0] blocks_q;  // 0 stands for 16
  reg  [10:0] wait_q;
  reg         again_q;  // what was said may be repeated
  // whoever is named next
  reg         picked_q;  // it is known; in a STATUS phase at once, so that ATN is up before ACK is negated
  reg  [ 3:0] low_q;  // lowest rank in todo_q
  reg  [14:0] rest_q;  // the others
  reg         none_q;  // nobody
  // of the clock before
  reg         active_q, copied_q, taken_q, answered_q;
  // what is being said; steady for long before said_i
  reg         switch_q, next_q, report_q, release_q;

  wire        data = !phase_i[1];
  wire        moved = phase_i[0] ? rx_stb_i : tx_take_i;
  wire        copied = active_q && data && moved && data_end_i && state_q == SERVE;
  wire        taken = active_q && phase_new_i && data && told_q && (state_q == CALL || state_q == AGAIN);
  wire        status = rx_stb_i && phase_i == `SCSI_PH_STATUS;
  wire        answered = active_q && phase_new_i && phase_i == `SCSI_PH_STATUS && told_q && state_q == ASK;
  wire        heard = reclaimed_i || rejected_i || put_off_i || failed_i || bad_i;
  wire        freed = active_q && bus_free_i;
  wire [ 3:0] saying = {said_kind_i == `INI_SAY_SWITCH, said_kind_i == `INI_SAY_NEXT, said_kind_i == `INI_SAY_REPORT, said_kind_i == `INI_SAY_RELEASE};
  wire        event_now = active_q && (copied || said_i || taken || status || answered || heard || bus_free_i);
  wire        pulsed = early_o || say_o || rewind_o || advance_o || abort_o || copied_o || skip_o || refuse_o || keep_o || deliver_o || fresh_q
      || copied_q || taken_q || answered_q;
  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(begin_i || event_now || pulsed || state_q == PICK || state_q == VERDICT || again_q != again || active_q != active_i
      || {switch_q, next_q, report_q, release_q} != saying);
  wire        again = tries_q != retries_i;
  wire        more = !asking_q && !final_o && !stop_q && live_q[0];

  assign serving_o = state_q == SERVE || taken_q;
  assign asking_o = (state_q == ASK && told_q) || state_q == ANSWER || state_q == VERDICT;
  assign fault_o = active_q && (state_q == ANSWER || state_q == VERDICT) && failed_i;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      kind_o <= `INI_SAY_NOP;
      abort_why_o <= `INI_RES_OK;
      status_o <= 8'd0;
      {name_z_o, blocks_q} <= 8'd0;
      live_q <= 15'd0;
      {todo_q, rest_q} <= 30'd0;
      low_q <= 4'd0;
      {again_q, none_q, active_q, switch_q, next_q, report_q, release_q} <= 7'd0;
      start;
    end else if (!awake) begin
      // nothing changes
    end else if (begin_i) begin
      active_q <= active_i;
      start;
      blocks_q <= blocks_i[3:0];
      live_q <= ~(15'h7FFF << count_i);
      todo_q <= ~(15'h7FFF << count_i) & 15'h7FFE;
    end else begin
      active_q <= active_i;
      {early_o, say_o, rewind_o, advance_o, abort_o, copied_o, skip_o, refuse_o, keep_o, deliver_o, fresh_q} <= 11'd0;
      if (fresh_q) name_z_o <= order_i[{who_o, 2'd0}+:4];
      final_o <= next_index_o == blocks_q;
      {copied_q, taken_q, answered_q} <= {copied, taken, answered};
      {switch_q, next_q, report_q, release_q} <= saying;
      again_q <= again;
      picked_q <= state_q == VERDICT || (state_q == PICK && !picked_q);
      if (state_q == PICK || state_q == VERDICT) begin
        low_q <= lowest(todo_q);
        rest_q <= todo_q & (todo_q - 15'd1);
        none_q <= todo_q == 15'd0;
      end
      if (state_q == PICK && picked_q) pick;
      if (state_q == VERDICT) begin
        wait_q <= wait_q - 11'd1;
        if (wait_q == 11'd0 || (keep_o && (!series_o || status_o == `SCSI_ST_GOOD))) state_q <= PICK;
      end
      if (state_q == AGAIN && taken_q && !said_i) begin
        next_index_o <= next_index_o + 4'd1;
        todo_q <= live_q & 15'h7FFE;
      end
      if (`SCSI_AWAKE(event_now || copied_q || taken_q || answered_q)) follow;
    end
  end

  task start;
    begin
      state_q <= SERVE;
      {at_q, tries_q, who_o, told_rank_o, data_rank_o} <= 20'd0;
      {asking_q, stop_q, told_q, moved_q, due_q, final_o, series_o, reported_o, name_last_o, early_o, ended_o} <= 11'd0;
      {say_o, rewind_o, advance_o, abort_o, copied_o, skip_o, refuse_o, keep_o, deliver_o} <= 9'd0;
      {copied_q, taken_q, answered_q, picked_q} <= 4'd0;
      fresh_q <= 1'b1;
      next_index_o <= 4'd1;
      wait_q <= 11'd0;
    end
  endtask

  task pick;
    begin
      tries_q <= 4'd0;
      told_q <= 1'b0;
      todo_q <= rest_q;
      name_last_o <= rest_q == 15'd0 && (asking_q || (final_o && !report_i));
      if (!none_q) begin
        call(low_q);
        say(asking_q ? `INI_SAY_REPORT : `INI_SAY_SWITCH);
        state_q <= asking_q ? ASK : CALL;
      end else if (more) begin
        moved_q <= 1'b0;
        call(4'd0);
        say(`INI_SAY_NEXT);
        state_q <= AGAIN;
      end else if (!asking_q && report_i && holds_i != 15'd0) begin
        asking_q <= 1'b1;
        todo_q <= holds_i;
      end else begin
        call(at_q);
        say(`INI_SAY_RELEASE);
        state_q <= FREE;
      end
    end
  endtask

  task follow;
    if (freed) begin
      if (told_q) deliver;
      if (state_q == ASK && told_q) reported_o <= 1'b1;
    end else begin
      case (state_q)
        SERVE:
        if (copied_q) begin
          copied_o <= 1'b1;
          state_q <= PICK;
        end else if (reclaimed_i) begin
          at_q <= 4'd0;
          skip;
        end else if (rejected_i) begin
          give_up(`INI_RES_REJECTED);
        end

        CALL:
        if (said_i) begin
          if (switch_q) begin
            told_q <= 1'b1;
            data_rank_o <= who_o;
            rewind_o <= 1'b1;
          end else begin
            insist(`INI_SAY_SWITCH);
          end
        end else if (taken_q) begin
          serve;
        end else if (reclaimed_i) begin
          reclaim;
          if (again_q) say(`INI_SAY_SWITCH);
          else skip;
        end else if (rejected_i) begin
          refuse_o <= 1'b1;
          live_q[who_o] <= 1'b0;
          state_q <= PICK;
        end

        AGAIN:
        if (said_i) begin
          if (next_q) begin
            told_q <= 1'b1;
            moved_q <= 1'b1;
            data_rank_o <= 4'd0;
            advance_o <= !moved_q;
            rewind_o <= moved_q;
          end else begin
            insist(`INI_SAY_NEXT);
          end
        end else if (taken_q) begin
          serve;
          series_o <= 1'b1;
        end else if (reclaimed_i) begin
          reclaim;
          if (again_q) say(`INI_SAY_NEXT);
          else stop;
        end else if (rejected_i) begin
          stop;
        end

        ASK:
        if (said_i) begin
          if (report_q) told_q <= 1'b1;
          else insist(`INI_SAY_REPORT);
        end else if (answered_q) begin
          reply;
          state_q <= ANSWER;
        end else if (put_off_i) begin
          reply;
          state_q <= PICK;
        end else if (reclaimed_i) begin
          reported_o <= 1'b1;
          reclaim;
          if (again_q) say(`INI_SAY_REPORT);
          else state_q <= PICK;
        end else if (rejected_i) begin
          state_q <= PICK;
        end else if (bad_i && told_q) begin
          complain(`INI_SAY_PARITY);
        end

        ANSWER:
        if (status && status_bad_i) begin
          complain(`INI_SAY_ERROR);
        end else if (status) begin
          due_q <= 1'b1;
          told_rank_o <= who_o;
          wait_q <= PATIENCE[10:0];
          keep_o <= 1'b1;
          status_o <= rx_data_i;
          state_q <= VERDICT;
        end else if (reclaimed_i) begin
          at_q <= 4'd0;
          state_q <= PICK;
        end else if (rejected_i) begin
          state_q <= PICK;
        end else if (bad_i) begin
          complain(`INI_SAY_PARITY);
        end

        VERDICT:
        if (reclaimed_i) begin
          at_q <= 4'd0;
          state_q <= PICK;
        end else if (failed_i || rejected_i) begin
          state_q <= PICK;
        end else if (bad_i) begin
          wait_q <= PATIENCE[10:0];
          complain(`INI_SAY_PARITY);
        end

        PICK: ;

        default:  // FREE
        if (said_i) begin
          if (release_q) told_q <= 1'b1;
          else insist(`INI_SAY_RELEASE);
        end else if (reclaimed_i) begin
          reclaim;
          call(4'd0);
          if (again_q) say(`INI_SAY_RELEASE);
          else give_up(`INI_RES_PROTOCOL);
        end else if (rejected_i) begin
          give_up(`INI_RES_REJECTED);
        end
      endcase
    end
  endtask

  task call;
    input [3:0] rank;
    begin
      who_o <= rank;
      fresh_q <= 1'b1;
    end
  endtask

  task say;
    input [4:0] kind;
    begin
      say_o <= 1'b1;
      kind_o <= kind;
    end
  endtask

  // Another message had to go first.
  task insist;
    input [4:0] kind;
    if (!told_q) say(kind);
  endtask

  // The one that was named has the phase lines, for its copy.
  task serve;
    begin
      at_q <= who_o;
      told_q <= 1'b0;
      state_q <= SERVE;
    end
  endtask

  // ... for its status.
  task reply;
    begin
      at_q <= who_o;
      told_q <= 1'b0;
      reported_o <= 1'b1;
      deliver;
    end
  endtask

  task deliver;
    begin
      deliver_o <= due_q;
      due_q <= 1'b0;
    end
  endtask

  task reclaim;
    begin
      at_q <= 4'd0;
      told_q <= 1'b0;
      tries_q <= tries_q + 4'd1;
    end
  endtask

  task skip;
    begin
      skip_o <= 1'b1;
      live_q[who_o] <= 1'b0;
      state_q <= PICK;
    end
  endtask

  task stop;
    begin
      stop_q <= 1'b1;
      early_o <= short_i;
      ended_o <= short_i;
      state_q <= PICK;
    end
  endtask

  // What it sent was wrong: once more, or its status comes by reselection.
  task complain;
    input [4:0] kind;
    if (again_q) begin
      tries_q <= tries_q + 4'd1;
      say(kind);
    end else begin
      state_q <= PICK;
    end
  endtask

  task give_up;
    input [3:0] why;
    begin
      abort_o <= 1'b1;
      abort_why_o <= why;
    end
  endtask

  function [3:0] lowest;
    input [14:0] v;
    reg [14:0] b;
    begin
      b = v & (~v + 15'd1);
      lowest = {|(b & 15'h7F00), |(b & 15'h70F0), |(b & 15'h4CCC), |(b & 15'h2AAA)};
    end
  endfunction

endmodule
`default_nettype wire
