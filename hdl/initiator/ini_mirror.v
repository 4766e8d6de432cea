// Sequences the participants of a mirrored write: leader's copy, SWITCH ROLE and copy for each further one, RELEASE; reclaim and reject.
//
// Used by scsi_initiator, beside ini_nexus, which handles whatever is common to all connections. Rules: docs/protocol.md, mirrored
// write and hand-over: ATN goes with the last word of each copy; a RECLAIMED names the leader as current target: the switch is repeated a
// bounded number of times, then its participant is skipped; a rejected switch leaves the current target as it was.
`default_nettype none
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_mirror (
    input wire clk_i,
    input wire rst_ni,

    input wire        begin_i,    // pulse: a task begins
    input wire        active_i,   // its connection is up
    input wire [ 3:0] count_i,    // participants
    input wire [59:0] order_i,    // z by rank
    input wire [ 3:0] retries_i,

    input wire [2:0] phase_i,
    input wire       phase_new_i,
    input wire       tx_take_i,
    input wire       tx_end_i,     // the word taken was the copy's last
    input wire       said_i,       // pulse: a message went out whole
    input wire [3:0] said_kind_i,
    input wire       reclaimed_i,  // pulse: RECLAIMED came, the leader is the current target
    input wire       rejected_i,   // pulse: MESSAGE REJECT came

    output reg         say_o,       // pulse
    output reg  [ 3:0] kind_o,
    output wire [ 3:0] name_z_o,    // SWITCH ROLE: the next participant; RELEASE: the current target
    output wire        name_last_o,
    output reg         rewind_o,    // pulse: the next copy starts from the first byte
    output reg         abort_o,     // pulse: this cannot go on
    output reg  [ 3:0] abort_why_o, // result that goes with it
    output wire [ 3:0] data_rank_o, // rank that a data phase now would be with, known before its first REQ
    output wire [ 3:0] focus_o,     // rank that an error now belongs to
    output wire        serving_o,   // a copy is under way
    output reg  [14:0] served_o,    // by rank: has the whole copy
    output reg  [14:0] skipped_o,   // by rank: did not take
    output reg  [14:0] refused_o    // by rank: its switch was rejected
);

  localparam SERVE = 2'd0;  // the copy of cur_q
  localparam CALL = 2'd1;  // SWITCH ROLE to next_q
  localparam FREE = 2'd2;  // RELEASE to the current target

  reg  [1:0] state_q;
  reg  [3:0] cur_q;  // rank that the copy is for
  reg  [3:0] next_q;  // rank to be called next
  reg  [3:0] at_q;  // rank of the current target
  reg  [3:0] tries_q;
  reg        told_q;  // the message went out: after SWITCH ROLE, a DATA OUT phase means that it was taken

  wire [3:0] name = state_q == CALL ? next_q : at_q;
  wire       data_out = phase_i == `SCSI_PH_DATA_OUT || phase_i == `SCSI_PH_DT_DATA_OUT;
  wire       copied = tx_take_i && tx_end_i && data_out;
  wire       taken = phase_new_i && data_out && told_q;
  wire       event_now = active_i && (copied || said_i || taken || reclaimed_i || rejected_i);
  // Nothing to do in a clock should cost a simulation nothing.
  wire       awake = begin_i || event_now || say_o || rewind_o || abort_o;
  wire       again = tries_q != retries_i;

  assign name_z_o = order_i[{name, 2'd0}+:4];
  assign name_last_o = next_q + 4'd1 == count_i;
  assign data_rank_o = state_q == CALL && told_q ? next_q : cur_q;
  assign focus_o = name;
  assign serving_o = state_q == SERVE;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= SERVE;
      {next_q, at_q, cur_q, tries_q} <= 16'd0;
      told_q <= 1'b0;
      {say_o, rewind_o, abort_o} <= 3'd0;
      kind_o <= `INI_SAY_NOP;
      abort_why_o <= `INI_RES_OK;
      {served_o, skipped_o, refused_o} <= 45'd0;
    end else if (!awake) begin
      // nothing changes
    end else if (begin_i) begin
      state_q <= SERVE;
      next_q <= 4'd1;
      {at_q, cur_q, tries_q} <= 12'd0;
      told_q <= 1'b0;
      {say_o, rewind_o, abort_o} <= 3'd0;
      {served_o, skipped_o, refused_o} <= 45'd0;
    end else begin
      {say_o, rewind_o, abort_o} <= 3'd0;
      if (event_now) begin
        case (state_q)
          SERVE:
          if (copied) begin
            served_o[cur_q] <= 1'b1;
            go_on(next_q);
          end else if (reclaimed_i) begin
            skipped_o[cur_q] <= 1'b1;
            at_q <= 4'd0;
            go_on(next_q);
          end else if (rejected_i) begin
            give_up(`INI_RES_REJECTED);
          end

          CALL:
          if (said_i) begin
            if (said_kind_i == `INI_SAY_SWITCH) begin
              told_q <= 1'b1;
              rewind_o <= 1'b1;
            end else if (!told_q) begin
              say(`INI_SAY_SWITCH);  // another message had to go first
            end
          end else if (taken) begin
            cur_q <= next_q;
            at_q <= next_q;
            next_q <= next_q + 4'd1;
            told_q <= 1'b0;
            state_q <= SERVE;
          end else if (reclaimed_i) begin
            at_q <= 4'd0;
            told_q <= 1'b0;
            if (again) begin
              tries_q <= tries_q + 4'd1;
              say(`INI_SAY_SWITCH);
            end else begin
              skipped_o[next_q] <= 1'b1;
              go_on(next_q + 4'd1);
            end
          end else if (rejected_i) begin
            refused_o[next_q] <= 1'b1;
            go_on(next_q + 4'd1);
          end

          default:  // FREE
          if (said_i) begin
            if (said_kind_i == `INI_SAY_RELEASE) told_q <= 1'b1;
            else if (!told_q) say(`INI_SAY_RELEASE);
          end else if (reclaimed_i) begin
            at_q <= 4'd0;
            told_q <= 1'b0;
            if (again) begin
              tries_q <= tries_q + 4'd1;
              say(`INI_SAY_RELEASE);
            end else begin
              give_up(`INI_RES_PROTOCOL);
            end
          end else if (rejected_i) begin
            give_up(`INI_RES_REJECTED);
          end
        endcase
      end
    end
  end

  task go_on;
    input [3:0] next;
    begin
      next_q <= next;
      tries_q <= 4'd0;
      told_q <= 1'b0;
      if (next < count_i) begin
        state_q <= CALL;
        say(`INI_SAY_SWITCH);
      end else begin
        state_q <= FREE;
        say(`INI_SAY_RELEASE);
      end
    end
  endtask

  task say;
    input [3:0] kind;
    begin
      say_o <= 1'b1;
      kind_o <= kind;
    end
  endtask

  task give_up;
    input [3:0] why;
    begin
      abort_o <= 1'b1;
      abort_why_o <= why;
    end
  endtask

endmodule
`default_nettype wire
