// Mirrored commands: each is kept until it is complete, made into passes (connections), repeated where members failed, and told to the
// host in one completion with a result for each member.
//
// Used by scsi_initiator, before ini_sched; what is not mirrored goes through. Rules: docs/protocol.md, section 8 (ways of repeating, bounded
// by the host) and 9 (reads); docs/host-interface.md. A member that has failed for good is left out of what follows, so that its blocks
// before the one that failed are done and those after it are not.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_defs.vh"

module ini_group #(
    parameter BUF_BYTES = 16384
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,

    // from the host
    input  wire                   submit_i,      // pulse
    input  wire [`INI_DESC_W-1:0] desc_i,
    input  wire [            4:0] list_count_i,  // blocks after block 0 whose numbers are listed
    output wire [            3:0] list_block_o,
    input  wire [           31:0] list_lba_i,    // a clock after
    output wire                   ready_o,       // a descriptor can be taken
    output wire [            3:0] busy_o,        // mirrored commands in progress

    // to ini_sched
    input  wire                   sched_empty_i,
    output wire                   submit_o,      // pulse
    output wire [`INI_DESC_W-1:0] desc_o,
    output wire [           59:0] ids_o,

    // enrolments, for a look
    input  wire       unsettled_i,  // they may be changing
    output wire [3:0] find_group_o,
    output wire [3:0] find_z_o,
    input  wire       found_i,
    input  wire [3:0] target_i,
    input  wire [1:0] flags_i,
    input  wire [4:0] blocks_i,

    // from ini_finish: a member's part of a connection has ended
    input wire       note_i,         // pulse
    input wire [2:0] note_gang_i,
    input wire [3:0] note_z_i,
    input wire [3:0] note_block_i,
    input wire [3:0] note_result_i,
    input wire [7:0] note_status_i,
    input wire       short_i,       // pulse: a pass ended before its last block, after so many
    input wire [2:0] short_gang_i,
    input wire [3:0] short_blocks_i,

    // block numbers of the series on the bus
    input  wire [ 2:0] series_gang_i,
    input  wire [ 3:0] series_index_i,  // in its pass
    output wire [31:0] series_lba_o,    // three clocks after

    // completion
    output wire        word_o,       // pulse: members 2 * word_index_o and the next one
    output wire [ 2:0] word_index_o,
    output wire [31:0] word_data_o,
    output wire        post_o,       // until post_taken_i
    input  wire        post_taken_i,
    output wire [31:0] cpl0_o,
    output wire [31:0] cpl1_o
);

  localparam IDLE = 4'd0;  // nothing to do
  localparam LOAD = 4'd1;  // the command is fetched
  localparam CHECK = 4'd2;  // a new one: does the data fit into the buffer?
  localparam CLEAR = 4'd3;  // ... results of all z
  localparam NAME = 4'd4;  // ... of those that are named
  localparam BUILD = 4'd5;  // the next pass is made
  localparam HAND = 4'd6;  // ... and handed over
  localparam JUDGE = 4'd7;  // after a pass: repeat?
  localparam ADVANCE = 4'd8;  // next blocks
  localparam TELL = 4'd9;  // the completion is written
  localparam SAVE = 4'd10;  // where it stands is kept

  localparam AFTER_PASS = 2'd0;  // why a command was loaded: a pass has ended
  localparam NEW = 2'd1;  // it is new
  localparam NEXT = 2'd2;  // a pass is due

  localparam CTX_W = 35;
  localparam [24:0] BUF_END = BUF_BYTES;
  localparam [4:0] MOST = 5'd16;  // blocks

  // Commands in progress
  reg [`INI_DESC_W-1:0] cmd_mem[0:`INI_GANGS-1];
  reg [CTX_W-1:0] ctx_mem[0:`INI_GANGS-1];
  reg [7:0] due_q;  // by place: a pass is due
  reg [7:0] held_q;  // by place: a pass is to be made again when another one has ended
  wire [2:0] free_gang, new_gang;
  wire [4:0] new_count;
  wire [7:0] over;
  wire rst_seen;  // RST came to the command that is worked on
  wire [3:0] note_base, bus_base;
  wire is_new, free_ok;

  // The one that is worked on
  reg [3:0] state_q;
  reg [1:0] why_q;
  reg       ready_q;  // second clock of CHECK
  reg [2:0] gang_q;
  /* verilator lint_off UNUSEDSIGNAL */  // what the host says of COMMANDs
  reg [`INI_DESC_W-1:0] cmd_q;
  /* verilator lint_on UNUSEDSIGNAL */
  reg [4:0] first_q, size_q;  // first block of the pass, blocks in it
  reg [3:0] round_q;
  reg [2:0] kind_q;
  reg [3:0] mark_q;
  reg [3:0] lead_q, lead_id_q;  // z and SCSI ID of the leader of the last connection
  reg [3:0] plus_q;  // PLAIN: block after first_q
  reg       tail_q;  // REGROUP: the leader before goes last
  reg       sure_q;  // read: the buffer holds a good copy of the pass's blocks
  reg [3:0] rank_q;
  reg [59:0] left_q;  // z of the ranks still to look at
  reg [24:0] end_q;
  reg       odd_q;  // no whole blocks
  reg       past_q;  // end_q was past the end of the buffer
  reg [2:0] flaw_q;  // of cmd_q a clock ago: no length, too few blocks listed, anything else
  reg       void_q;  // it never starts
  reg       broken_q;  // the pass could not be made: who was to take part has failed
  wire      mirrored = desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_WRITE || desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_READ;
  wire      take = submit_i && mirrored;
  wire [3:0] count = cmd_q[`INI_D_COUNT];
  wire [2:0] policy = cmd_q[`INI_D_POLICY];
  wire [4:0] blocks = cmd_q[`INI_D_BLOCKS] == 5'd0 ? 5'd1 : cmd_q[`INI_D_BLOCKS];
  wire      end_of_ranks = rank_q == count;
  wire [4:0] series = cmd_q[`INI_D_SERIES];
  wire [23:0] len = cmd_q[`INI_D_LEN];
  wire      few = new_count + 5'd1 < blocks;  // not as many blocks listed as there are to be
  wire      odd_command = count == 4'd0 || cmd_q[`INI_D_ADDR_LSB] || blocks > MOST || series > MOST || policy > `INI_POLICY_PLAIN
      || (cmd_q[`INI_D_TAGGED] && cmd_q[`INI_D_ATTR] != `INI_ATTR_SIMPLE);
  reg       remainder;

  // A member's part of a connection has ended: a clock ago
  reg        note_q;
  reg [ 2:0] note_gang_q;
  reg [ 3:0] note_z_q, note_block_q, note_result_q;
  reg [ 7:0] note_status_q;

  // Results
  wire [16:0] word;
  wire [ 3:0] pass_z, tell_z, judge_z;
  reg  [ 3:0] z;
  wire        bad = word[11:0] != 12'd0;
  wire        judge_put;
  wire [16:0] judge_word;
  reg         put;
  reg  [16:0] put_word;
  wire [3:0]  base = first_q[3:0] + plus_q;

  // Makers of a pass and of the completion
  wire pass_done, pass_ok, tell_done;
  wire [4:0] pass_size;
  wire judge_done, judge_repeat, judge_round, judge_tail, judge_alive;
  wire [2:0] judge_kind;
  wire [3:0] judge_mark, judge_plus;
  wire [3:0] pass_block;
  reg pass_start_q, judge_start_q, tell_start_q, hand_q;
  wire [31:0] pass_lba;
  wire [15:0] pass_targets;
  wire clash, judge_sure;
  wire [3:0] short, judge_most;

  wire [`INI_DESC_W-1:0] pass_desc;
  wire slot = sched_empty_i && !unsettled_q;  // the host hands nothing over while a pass is due
  reg  unsettled_q;
  // of a clock ago: there is a place whose pass has ended, or is due; the first one
  reg  over_q, next_q;
  reg  [2:0] over_gang_q, next_gang_q;
  wire fetch = state_q == LOAD;
  wire awake = `SCSI_AWAKE(submit_i || is_new || over != 8'd0 || due_q != 8'd0 || state_q != IDLE || hand_q || note_i || note_q || over_q || next_q
      || unsettled_q != unsettled_i);

  assign ready_o = sched_empty_i && free_ok && !is_new && due_q == 8'd0 && !hand_q;
  assign submit_o = (submit_i && !mirrored) || hand_q;
  assign desc_o = hand_q ? pass_desc : desc_i;
  assign find_group_o = cmd_q[`INI_D_GROUP];
  assign find_z_o = pass_z;

  function [2:0] lowest;
    input [7:0] v;
    reg [7:0] b;
    begin
      b = v & (~v + 8'd1);
      lowest = {|b[7:4], |(b & 8'hCC), |(b & 8'hAA)};
    end
  endfunction

  ini_places u_places (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .bus_rst_i   (bus_rst_i),
      .take_i      (take),
      .list_count_i(list_count_i),
      .free_o      (free_gang),
      .free_ok_o   (free_ok),
      .new_o       (is_new),
      .new_gang_o  (new_gang),
      .new_count_o (new_count),
      .over_o      (over),
      .reset_o     (rst_seen),
      .busy_o      (busy_o),
      .gang_i      (gang_q),
      .new_done_i  (fetch && why_q == NEW),
      .over_done_i (fetch && why_q == AFTER_PASS),
      .leave_i     (tell_done),
      .hand_i      (hand_q),
      .members_i   (kind_q == `INI_PASS_PLAIN ? 4'd1 : pass_desc[`INI_D_COUNT]),
      .base_i      (base),
      .targets_i   (pass_targets),
      .clash_o     (clash),
      .short_i     (short_i),
      .short_gang_i(short_gang_i),
      .short_blocks_i(short_blocks_i),
      .short_o     (short),
      .note_i      (note_q),
      .note_gang_i (note_gang_q),
      .look_gang_i (note_gang_i),
      .note_base_o (note_base),
      .bus_gang_i  (series_gang_i),
      .bus_base_o  (bus_base)
  );

  ini_series_lbas u_lbas (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .take_i      (take),
      .gang_i      (free_gang),
      .lba_i       (desc_i[`INI_D_LBA]),
      .list_block_o(list_block_o),
      .list_lba_i  (list_lba_i),
      .pass_gang_i (gang_q),
      .pass_block_i(pass_block),
      .pass_lba_o  (pass_lba),
      .bus_gang_i  (series_gang_i),
      .bus_base_i  (bus_base),
      .bus_index_i (series_index_i),
      .bus_lba_o   (series_lba_o)
  );

  ini_members u_members (
      .clk_i        (clk_i),
      .note_i       (note_q),
      .note_gang_i  (note_gang_q),
      .note_z_i     (note_z_q),
      .note_block_i (note_block_q),
      .note_result_i(note_result_q),
      .note_status_i(note_status_q),
      .wr_i         (put),
      .gang_i       (gang_q),
      .z_i          (z),
      .word_i       (put_word),
      .word_o       (word)
  );

  ini_pass u_pass (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .start_i (pass_start_q),
      .cmd_i   (cmd_q),
      .gang_i  (gang_q),
      .kind_i  (kind_q),
      .mark_i  (mark_q),
      .lead_i  (lead_q),
      .tail_i  (tail_q),
      .first_i (first_q),
      .plus_i  (plus_q),
      .size_i  (size_q),
      .sure_i  (sure_q),
      .z_o     (pass_z),
      .out_i   (word[16]),
      .bad_i   (bad),
      .found_i (found_i),
      .target_i(target_i),
      .flags_i (flags_i),
      .blocks_i(blocks_i),
      .block_o (pass_block),
      .lba_i   (pass_lba),
      .done_o  (pass_done),
      .ok_o    (pass_ok),
      .size_o  (pass_size),
      .desc_o  (pass_desc),
      .ids_o   (ids_o),
      .targets_o(pass_targets)
  );

  ini_judge u_judge (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .start_i   (judge_start_q),
      .broken_i  (broken_q),
      .cmd_i     (cmd_q),
      .kind_i    (kind_q),
      .mark_i    (mark_q),
      .lead_i    (lead_q),
      .plus_i    (plus_q),
      .size_i    (size_q),
      .base_i    (base),
      .round_i   (round_q),
      .reset_i   (rst_seen),
      .sure_i    (sure_q),
      .note_i    (note_q),
      .z_o       (judge_z),
      .word_i    (word),
      .put_o     (judge_put),
      .put_word_o(judge_word),
      .done_o    (judge_done),
      .repeat_o  (judge_repeat),
      .round_o   (judge_round),
      .kind_o    (judge_kind),
      .mark_o    (judge_mark),
      .plus_o    (judge_plus),
      .tail_o    (judge_tail),
      .alive_o   (judge_alive),
      .sure_o    (judge_sure),
      .most_o    (judge_most)
  );

  ini_tell u_tell (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .start_i     (tell_start_q),
      .cmd_i       (cmd_q),
      .void_i      (void_q),
      .leader_i    (lead_id_q),
      .blocks_i    (first_q),
      .z_o         (tell_z),
      .word_i      (word[15:0]),
      .note_o      (word_o),
      .note_word_o (word_index_o),
      .note_data_o (word_data_o),
      .post_o      (post_o),
      .post_taken_i(post_taken_i),
      .cpl0_o      (cpl0_o),
      .cpl1_o      (cpl1_o),
      .done_o      (tell_done)
  );

  always @(*) begin
    case (cmd_q[`INI_D_BLOCK_SIZE])
      2'd0: remainder = len[8:0] != 9'd0;
      2'd1: remainder = len[9:0] != 10'd0;
      2'd2: remainder = len[10:0] != 11'd0;
      default: remainder = len[11:0] != 12'd0;
    endcase
  end

  always @(*) begin
    case (state_q)
      CLEAR: z = rank_q;
      BUILD: z = pass_z;
      JUDGE: z = judge_z;
      TELL: z = tell_z;
      default: z = left_q[3:0];
    endcase
  end

  // What is written of a member besides the outcomes of connections.
  always @(*) begin
    put = state_q == JUDGE && judge_put;
    put_word = judge_word;
    case (state_q)
      CLEAR: begin
        put = 1'b1;
        put_word = {5'd0, `INI_RES_NOT_NAMED, 8'd0};
      end
      NAME: begin
        put = !end_of_ranks;
        put_word = 17'd0;
      end
      default: ;
    endcase
  end

  // By themselves, without a reset, so that they become memories.
  always @(posedge clk_i) begin
    if (take) cmd_mem[free_gang] <= desc_i;
    if (state_q == LOAD) cmd_q <= cmd_mem[gang_q];
  end

  wire [CTX_W-1:0] ctx = ctx_mem[gang_q];
  always @(posedge clk_i)
    if (state_q == SAVE) ctx_mem[gang_q] <= {first_q, size_q, round_q, kind_q, mark_q, lead_q, lead_id_q, plus_q, tail_q, sure_q};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      why_q <= NEW;
      {due_q, held_q} <= 16'd0;
      {ready_q, sure_q, tail_q, odd_q, past_q, void_q, broken_q, pass_start_q, judge_start_q, tell_start_q, hand_q, unsettled_q} <= 12'd0;
      gang_q <= 3'd0;
      {note_q, over_q, next_q} <= 3'd0;
      {note_gang_q, over_gang_q, next_gang_q} <= 9'd0;
      {note_z_q, note_block_q, note_result_q, note_status_q} <= 20'd0;
      {first_q, size_q} <= 10'd0;
      kind_q <= `INI_PASS_ALL;
      {round_q, mark_q, lead_q, lead_id_q, plus_q, rank_q} <= 24'd0;
      left_q <= 60'd0;
      flaw_q <= 3'd0;
      end_q <= 25'd0;
    end else if (awake) begin
      {pass_start_q, judge_start_q, tell_start_q, hand_q} <= 4'd0;
      unsettled_q <= unsettled_i;
      flaw_q <= {len == 24'd0, few, odd_command};
      {over_q, next_q} <= {over != 8'd0, due_q != 8'd0};
      {over_gang_q, next_gang_q} <= {lowest(over), lowest(due_q)};
      note_q <= note_i;
      note_gang_q <= note_gang_i;
      {note_z_q, note_block_q, note_result_q, note_status_q} <= {note_z_i, note_block_i + note_base, note_result_i, note_status_i};
      case (state_q)
        IDLE: begin
          {ready_q, void_q, broken_q} <= 3'd0;
          rank_q <= 4'd0;
          if (over_q) load(AFTER_PASS, over_gang_q);
          else if (is_new) load(NEW, new_gang);
          else if (next_q && slot) load(NEXT, next_gang_q);
        end

        LOAD: begin
          {first_q, size_q, round_q, kind_q, mark_q, lead_q, lead_id_q, plus_q, tail_q, sure_q} <= ctx;
          if (why_q == AFTER_PASS) begin
            due_q <= due_q | held_q;
            held_q <= 8'd0;
          end
          pass_start_q <= why_q == NEXT;
          judge_start_q <= why_q == AFTER_PASS;
          if (why_q == NEW) due_q[gang_q] <= 1'b1;  // no other descriptor until it has gone
          state_q <= why_q == NEW ? CHECK : why_q == NEXT ? BUILD : JUDGE;
        end

        CHECK: begin
          ready_q <= 1'b1;
          if (!ready_q) begin
            first_q <= blocks + 5'd1;
            end_q <= {1'b0, cmd_q[`INI_D_ADDR]};
            past_q <= 1'b0;
            odd_q <= remainder && (policy == `INI_POLICY_AUTO || policy == `INI_POLICY_PLAIN);
          end else begin
            end_q <= end_q + {1'b0, len};
            void_q <= flaw_q != 3'd0;
            past_q <= end_q > BUF_END;
            first_q <= first_q - 5'd1;
            if (void_q || odd_q || past_q) cancel;
            else if (first_q == 5'd0 && flaw_q == 3'd0) state_q <= CLEAR;
          end
        end

        CLEAR:
        if (!note_q) begin
          rank_q <= rank_q + 4'd1;
          left_q <= cmd_q[`INI_D_ORDER];
          if (rank_q == 4'd15) state_q <= NAME;
        end

        NAME:
        if (end_of_ranks) begin
          start_command;
        end else if (!note_q) begin
          next_rank;
        end

        BUILD:
        if (pass_done) begin
          if (pass_ok && !rst_seen) begin
            size_q <= pass_size;
            state_q <= HAND;
          end else begin
            fail_pass;
          end
        end

        HAND:
        if (rst_seen) begin
          fail_pass;
        end else if (clash && kind_q != `INI_PASS_PLAIN) begin
          due_q[gang_q] <= 1'b0;
          held_q[gang_q] <= 1'b1;
          state_q <= IDLE;
        end else if (slot) begin
          hand_q <= 1'b1;
          due_q[gang_q] <= 1'b0;
          lead_q <= pass_desc[`INI_D_Z];
          lead_id_q <= pass_desc[`INI_D_TARGET];
          state_q <= SAVE;
        end else begin
          state_q <= IDLE;  // somebody else came first, or enrolments change: once more
        end

        JUDGE: begin
          if (why_q == AFTER_PASS && kind_q == `INI_PASS_ALL && short != 4'd0) size_q <= {1'b0, short};
          if (judge_done) judged;
        end

        ADVANCE: begin
          kind_q <= `INI_PASS_ALL;
          plus_q <= 4'd0;
          size_q <= 5'd0;
          sure_q <= 1'b0;
          if (judge_alive) first_q <= first_q + size_q;
          else if ({1'b0, judge_most} > first_q) first_q <= {1'b0, judge_most};
          if (!judge_alive || first_q + size_q == blocks) tell;
          else due_again;
        end

        TELL: if (tell_done) state_q <= IDLE;

        default:  // SAVE
        state_q <= IDLE;
      endcase
    end
  end

  task load;
    input [1:0] why;
    input [2:0] gang;
    begin
      why_q <= why;
      gang_q <= gang;
      state_q <= LOAD;
    end
  endtask

  task next_rank;
    begin
      rank_q <= rank_q + 4'd1;
      left_q <= {4'd0, left_q[59:4]};
    end
  endtask

  task start_command;
    begin
      {first_q, size_q} <= 10'd0;
      kind_q <= `INI_PASS_ALL;
      {round_q, mark_q, lead_q, plus_q} <= 16'd0;
      {tail_q, sure_q} <= 2'd0;
      lead_id_q <= cmd_q[`INI_D_TARGET];
      state_q <= SAVE;
    end
  endtask

  task judged;
    if (judge_repeat) begin
      kind_q <= judge_kind;
      mark_q <= judge_mark;
      plus_q <= judge_plus;
      tail_q <= judge_tail;
      sure_q <= judge_sure;
      if (judge_round) round_q <= round_q + 4'd1;
      due_again;
    end else begin
      state_q <= ADVANCE;
    end
  endtask

  task due_again;
    begin
      due_q[gang_q] <= 1'b1;
      state_q <= SAVE;
    end
  endtask

  // The command never starts.
  task cancel;
    begin
      void_q <= 1'b1;
      first_q <= 5'd0;
      lead_id_q <= cmd_q[`INI_D_TARGET];
      due_q[gang_q] <= 1'b0;
      tell;
    end
  endtask

  task tell;
    begin
      tell_start_q <= 1'b1;
      state_q <= TELL;
    end
  endtask

  // A pass that cannot be: of a new command, or since enrolments have ended.
  task fail_pass;
    if (kind_q == `INI_PASS_ALL && first_q == 5'd0 && !rst_seen) begin
      cancel;
    end else begin
      broken_q <= 1'b1;
      due_q[gang_q] <= 1'b0;
      judge_start_q <= 1'b1;
      state_q <= JUDGE;
    end
  endtask

endmodule
`default_nettype wire
