// Executes a drive's part of a mirrored operation: its copy of each block, between the bus and the medium, then one status for all of them.
//
// Used by scsi_target beside tgt_flow, which does the same for ordinary commands. Rules: LEN bytes pass whatever is wrong; what is to be sent
// is read ahead as soon as the operation is heard of; after the first block that fails the others are dropped; with the write cache a
// copy counts when it is in the buffer (docs/protocol.md, mirrored write, mirrored read, many blocks in one connection). What is written goes
// to the medium once the phase lines have settled in the next phase: an ACK too many shows until then.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"
`include "tgt_kinds.vh"

module tgt_copy (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,    // RST or TARGET RESET
    input wire drop_i,     // pulse: the task has been aborted
    input wire discard_i,  // pulse: the operation has been aborted, or its series cut off
    input wire closed_i,   // there is no operation on the bus

    // the operation
    input  wire        ahead_i,      // pulse: a read at ahead_lba_i has been heard of
    input  wire [31:0] ahead_lba_i,
    input  wire        room_i,       // the buffer is free for what is read ahead
    input  wire        begin_i,      // pulse: this drive's copy of a block
    input  wire        read_i,
    input  wire [31:0] lba_i,
    input  wire [23:0] len_i,
    input  wire [ 7:0] yz_i,
    input  wire        turn_i,       // it may reselect
    output wire        valid_o,      // there is a task
    output wire        ready_o,      // its status is known; in a series: so far
    output reg         copied_o,     // pulse: this drive's copy of a block is complete
    input  wire        told_i,       // pulse: the status has been delivered in the operation's connection
    input  wire        spoiled_i,    // pulse: the initiator could not get the data
    output reg  [ 7:0] yz_o,         // own identity, for FAILED BLOCK
    output reg  [ 7:0] block_o,      // ... of a series, the first block that failed
    output reg         failed_o,     // the status is to be followed by that

    // the disk
    output reg         judge_o,         // pulse
    output reg  [31:0] lba_o,
    output wire        judge_ahead_o,
    input  wire        disk_busy_i,
    input  wire [ 2:0] kind_i,
    input  wire [ 7:0] disk_status_i,
    input  wire        cache_i,
    output wire        keep_o,          // data from the initiator is wanted
    output wire        blank_o,         // there is no data for the initiator
    output reg         sense_o,         // sense data for the task's initiator, about lba_o, until sense_taken_i
    output wire [ 3:0] sense_key_o,
    output wire [15:0] sense_code_o,
    input  wire        sense_taken_i,

    // buffer and medium
    output reg  data_begin_o,    // pulses: as in tgt_flow
    output reg  load_o,
    output reg  move_o,
    output wire move_write_o,
    output reg  drain_o,         // pulse, with move_o: what is being written has been reported as GOOD
    input  wire blocks_busy_i,
    input  wire blocks_done_i,
    input  wire blocks_error_i,

    // the link
    output wire        want_o,         // reselect
    input  wire        attached_i,
    input  wire        gave_up_i,
    output reg  [ 1:0] order_o,        // tgt_events.vh
    output reg         order_in_o,
    output reg  [23:0] order_bytes_o,
    output reg  [ 7:0] order_code_o,
    output reg         claim_o,        // the phase lines may say DATA IN before the data is there
    input  wire        taken_i,
    input  wire        fin_i,
    input  wire [ 1:0] fin_result_i,
    input  wire        lost_i,
    input  wire        tail_i,         // an ACK too many may still come
    input  wire        stray_i         // pulse: one did
);

  localparam FREE = 4'd0;  // no task
  localparam AHEAD = 4'd1;  // tgt_disk looks at what is to be read ahead
  localparam AHEAD_CHUNK = 4'd2;  // tgt_blocks has it soon
  localparam JUDGE = 4'd3;  // tgt_disk looks at the block
  localparam JUDGED = 4'd4;
  localparam ROOM = 4'd5;  // wait for the buffer
  localparam CHUNK = 4'd6;  // tgt_blocks has the block
  localparam READ = 4'd7;  // it comes from the medium
  localparam DATA = 4'd8;  // the data phase is to be ordered
  localparam DATA_ENDS = 4'd9;  // ... has been
  localparam WRITE = 4'd10;  // the block goes to the medium
  localparam REPORT = 4'd11;  // the status is to be ordered
  localparam REPORTED = 4'd12;  // ... has been; in a series another block may come before it is taken
  localparam RESTORE = 4'd13;  // RESTORE POINTERS before the status once more

  // Reasons of sense data
  localparam NO_ANSWER = 3'd0;  // to a reselection
  localparam DAMAGED = 3'd1;  // data from the initiator
  localparam NOT_RECEIVED = 3'd2;  // data towards it
  localparam NOT_READ = 3'd3;
  localparam NOT_WRITTEN = 3'd4;

  reg [3:0] state_q;
  reg task_q;
  reg attached_q;  // the present connection is the task's
  reg read_q;
  reg refused_q;  // nothing of this block is kept or sent
  reg bad_q;  // a block has failed
  reg hold_q;  // the medium is to write, once tail_i is over
  reg mine_q, ready_q, error_q;  // the medium works for this task, or will, has done so, with an error
  reg ahead_q;  // a block has been, or is being, read ahead ...
  reg same_q;  // ... and it is the one that is wanted
  reg gone_q;  // the task has been aborted, or its connection has broken off
  reg unanswered_q;  // nobody has answered the reselection
  reg [1:0] wait_q;
  reg [7:0] index_q;  // of the block in the series
  reg [7:0] status_q;
  reg [2:0] why_q;

  wire done = blocks_done_i && mine_q;
  wire dropped = task_q && (drop_i || discard_i || (lost_i && attached_q));
  wire between = state_q == FREE || state_q == REPORTED;  // what comes next may be noted
  wire stale = closed_i && ahead_q;

  assign valid_o = task_q;
  assign ready_o = state_q == REPORTED && !attached_q;
  assign want_o = state_q == REPORTED && order_o != `TGT_ORDER_NONE && !attached_q && turn_i;
  assign keep_o = !refused_q;
  assign blank_o = refused_q;
  assign judge_ahead_o = state_q == AHEAD;
  assign move_write_o = !read_q;
  assign sense_key_o = why_q == NOT_READ || why_q == NOT_WRITTEN ? `SCSI_SK_MEDIUM_ERROR : `SCSI_SK_ABORTED_COMMAND;
  assign sense_code_o = code_of(why_q);

  function [15:0] code_of;
    input [2:0] why;
    case (why)
      NO_ANSWER: code_of = `SCSI_ASC_RESELECT_FAILURE;
      DAMAGED: code_of = `SCSI_ASC_PARITY_ERROR;
      NOT_RECEIVED: code_of = `SCSI_ASC_INITIATOR_DETECTED_ERROR;
      NOT_READ: code_of = `SCSI_ASC_UNRECOVERED_READ_ERROR;
      default: code_of = `SCSI_ASC_WRITE_ERROR;
    endcase
  endfunction

  // Nothing to do in a clock should cost a simulation nothing.
  wire pulsed = copied_o || judge_o || data_begin_o || load_o || move_o || drain_o;
  wire disturbed = dropped || gone_q || unanswered_q || stale || done || ahead_i || begin_i || sense_o || (clear_i && (task_q || ahead_q))
      || (task_q && (gave_up_i || attached_i || taken_i || told_i || spoiled_i)) || hold_q;
  reg waiting;

  always @(*) begin
    case (state_q)
      FREE: waiting = 1'b1;
      ROOM: waiting = blocks_busy_i;
      READ, WRITE: waiting = !ready_q;
      DATA_ENDS, REPORTED, RESTORE: waiting = !fin_i;
      default: waiting = 1'b0;
    endcase
  end

  wire awake = `SCSI_AWAKE(pulsed || disturbed || !waiting);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= FREE;
      {copied_o, judge_o, data_begin_o, load_o, move_o, drain_o} <= 6'd0;
      {task_q, attached_q, read_q, refused_q, bad_q, hold_q, mine_q, ready_q, error_q, same_q} <= 10'd0;
      {gone_q, unanswered_q} <= 2'd0;
      {ahead_q, failed_o, sense_o, order_in_o, claim_o} <= 5'd0;
      wait_q <= 2'd0;
      {index_q, status_q, yz_o, block_o, order_code_o} <= 40'd0;
      lba_o <= 32'd0;
      why_q <= NO_ANSWER;
      order_o <= `TGT_ORDER_NONE;
      order_bytes_o <= 24'd0;
    end else if (awake) begin
      {copied_o, judge_o, data_begin_o, load_o, move_o, drain_o} <= 6'd0;
      if (sense_taken_i) sense_o <= 1'b0;
      if (!bad_q) block_o <= index_q;
      if (between && begin_i) begin
        yz_o <= yz_i;
        read_q <= read_i;
        order_in_o <= read_i;
        order_bytes_o <= len_i;
        lba_o <= lba_i;
        same_q <= ahead_q && read_i && lba_o == lba_i;
      end else if (between && ahead_i && room_i) begin
        read_q <= 1'b1;
        lba_o  <= ahead_lba_i;
      end
      if (done) begin
        mine_q  <= 1'b0;
        ready_q <= 1'b1;
        error_q <= blocks_error_i;
      end
      if (hold_q && !tail_i) begin
        hold_q  <= 1'b0;
        move_o  <= 1'b1;
        drain_o <= !mine_q;
      end
      gone_q <= clear_i || dropped;
      unanswered_q <= gave_up_i && task_q;
      if (gone_q) begin
        over;
      end else if (stray_i && hold_q) begin
        {hold_q, mine_q} <= 2'd0;
        check(DAMAGED);
        state_q <= REPORT;
      end else if (unanswered_q) begin
        check(NO_ANSWER);
        over;
      end else begin
        if (stale) {ahead_q, mine_q} <= 2'd0;
        if (task_q && attached_i) attached_q <= 1'b1;
        if (task_q && taken_i) order_o <= `TGT_ORDER_NONE;
        step;
      end
    end
  end

  // The task is no more. Blocks on their way go on; nobody is told.
  task over;
    begin
      state_q <= FREE;
      order_o <= `TGT_ORDER_NONE;
      {task_q, attached_q, mine_q, ahead_q, claim_o} <= 5'd0;
      if (tail_i) hold_q <= 1'b0;
    end
  endtask

  // What is wrong first counts.
  task check;
    input [2:0] why;
    begin
      bad_q <= 1'b1;
      if (!bad_q) begin
        sense_o <= 1'b1;
        why_q <= why;
        status_q <= `SCSI_ST_CHECK_CONDITION;
      end
    end
  endtask

  // ---- one step

  task step;
    begin
      case (state_q)
        FREE:
        if (begin_i) start;
        else if (ahead_i) look_ahead;
        AHEAD:
        if (!judge_o && !disk_busy_i) begin
          load_o  <= kind_i == `TGT_KIND_READ;
          wait_q  <= 2'd0;
          state_q <= kind_i == `TGT_KIND_READ ? AHEAD_CHUNK : task_q ? REPORTED : FREE;
        end
        AHEAD_CHUNK: begin
          wait_q <= wait_q + 2'd1;
          if (wait_q == 2'd2) begin
            ahead_q <= 1'b1;
            move;
            state_q <= task_q ? REPORTED : FREE;
          end
        end
        JUDGE:
        if (!judge_o && !disk_busy_i) begin
          load_o  <= 1'b1;
          state_q <= JUDGED;
        end
        JUDGED: judged;
        ROOM: if (!blocks_busy_i && !blocks_done_i) state_q <= read_q ? CHUNK : DATA;
        CHUNK: begin
          move;
          state_q <= READ;
        end
        READ:
        if (ready_q) begin
          refused_q <= error_q;
          if (error_q) check(NOT_READ);
          state_q <= DATA;
        end
        DATA: begin
          order_o <= `TGT_ORDER_DATA;
          data_begin_o <= 1'b1;
          state_q <= DATA_ENDS;
        end
        DATA_ENDS: if (fin_i) copied;
        WRITE:
        if (ready_q) begin
          if (error_q) check(NOT_WRITTEN);
          state_q <= REPORT;
        end
        REPORT: begin
          order_o <= `TGT_ORDER_STATUS;
          order_code_o <= status_q;
          failed_o <= bad_q && index_q != 8'd0;
          state_q <= REPORTED;
        end
        REPORTED: reported;
        default: if (fin_i) state_q <= REPORT;  // RESTORE
      endcase
    end
  endtask

  // What was read ahead before is of no use any more.
  task look_ahead;
    begin
      {ahead_q, mine_q} <= 2'd0;
      if (room_i) begin
        judge_o <= 1'b1;
        state_q <= AHEAD;
      end
    end
  endtask

  // A block. What has been read ahead counts if it is the right one; the medium may still be at work.
  task start;
    begin
      {task_q, attached_q} <= 2'b11;
      order_o <= `TGT_ORDER_NONE;
      claim_o <= read_i;
      index_q <= !task_q ? 8'd0 : index_q == 8'hFF ? 8'hFF : index_q + 8'd1;
      ahead_q <= 1'b0;
      if (!task_q) {bad_q, failed_o} <= 2'd0;
      if (task_q && bad_q) begin
        refused_q <= 1'b1;
        state_q   <= DATA;
      end else begin
        judge_o <= 1'b1;
        state_q <= JUDGE;
      end
    end
  endtask

  task judged;
    begin
      status_q <= disk_status_i;
      if (!same_q) mine_q <= 1'b0;
      refused_q <= kind_i != (read_q ? `TGT_KIND_READ : `TGT_KIND_WRITE);
      if (kind_i != (read_q ? `TGT_KIND_READ : `TGT_KIND_WRITE)) begin
        bad_q   <= 1'b1;
        state_q <= DATA;
      end else begin
        state_q <= same_q ? READ : ROOM;
      end
    end
  endtask

  task move;
    begin
      move_o  <= 1'b1;
      mine_q  <= 1'b1;
      ready_q <= 1'b0;
    end
  endtask

  // This drive's copy is complete: to the medium with it, or to the sense data with the reason.
  task copied;
    begin
      {attached_q, claim_o} <= 2'd0;
      copied_o <= 1'b1;
      state_q  <= REPORT;
      if (fin_result_i == `TGT_FIN_DAMAGED && !refused_q) begin
        check(DAMAGED);
      end else if (!read_q && !refused_q) begin
        hold_q  <= 1'b1;
        ready_q <= 1'b0;
        mine_q  <= !cache_i;
        if (!cache_i) state_q <= WRITE;
      end
    end
  endtask

  task reported;
    begin
      if (fin_i && fin_result_i == `TGT_FIN_REPORTED) begin
        order_o <= `TGT_ORDER_SAY;
        order_code_o <= `SCSI_MSG_RESTORE_POINTERS;
        state_q <= RESTORE;
      end else if (fin_i || told_i) begin
        over;
      end else if (begin_i) begin
        start;
      end else if (ahead_i && !bad_q) begin
        look_ahead;
      end else if (spoiled_i) begin
        check(NOT_RECEIVED);
        state_q <= REPORT;
      end
    end
  endtask

endmodule
`default_nettype wire
