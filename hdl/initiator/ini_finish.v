// What follows the end of a connection: completions for the host, entries of the task table; late tasks; everything after RST.
//
// Used by scsi_initiator. What is part of a mirrored command is no completion but a note to ini_group, one for each participant: at once
// for those that did not take their copy or gave their status in the connection, with their status for the others. Rules: RST ends every
// task; a task management function that the target has honoured ends the tasks that it names, before its own completion.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_finish #(
    parameter PW = 15
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,

    // from ini_nexus
    input wire                   end_i,
    input wire                   task_i,
    input wire                   table_i,
    input wire                   spread_i,
    input wire                   keep_i,
    input wire                   doomed_i,
    input wire [            3:0] result_i,
    input wire [            3:0] detail_i,
    input wire [            7:0] status_i,
    input wire [            4:0] idx_i,
    input wire [`INI_DESC_W-1:0] desc_i,
    input wire [           59:0] ids_i,
    input wire [         PW-1:0] moved_i,
    input wire [         PW-1:0] saved_i,

    // from ini_mirror, ini_tally, ini_hear
    input  wire [ 3:0] focus_i,
    input  wire [14:0] served_i,
    input  wire [14:0] skipped_i,
    input  wire [14:0] refused_i,
    input  wire [14:0] holds_i,       // has a copy of a block at least: owes a status
    input  wire [14:0] differs_i,
    input  wire [14:0] spoilt_i,      // its data came wrong
    input  wire [14:0] reported_i,    // gave its status
    input  wire        cut_i,         // a series that was cut off: no statuses are owed
    input  wire        ended_i,       // a series that ended before its last block,
    input  wire [ 3:0] blocks_i,      // after so many
    output wire [ 3:0] look_rank_o,
    input  wire [ 7:0] look_status_i, // status and failed block of that rank, a clock after
    input  wire [ 3:0] look_block_i,
    input  wire        failed_i,      // a reselection told the block that failed:
    input  wire [ 3:0] block_i,

    // from ini_sched
    input  wire                   fail_i,
    input  wire [            3:0] fail_why_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [`INI_DESC_W-1:0] fail_desc_i,
    /* verilator lint_on UNUSEDSIGNAL */
    output reg                    fail_done_o,

    // task table
    output reg                   put_o,
    output reg                   put_new_o,
    output reg  [`INI_ENT_W-1:0] put_ent_o,
    output reg                   free_o,
    output reg                   free_inner_o,  // ... it is part of a mirrored command
    output reg  [           4:0] idx_o,
    output reg                   find_late_o,
    output reg                   find_any_o,
    output reg                   find_scope_o,
    output reg  [           1:0] scope_o,
    input  wire                   late_ok_i,    // nobody else needs the table
    input  wire                   conn_i,       // a connection does
    input  wire                  us_i,
    input  wire                  found_i,
    input  wire                  absent_i,
    input  wire [           4:0] found_idx_i,
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input  wire [`INI_ENT_W-1:0] found_ent_i,
    /* verilator lint_on UNUSEDSIGNAL */

    output wire busy_o,
    output wire ending_o,    // not only looking for a late task

    output reg         post_o,  // pulse: a completion
    output reg  [31:0] cpl0_o,
    output reg  [31:0] cpl1_o,

    output reg        short_o,        // pulse: a pass ended before its last block,
    output reg  [2:0] short_gang_o,
    output reg  [3:0] short_blocks_o, // after so many; before the notes of its members

    output reg        note_o,         // pulse: a part of a mirrored command has ended
    output reg  [2:0] note_gang_o,
    output reg  [3:0] note_z_o,
    output reg  [3:0] note_block_o,
    output reg  [3:0] note_result_o,
    output reg  [7:0] note_status_o
);

  localparam IDLE = 3'd0;  // nothing to finish
  localparam ONE = 3'd1;  // one task: completion, or into the table
  localparam LOOK = 3'd2;  // a mirrored command: the participant of a rank is looked up
  localparam DRAIN = 3'd3;  // RST: look for any task left
  localparam LATE = 3'd4;  // look for a task whose status is overdue
  localparam PAUSE = 3'd5;  // let the table settle
  localparam SWEEP = 3'd6;  // task management: look for a task that it ended
  localparam SPREAD = 3'd7;  // ... and judged

  reg [2:0] state_q;
  reg       end_q;
  reg       drain_q;
  reg       sweep_q;  // more tasks may have been ended
  reg       rst_q;
  reg       fail_q;  // ini_sched has a descriptor that it could not start
  reg [3:0] rank_q;
  reg       never_q;  // mirrored: it did not start
  // the participant that is looked at
  reg [3:0] z_q, id_q;
  reg       empty_q;  // GOOD for data that it has not had
  reg       few_q;  // a COMMAND: not as many bytes as there were to be
  reg       served_q, holds_q, skipped_q, refused_q, differs_q, spoilt_q, reported_q, at_focus_q;

  wire [3:0] opcode = desc_i[`INI_D_OPCODE];
  wire [3:0] why_not = result_i == `INI_RES_NOT_CAPABLE || (result_i == `INI_RES_OK && opcode == `INI_OP_MIRROR_CAPABILITY) ? detail_i : 4'd0;
  // A participant that gave its status in a reselection, and may have failed all the same
  wire       owed = table_i && (opcode == `INI_OP_MIRROR_WRITE || opcode == `INI_OP_MIRROR_READ);
  wire       own_good = result_i == `INI_RES_OK && status_i == `SCSI_ST_GOOD;
  wire [3:0] own_result = owed && own_good ? desc_i[`INI_D_FLAW] : opcode == `INI_OP_COMMAND && desc_i[`INI_D_INNER] && own_good && few_q
      ? `INI_RES_PROTOCOL : result_i;
  wire [3:0] own_block = !owed ? 4'd0 : own_good ? desc_i[`INI_D_FLAW_BLOCK] : failed_i ? block_i : 4'd0;
  wire [16:0] len = desc_i[`INI_D_LEN_LSB+:17];
  wire       swept = opcode == `INI_OP_TASK_MANAGEMENT && result_i == `INI_RES_OK;
  wire       all_same = result_i == `INI_RES_RESET || result_i == `INI_RES_HANG;
  wire [`INI_DESC_W-1:0] found_desc = found_ent_i[`INI_E_DESC];
  wire [3:0] fail_opcode = fail_desc_i[`INI_D_OPCODE];
  wire       fail_spread = fail_opcode == `INI_OP_MIRROR_WRITE || fail_opcode == `INI_OP_MIRROR_READ;
  wire [59:0] order = never_q ? fail_desc_i[`INI_D_ORDER] : desc_i[`INI_D_ORDER];
  wire [3:0] count = never_q ? fail_desc_i[`INI_D_COUNT] : desc_i[`INI_D_COUNT];
  wire       owes = holds_q && !reported_q && !never_q && !doomed_i && !cut_i && !(result_i == `INI_RES_OK && at_focus_q);

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(note_o || short_o || state_q != IDLE || end_q || end_i || drain_q || rst_q != bus_rst_i || fail_i || fail_q
      || (us_i && late_ok_i) || pulsed);
  wire pulsed = fail_done_o || put_o || free_o || find_late_o || find_any_o || find_scope_o || post_o;

  reg [3:0] rank_why, flaw;
  // Of a connection that was cut off nobody knows which blocks got to the medium.
  wire       block_known = reported_q ? look_status_i != `SCSI_ST_GOOD || flaw != `INI_RES_OK : !never_q && !doomed_i && !cut_i;
  wire [3:0] rank_block = block_known ? look_block_i : 4'd0;

  assign busy_o = state_q != IDLE || end_q || drain_q || end_i;
  assign ending_o = (state_q != IDLE && state_q != LATE) || end_q || drain_q || end_i;
  assign look_rank_o = rank_q;

  // What a status of GOOD does not mend
  always @(*) begin
    if (refused_q) flaw = `INI_RES_REJECTED;
    else if (skipped_q) flaw = `INI_RES_SKIPPED;
    else if (spoilt_q) flaw = `INI_RES_PARITY;
    else if (differs_q) flaw = `INI_RES_DIFFERS;
    else flaw = served_q ? `INI_RES_OK : `INI_RES_SKIPPED;
  end

  always @(*) begin
    if (never_q) rank_why = fail_why_i;
    else if (reported_q) rank_why = look_status_i == `SCSI_ST_GOOD ? flaw : `INI_RES_OK;
    else if (all_same) rank_why = result_i;
    else if (refused_q) rank_why = `INI_RES_REJECTED;
    else if (skipped_q) rank_why = `INI_RES_SKIPPED;
    else if (empty_q && at_focus_q) rank_why = `INI_RES_PROTOCOL;
    else if (served_q || at_focus_q || cut_i) rank_why = result_i;
    else rank_why = `INI_RES_SKIPPED;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {end_q, drain_q, rst_q, sweep_q, fail_q} <= 5'd0;
      rank_q <= 4'd0;
      {never_q, served_q, holds_q, skipped_q, refused_q, differs_q, spoilt_q, reported_q, at_focus_q, empty_q, few_q} <= 11'd0;
      short_o <= 1'b0;
      {short_gang_o, short_blocks_o} <= 7'd0;
      {z_q, id_q} <= 8'd0;
      {note_o, note_gang_o, note_z_o, note_block_o, note_result_o, note_status_o} <= 24'd0;
      {fail_done_o, put_o, put_new_o, free_o, free_inner_o, find_late_o, find_any_o, find_scope_o, post_o} <= 9'd0;
      scope_o <= `INI_SCOPE_NEXUS;
      put_ent_o <= {`INI_ENT_W{1'b0}};
      idx_o <= 5'd0;
      cpl0_o <= 32'd0;
      cpl1_o <= 32'd0;
    end else if (awake) begin
      {fail_done_o, put_o, free_o, find_late_o, find_any_o, find_scope_o, post_o, note_o, short_o} <= 9'd0;
      few_q <= pad(moved_i) != len;
      if (end_i) end_q <= 1'b1;
      rst_q <= bus_rst_i;
      fail_q <= fail_i && !fail_done_o;
      if (bus_rst_i && !rst_q) drain_q <= 1'b1;

      case (state_q)
        IDLE: begin
        tell(fail_desc_i, 8'd0, fail_why_i, 4'd0, 24'd0, 4'd0);
        if (end_q) begin
          end_q <= 1'b0;
          rank_q <= 4'd0;
          never_q <= 1'b0;
          if (spread_i) begin
            short_o <= ended_i;
            short_gang_o <= desc_i[`INI_D_GANG];
            short_blocks_o <= blocks_i;
            state_q <= LOOK;
          end else if (task_i && swept) begin
            sweep;
          end else if (task_i) begin
            state_q <= ONE;
          end
        end else if (drain_q && !end_i) begin  // a connection that RST ends has its own say first
          drain_q <= 1'b0;
          find_any_o <= 1'b1;
          state_q <= DRAIN;
        end else if (fail_q && !fail_done_o) begin
          rank_q <= 4'd0;
          never_q <= 1'b1;
          if (fail_spread) begin
            state_q <= LOOK;
          end else begin
            ends(fail_desc_i[`INI_D_INNER]);
            fail_done_o <= 1'b1;
          end
        end else if (us_i && late_ok_i) begin
          find_late_o <= 1'b1;
          state_q <= LATE;
        end
        end

        ONE: begin
          idx_o <= idx_i;
          tell(desc_i, status_i, own_result, why_not, {7'd0, pad(moved_i)}, own_block);
          put_new_o <= !table_i;
          put_ent_o <= {25'd0, pad(moved_i), detail_i[2:0], pad(saved_i), desc_i};
          if (keep_i) begin
            put_o <= 1'b1;
          end else begin
            free_o <= table_i;
            free_inner_o <= desc_i[`INI_D_INNER];
            ends(desc_i[`INI_D_INNER]);
          end
          state_q <= PAUSE;
        end

        LOOK:
        if (rank_q == count) begin
          fail_done_o <= never_q;
          state_q <= PAUSE;
        end else begin
          z_q <= order[{rank_q, 2'd0}+:4];
          id_q <= ids_i[{rank_q, 2'd0}+:4];
          served_q <= served_i[rank_q] && !never_q;
          holds_q <= holds_i[rank_q] && !never_q;
          spoilt_q <= spoilt_i[rank_q];
          skipped_q <= skipped_i[rank_q];
          refused_q <= refused_i[rank_q];
          differs_q <= differs_i[rank_q];
          reported_q <= reported_i[rank_q] && !never_q;
          at_focus_q <= rank_q == focus_i;
          empty_q <= own_good && !served_i[rank_q];
          state_q <= SPREAD;
        end

        SPREAD: begin
          note(never_q ? fail_desc_i[`INI_D_GANG] : desc_i[`INI_D_GANG], z_q, rank_block, rank_why, reported_q ? look_status_i : status_i);
          note_o <= !owes;
          put_o <= owes;
          put_new_o <= 1'b1;
          put_ent_o <= {25'd0, len, 3'd0, len, desc_i};
          put_ent_o[`INI_D_TARGET] <= id_q;
          put_ent_o[`INI_D_Z] <= z_q;
          put_ent_o[`INI_D_FLAW] <= flaw;
          put_ent_o[`INI_D_FLAW_BLOCK] <= flaw == `INI_RES_OK ? 4'd0 : look_block_i;
          rank_q <= rank_q + 4'd1;
          state_q <= LOOK;
        end

        DRAIN: begin
          end_found(`INI_RES_RESET);
          if (found_i) drain_q <= 1'b1;
          else if (absent_i) state_q <= IDLE;
        end

        LATE:
        if (conn_i) begin
          state_q <= IDLE;
        end else begin
          end_found(`INI_RES_NO_STATUS);
          if (absent_i && !found_i) state_q <= IDLE;
        end

        SWEEP: begin
          end_found(`INI_RES_ABORTED);
          if (found_i) sweep_q <= 1'b1;
          else if (absent_i) state_q <= ONE;
        end

        default:  // PAUSE
        if (sweep_q) sweep;
        else state_q <= IDLE;
      endcase
    end
  end

  task sweep;
    begin
      sweep_q <= 1'b0;
      find_scope_o <= 1'b1;
      case (desc_i[`INI_D_FUNCTION])
        `INI_FN_ABORT_TASK: scope_o <= `INI_SCOPE_NEXUS;
        `INI_FN_TARGET_RESET: scope_o <= `INI_SCOPE_TARGET;
        default: scope_o <= `INI_SCOPE_LUN;
      endcase
      state_q <= SWEEP;
    end
  endtask

  // If the table has found a task, it ends.
  task end_found;
    input [3:0] why;
    begin
      idx_o <= found_idx_i;
      free_inner_o <= found_desc[`INI_D_INNER];
      tell(found_desc, 8'd0, why, 4'd0, {7'd0, found_ent_i[`INI_E_MOVED]}, 4'd0);
      if (found_i) begin
        free_o <= 1'b1;
        ends(found_desc[`INI_D_INNER]);
        state_q <= PAUSE;
      end
    end
  endtask

  function [16:0] pad;
    input [PW-1:0] pointer;
    pad = {{(17 - PW) {1'b0}}, pointer};
  endfunction

  // A task on its own, or one participant's part of a mirrored command, ends: what `tell` has said of it counts.
  task ends;
    input inner;
    begin
      post_o <= !inner;
      note_o <= inner;
    end
  endtask

  task tell;
    /* verilator lint_off UNUSEDSIGNAL */  // the fields of the nexus only
    input [`INI_DESC_W-1:0] desc;
    /* verilator lint_on UNUSEDSIGNAL */
    input [7:0] status;
    input [3:0] result;
    input [3:0] detail;
    input [23:0] bytes;
    input [3:0] block;
    begin
      note(desc[`INI_D_GANG], desc[`INI_D_Z], block, result, status);
      cpl0_o <= {status, 4'd0, desc[`INI_D_TARGET], desc[`INI_D_TAG], desc[`INI_D_OPCODE], 2'd0, 2'b11};
      cpl1_o <= {bytes, detail, result};
    end
  endtask

  task note;
    input [2:0] gang;
    input [3:0] z;
    input [3:0] block;
    input [3:0] result;
    input [7:0] status;
    begin
      note_gang_o <= gang;
      note_z_o <= z;
      note_block_o <= block;
      note_result_o <= result;
      note_status_o <= result == `INI_RES_OK ? status : 8'd0;
    end
  endtask

endmodule
`default_nettype wire
