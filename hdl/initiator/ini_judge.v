// After a pass of a mirrored command: what became of each member, whether and how it is repeated, who is out for good.
//
// Used by ini_group. Ranks are gone through one after the other. Rules: docs/protocol.md, sections 8 (ways of repeating, bounded by the host)
// and 9 (a copy that differs from a good first one is no failure that a repetition mends); docs/host-interface.md.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_defs.vh"

module ini_judge (
    input wire clk_i,
    input wire rst_ni,

    // the command and its pass; they hold from start_i to done_o
    input wire                   start_i,   // pulse
    input wire                   broken_i,  // the pass could not be made: who was to take part has failed
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input wire [`INI_DESC_W-1:0] cmd_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input wire [            2:0] kind_i,
    input wire [            3:0] mark_i,
    input wire [            3:0] lead_i,    // z of the leader
    input wire [            3:0] plus_i,    // PLAIN: block of the pass
    input wire [            4:0] size_i,    // blocks of the pass
    input wire [            3:0] base_i,    // first block of the connection
    input wire [            3:0] round_i,   // repetitions so far
    input wire                   reset_i,   // RST came: no repetition
    input wire                   sure_i,    // read: the buffer holds a good copy from an earlier pass

    // results of the members
    input  wire        note_i,      // somebody else writes
    output wire [ 3:0] z_o,
    input  wire [16:0] word_i,      // two clocks after z_o
    output reg         put_o,
    output reg  [16:0] put_word_o,

    output reg       done_o,    // pulse
    output reg       repeat_o,  // with it: a pass of this kind is due, for the same blocks; otherwise they are done
    output reg       round_o,   // ... it is a new repetition
    output reg [2:0] kind_o,
    output reg [3:0] mark_o,
    output reg [3:0] plus_o,
    output reg       tail_o,
    output wire      alive_o,   // ... and somebody is left
    output wire      sure_o,    // with done_o: read: the buffer holds a good copy now
    output reg [3:0] most_o     // block before which somebody that failed has all
);

  localparam IDLE = 3'd0;  // nothing to judge
  localparam LEAD = 3'd1;  // what became of the leader
  localparam LOOK = 3'd2;  // the member of a rank is looked up
  localparam WEIGH = 3'd3;  // ... counted
  localparam DECIDE = 3'd4;  // repeat?
  localparam DROP = 3'd5;  // no: members that failed are out; looked up
  localparam MARK = 3'd6;  // ... marked
  localparam PLAN = 3'd7;  // what is asked in DECIDE

  localparam [1:0] SEEN = 2'd3;  // clocks from z_o to what is known of word_i

  reg [2:0] state_q;
  reg [1:0] wait_q;
  reg [3:0] rank_q;
  reg [59:0] left_q;  // z of the ranks still to look at
  reg       lead_bad_q, lead_mute_q;
  reg [1:0] alive_q, again_q;  // members not out, those of them unsuccessful: 0, 1, 2 or more
  reg [3:0] head_q, last_q, next_q;  // ranks of those: first, last, next one of PLAIN
  reg [3:0] sole_q;  // rank of the first that is not out
  reg       next_ok_q;
  reg [3:0] lead_rank_q;

  wire       is_in = cmd_i[`INI_D_OPCODE] == `INI_OP_MIRROR_READ;
  wire [2:0] policy = cmd_i[`INI_D_POLICY];
  wire       alone = policy == `INI_POLICY_AUTO || policy == `INI_POLICY_PLAIN;  // one member may be dealt with by itself
  wire       from_leader = kind_i == `INI_PASS_ALL || kind_i == `INI_PASS_FROM_LEADER;  // the first one in order leads
  wire       unsure = is_in && lead_bad_q && !sure_i;  // nobody has a good first copy
  wire       needed = again_q != 2'd0 || (unsure && alive_q != 2'd0);

  wire       is_bad = word_i[11:0] != 12'd0;
  wire [3:0] its_result = word_i[11:8];
  wire       is_differs = its_result == `INI_RES_DIFFERS;
  wire       is_ended = its_result == `INI_RES_RESET || its_result == `INI_RES_HANG || its_result == `INI_RES_ABORTED
      || its_result == `INI_RES_BAD_DESCRIPTOR;
  // the member that is looked at
  reg        its_alive_q, bad_q, differs_q, ended_q, mute_q;
  reg [15:0] word_q;
  reg        end_of_ranks_q, is_lead_q, is_past_q;
  // for DECIDE
  reg        next_plain_q, repeat_q, from_leader_q, alone_q;
  reg        onward_q;  // PLAIN: another block of the pass is left
  wire       for_good = ended_q || (differs_q && (sure_i || !lead_bad_q));  // no repetition mends that
  // A pass that could not be made: all that were to take part; way C: the blocks before this one are done, the others are not.
  wire       broken = broken_i && (kind_i == `INI_PASS_ALL || (kind_i == `INI_PASS_PLAIN && plus_i != 4'd0 && is_lead_q));

  wire       awake = `SCSI_AWAKE(start_i || state_q != IDLE || done_o);

  assign z_o = state_q == LEAD ? lead_i : left_q[3:0];
  assign alive_o = alive_q != 2'd0;
  assign sure_o = sure_i || (is_in && kind_i != `INI_PASS_PLAIN && !lead_bad_q);

  always @(*) begin
    put_o = 1'b0;
    put_word_o = {1'b1, word_q};
    if (state_q == WEIGH) begin
      put_o = its_alive_q && for_good;
    end else if (state_q == MARK) begin
      put_o = its_alive_q && (bad_q || broken);
      if (broken) put_word_o = {1'b1, base_i, `INI_RES_RESET, 8'd0};
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {wait_q, alive_q, again_q} <= 6'd0;
      {rank_q, head_q, last_q, next_q, lead_rank_q, sole_q, most_o} <= 28'd0;
      left_q <= 60'd0;
      {lead_bad_q, lead_mute_q, next_ok_q} <= 3'd0;
      {done_o, repeat_o, round_o, tail_o} <= 4'd0;
      kind_o <= `INI_PASS_ALL;
      {mark_o, plus_o} <= 8'd0;
      {its_alive_q, bad_q, differs_q, ended_q, mute_q, end_of_ranks_q, is_lead_q, is_past_q} <= 8'd0;
      word_q <= 16'd0;
      {next_plain_q, repeat_q, from_leader_q, alone_q, onward_q} <= 5'd0;
    end else if (awake) begin
      done_o <= 1'b0;
      if (wait_q != SEEN) wait_q <= wait_q + 2'd1;
      {its_alive_q, bad_q, differs_q, ended_q, mute_q} <= {!word_i[16], is_bad, is_differs, is_ended, its_result != `INI_RES_OK};
      word_q <= word_i[15:0];
      end_of_ranks_q <= rank_q == cmd_i[`INI_D_COUNT];
      is_lead_q <= left_q[3:0] == lead_i;
      is_past_q <= rank_q > mark_i;
      onward_q <= {1'b0, plus_i} + 5'd1 != size_i;
      case (state_q)
        IDLE:
        if (start_i) begin
          {repeat_o, round_o, next_ok_q} <= 3'd0;
          {alive_q, again_q} <= 4'd0;
          most_o <= 4'd0;
          go_through;
          state_q <= broken_i ? DROP : LEAD;
        end

        LEAD: begin
          lead_bad_q <= bad_q && !differs_q;
          lead_mute_q <= mute_q;
          if (wait_q == SEEN) begin
            if (kind_i == `INI_PASS_PLAIN && !bad_q && onward_q) begin
              repeat_as(`INI_PASS_PLAIN, mark_i, plus_i + 4'd1);
            end else begin
              look(LOOK);
            end
          end
        end

        LOOK:
        if (wait_q == SEEN) state_q <= end_of_ranks_q ? PLAN : WEIGH;

        WEIGH:
        if (!note_i) begin
          if (its_alive_q && !for_good) weigh;
          if (for_good) most;
          if (is_lead_q) lead_rank_q <= rank_q;
          next_rank;
          look(LOOK);
        end

        PLAN: begin
          next_plain_q <= kind_i == `INI_PASS_PLAIN && next_ok_q && !reset_i;
          repeat_q <= needed && policy != `INI_POLICY_NONE && round_i != cmd_i[`INI_D_ROUNDS] && !reset_i;
          from_leader_q <= policy == `INI_POLICY_FROM_LEADER;
          alone_q <= alone;
          state_q <= DECIDE;
        end

        DECIDE: decide;

        DROP:
        if (wait_q == SEEN) begin
          if (end_of_ranks_q) finish;
          else state_q <= MARK;
        end

        default:  // MARK
        if (!note_i) begin
          if (its_alive_q && !bad_q && !broken) alive_q <= 2'd1;
          most;
          next_rank;
          look(DROP);
        end
      endcase
    end
  end

  task go_through;
    begin
      rank_q <= 4'd0;
      left_q <= cmd_i[`INI_D_ORDER];
      wait_q <= 2'd0;
    end
  endtask

  task look;
    input [2:0] state;
    begin
      wait_q <= 2'd0;
      state_q <= state;
    end
  endtask

  task next_rank;
    begin
      rank_q <= rank_q + 4'd1;
      left_q <= {4'd0, left_q[59:4]};
    end
  endtask

  task finish;
    begin
      done_o <= 1'b1;
      state_q <= IDLE;
    end
  endtask

  // What a member has that takes part no more.
  task most;
    if (its_alive_q && bad_q && word_q[15:12] > most_o) most_o <= word_q[15:12];
  endtask

  // A member that is not out.
  task weigh;
    begin
      alive_q <= {alive_q != 2'd0, alive_q == 2'd0};
      if (alive_q == 2'd0) sole_q <= rank_q;
      if (bad_q) begin
        again_q <= {again_q != 2'd0, again_q == 2'd0};
        last_q <= rank_q;
        if (again_q == 2'd0) head_q <= rank_q;
        if (is_past_q && !next_ok_q) begin
          next_q <= rank_q;
          next_ok_q <= 1'b1;
        end
      end
    end
  endtask

  task decide;
    begin
      if (next_plain_q) begin
        repeat_as(`INI_PASS_PLAIN, next_q, 4'd0);
      end else if (repeat_q) begin
        round_o <= 1'b1;
        tail_o <= lead_mute_q;
        if (unsure) begin
          if (alone_q && alive_q == 2'd1) repeat_as(`INI_PASS_PLAIN, sole_q, 4'd0);
          else repeat_as(`INI_PASS_ROTATE, lead_rank_q, 4'd0);
        end else if (is_in) begin
          if (from_leader_q && from_leader) repeat_as(`INI_PASS_FROM_LEADER, last_q, 4'd0);
          else repeat_as(`INI_PASS_LEAD, 4'd0, 4'd0);
        end else if (from_leader_q) begin
          repeat_as(`INI_PASS_FROM_LEADER, last_q, 4'd0);
        end else if (policy == `INI_POLICY_PLAIN || (alone_q && again_q == 2'd1)) begin
          repeat_as(`INI_PASS_PLAIN, head_q, 4'd0);
        end else begin
          repeat_as(`INI_PASS_REGROUP, 4'd0, 4'd0);
        end
      end else if (again_q == 2'd0) begin
        finish;
      end else begin
        alive_q <= 2'd0;
        go_through;
        state_q <= DROP;
      end
    end
  endtask

  task repeat_as;
    input [2:0] kind;
    input [3:0] mark;
    input [3:0] plus;
    begin
      repeat_o <= 1'b1;
      kind_o <= kind;
      mark_o <= mark;
      plus_o <= plus;
      finish;
    end
  endtask

endmodule
`default_nettype wire
