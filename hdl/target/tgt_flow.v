// Executes one ordinary task: what of its command is still to be done, and which part of that needs the bus.
//
// Used by scsi_target. It has tgt_disk judge the command, has blocks moved between the sector buffer and the medium (tgt_blocks knows which),
// and orders data phases, messages and the status of tgt_link, which reselects for them when the task is disconnected. Rules: disconnection while the medium
// works, SAVE DATA POINTER before it in mid-data; RESTORE POINTERS and the data again when the initiator reports an error (SPI-3 parity
// recovery); with the write cache a write ends when its data is in the buffer, which nothing else may use until the medium has it. The
// end of a write goes to the medium once the phase lines have settled in the next phase: an ACK too many shows until then.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"
`include "tgt_kinds.vh"

module tgt_flow #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,  // RST or TARGET RESET

    // where tasks come from
    input  wire        begin_i,      // pulse, while free_o: the command of the present connection
    input  wire [79:0] cdb_i,
    input  wire        disc_priv_i,
    input  wire        next_i,       // a task waits in the queue
    input  wire [79:0] next_cdb_i,
    output wire        pop_o,        // it is being taken
    output reg         queued_o,     // the task being executed came from the queue
    output reg         valid_o,      // a task is being executed
    input  wire        drop_i,       // pulse: it has been aborted
    input  wire        turn_i,       // it may reselect
    input  wire [ 3:0] initiator_i,  // of the task
    input  wire        drain_i,      // pulse: what the medium is about to write is a copy that has been reported as GOOD

    // the disk
    output reg  [79:0] cdb_o,
    output reg         decode_o,
    input  wire        disk_busy_i,
    input  wire [ 2:0] kind_i,
    input  wire [ 7:0] disk_status_i,
    input  wire [23:0] disk_bytes_i,
    input  wire        fua_i,
    input  wire        cache_i,
    output reg         param_done_o,
    output wire        sense_o,        // sense data for sense_initiator_o, until sense_taken_i
    output wire        deferred_o,     // ... is about a write that has ended with GOOD
    output wire [ 3:0] sense_initiator_o,
    output wire [ 3:0] sense_key_o,
    output wire [15:0] sense_code_o,
    input  wire        sense_taken_i,

    // buffer and medium
    output reg         data_begin_o,   // pulse: next transfer is the first byte of the buffer
    output reg         load_o,         // pulses: see tgt_blocks
    output reg         move_o,
    output wire        move_write_o,
    output reg         passed_o,
    output reg         save_o,
    output reg         rewind_o,
    input  wire        none_i,
    input  wire        last_i,
    input  wire [23:0] chunk_bytes_i,
    input  wire        blocks_busy_i,
    input  wire        blocks_done_i,
    input  wire        blocks_error_i,

    // the link
    output wire        want_o,         // reselect
    input  wire        attached_i,     // pulse: that has been done
    input  wire        gave_up_i,      // pulse: ... without an answer
    output reg  [ 1:0] order_o,        // tgt_events.vh
    output reg         order_in_o,     // data towards the initiator
    output reg  [23:0] order_bytes_o,
    output reg  [ 7:0] order_code_o,   // message or status
    input  wire        taken_i,        // pulse: the order is being carried out
    input  wire        fin_i,          // pulse: it has been
    input  wire [ 1:0] fin_result_i,
    input  wire        lost_i,         // pulse: the task's connection broke off
    output wire        status_next_o,  // nothing but STATUS will follow
    input  wire        tail_i          // an ACK too many may still come
);

  localparam RETRIES = 2'd3;  // of data in
  localparam [23:0] PATIENCE_US = 24'd10;  // a wait for the medium that is shorter is not worth a disconnection

  localparam FREE = 4'd0;  // no task
  localparam DECODE = 4'd1;
  localparam JUDGE = 4'd2;  // tgt_disk looks at the command
  localparam DECODED = 4'd3;
  localparam ROOM = 4'd4;  // wait for the buffer
  localparam CHUNK = 4'd5;  // tgt_blocks has the next ones
  localparam MEDIUM = 4'd6;  // blocks move between buffer and medium
  localparam DATA = 4'd7;  // a data phase is to be ordered
  localparam DATA_ENDS = 4'd8;  // ... has been
  localparam TALK = 4'd9;  // messages are to be sent, then then_q
  localparam TALKED = 4'd10;
  localparam REPORT = 4'd11;  // status is to be ordered
  localparam REPORTED = 4'd12;
  localparam LISTED = 4'd13;  // tgt_disk looks at a parameter list

  // Reasons of sense data
  localparam NO_ANSWER = 3'd0;  // to a reselection
  localparam DAMAGED = 3'd1;  // data from the initiator
  localparam NOT_RECEIVED = 3'd2;  // data towards it
  localparam NOT_READ = 3'd3;
  localparam NOT_WRITTEN = 3'd4;

  reg [3:0] state_q;
  reg [3:0] then_q;
  reg attached_q;  // the present connection is this task's
  reg disc_q;  // it may disconnect
  reg moved_q;  // data pointer of the initiator: has moved since it was saved
  reg save_q, restore_q, leave_q;  // SAVE DATA POINTER, RESTORE POINTERS, DISCONNECT are to be sent
  reg [1:0] retries_q;
  reg hold_q;  // the medium is to write, once tail_i is over
  reg mine_q;  // the medium works for this task, or will
  reg ready_q, failed_q;  // it has done so, with an error
  reg drain_q;  // it writes, or will, what has been reported as GOOD
  reg [3:0] drain_initiator_q;
  reg note_q;  // sense data of this task is on its way
  reg [3:0] note_initiator_q;
  reg [2:0] why_q;
  reg late_q;  // a deferred error is
  reg sync_failed_q;  // ... was found since this task began, and belongs to its initiator
  reg [2:0] wait_q;  // clocks until tgt_disk has judged a parameter list
  reg [7:0] status_q;

  wire writes = kind_i == `TGT_KIND_WRITE;
  wire reads = kind_i == `TGT_KIND_READ;
  wire patient = attached_q && disc_q && (state_q == ROOM || state_q == MEDIUM);
  wire impatient;
  wire done = blocks_done_i && mine_q;
  wire drained = blocks_done_i && drain_q;
  wire dropped = valid_o && (drop_i || (lost_i && attached_q));
  wire given_up = valid_o && gave_up_i;

  assign pop_o = !valid_o && next_i && !begin_i;
  assign want_o = order_o != `TGT_ORDER_NONE && !attached_q && turn_i;
  assign move_write_o = writes;
  assign status_next_o = hold_q && state_q == MEDIUM;
  assign sense_o = note_q || late_q;
  assign deferred_o = !note_q;
  assign sense_initiator_o = note_q ? note_initiator_q : drain_initiator_q;
  assign sense_key_o = note_q && why_q != NOT_READ && why_q != NOT_WRITTEN ? `SCSI_SK_ABORTED_COMMAND : `SCSI_SK_MEDIUM_ERROR;
  assign sense_code_o = code_of(note_q ? why_q : NOT_WRITTEN);

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

  scsi_us_timer #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_patience (
      .clk_i(clk_i), .rst_ni(rst_ni), .run_i(patient), .hold_i(1'b0), .restart_i(1'b0), .limit_us_i(PATIENCE_US),
      .expired_o(impatient)
  );

  // Nothing to do in a clock should cost a simulation nothing.
  wire pulsed = decode_o || param_done_o || data_begin_o || load_o || move_o || passed_o || save_o || rewind_o;
  wire disturbed = clear_i || dropped || given_up || blocks_done_i || (valid_o && (attached_i || taken_i)) || drain_i || sense_o || hold_q;
  reg waiting;

  always @(*) begin
    case (state_q)
      FREE: waiting = !(begin_i || next_i);
      ROOM: waiting = blocks_busy_i && !impatient;
      MEDIUM: waiting = !ready_q && !impatient;
      DATA_ENDS, TALKED, REPORTED: waiting = !fin_i;
      default: waiting = 1'b0;
    endcase
  end

  wire awake = `SCSI_AWAKE(pulsed || disturbed || !waiting);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {state_q, then_q} <= {FREE, FREE};
      valid_o <= 1'b0;
      {decode_o, param_done_o, data_begin_o, load_o, move_o, passed_o, save_o, rewind_o} <= 8'd0;
      {attached_q, disc_q, moved_q, save_q, restore_q, leave_q, queued_o} <= 7'd0;
      {hold_q, mine_q, ready_q, failed_q, drain_q, note_q, late_q, sync_failed_q} <= 8'd0;
      {retries_q, wait_q} <= 5'd0;
      {drain_initiator_q, note_initiator_q} <= 8'd0;
      why_q <= NO_ANSWER;
      cdb_o <= 80'd0;
      order_o <= `TGT_ORDER_NONE;
      order_in_o <= 1'b0;
      order_bytes_o <= 24'd0;
      {order_code_o, status_q} <= 16'd0;
    end else if (awake) begin
      {decode_o, param_done_o, data_begin_o, load_o, move_o, passed_o, save_o, rewind_o} <= 8'd0;
      if (sense_taken_i) begin
        if (note_q) note_q <= 1'b0;
        else late_q <= 1'b0;
      end
      if (!note_q) note_initiator_q <= initiator_i;
      medium_ends;
      if (hold_q && !tail_i) {hold_q, move_o} <= 2'b01;
      if (clear_i || dropped) begin
        over;
      end else if (given_up) begin
        check(NO_ANSWER);
        over;
      end else begin
        if (attached_i && valid_o) attached_q <= 1'b1;
        if (taken_i) order_o <= `TGT_ORDER_NONE;
        step;
      end
    end
  end

  // ---- the medium's end of a transfer, whatever the task does meanwhile

  task medium_ends;
    begin
      if (done) begin
        mine_q <= 1'b0;
        ready_q <= 1'b1;
        failed_q <= blocks_error_i;
      end
      if (drained) begin
        drain_q <= 1'b0;
        late_q  <= blocks_error_i;
        sync_failed_q <= blocks_error_i && initiator_i == drain_initiator_q;
      end
      if (drain_i) drain;
    end
  endtask

  task drain;
    begin
      drain_q <= 1'b1;
      drain_initiator_q <= initiator_i;
    end
  endtask

  // The task is no more. Blocks on their way go on; nobody is told.
  task over;
    begin
      state_q <= FREE;
      valid_o <= 1'b0;
      order_o <= `TGT_ORDER_NONE;
      {attached_q, mine_q} <= 2'd0;
      if (hold_q && tail_i) {hold_q, drain_q} <= 2'd0;
    end
  endtask

  task check;
    input [2:0] why;
    begin
      note_q <= 1'b1;
      why_q <= why;
      status_q <= `SCSI_ST_CHECK_CONDITION;
    end
  endtask

  // ---- one step

  task step;
    begin
      case (state_q)
        FREE: if (begin_i || next_i) start;
        DECODE: begin
          decode_o <= 1'b1;
          state_q  <= JUDGE;
        end
        JUDGE:
        if (!decode_o && !disk_busy_i) begin
          load_o  <= 1'b1;
          state_q <= DECODED;
        end
        DECODED: decoded;
        ROOM: begin
          if (!blocks_busy_i && !blocks_done_i) begin
            if (sync_failed_q && kind_i == `TGT_KIND_SYNC) check(NOT_WRITTEN);
            state_q <= kind_i == `TGT_KIND_SYNC ? REPORT : CHUNK;
          end else if (impatient) begin
            disconnect(ROOM);
          end
        end
        CHUNK: begin
          if (reads) move_blocks;
          state_q <= reads ? MEDIUM : DATA;
        end
        MEDIUM:
        if (ready_q) moved_blocks;
        else if (impatient) disconnect(MEDIUM);
        DATA: data;
        DATA_ENDS: if (fin_i) data_ends;
        TALK: talk;
        TALKED: if (fin_i) talked;
        REPORT: begin
          order_o <= `TGT_ORDER_STATUS;
          order_code_o <= status_q;
          state_q <= REPORTED;
        end
        REPORTED:
        if (fin_i) begin
          if (fin_result_i == `TGT_FIN_REPORTED) again(REPORT);
          else over;
        end
        default: begin  // LISTED
          wait_q <= wait_q + 3'd1;
          status_q <= disk_status_i;
          if (wait_q == 3'd7 && !disk_busy_i) state_q <= REPORT;
        end
      endcase
    end
  endtask

  task start;
    begin
      valid_o <= 1'b1;
      cdb_o <= begin_i ? cdb_i : next_cdb_i;
      attached_q <= begin_i;
      queued_o <= !begin_i;
      disc_q <= begin_i ? disc_priv_i : 1'b1;
      {moved_q, save_q, restore_q, leave_q, sync_failed_q, ready_q, failed_q} <= 7'd0;
      {retries_q, wait_q} <= 5'd0;
      state_q <= DECODE;
    end
  endtask

  task decoded;
    begin
      status_q <= disk_status_i;
      order_bytes_o <= disk_bytes_i;
      order_in_o <= kind_i == `TGT_KIND_GENERATED || reads;
      case (kind_i)
        `TGT_KIND_GENERATED, `TGT_KIND_PARAMETERS: state_q <= DATA;
        `TGT_KIND_READ, `TGT_KIND_WRITE, `TGT_KIND_SYNC: state_q <= ROOM;
        default: state_q <= REPORT;
      endcase
    end
  endtask

  task move_blocks;
    begin
      move_o  <= 1'b1;
      mine_q  <= 1'b1;
      ready_q <= 1'b0;
    end
  endtask

  task hold_blocks;
    begin
      hold_q  <= 1'b1;
      mine_q  <= 1'b1;
      ready_q <= 1'b0;
    end
  endtask

  task moved_blocks;
    begin
      ready_q <= 1'b0;
      if (failed_q) begin
        check(writes ? NOT_WRITTEN : NOT_READ);
        state_q <= REPORT;
      end else if (reads) begin
        state_q <= DATA;
      end else begin
        state_q <= none_i ? REPORT : CHUNK;
      end
    end
  endtask

  task data;
    begin
      if (reads || writes) order_bytes_o <= chunk_bytes_i;
      order_o <= `TGT_ORDER_DATA;
      data_begin_o <= 1'b1;
      state_q <= DATA_ENDS;
    end
  endtask

  task data_ends;
    begin
      moved_q <= 1'b1;
      if (fin_result_i == `TGT_FIN_DAMAGED) begin
        check(DAMAGED);
        state_q <= REPORT;
      end else if (fin_result_i == `TGT_FIN_REPORTED) begin
        retries_q <= retries_q + 2'd1;
        if (retries_q == RETRIES) begin
          check(NOT_RECEIVED);
          state_q <= REPORT;
        end else begin
          rewind_o  <= 1'b1;
          restore_q <= 1'b1;
          then_q <= reads ? ROOM : DATA;
          state_q <= TALK;
        end
      end else begin
        data_done;
      end
    end
  endtask

  task data_done;
    case (kind_i)
      `TGT_KIND_READ: begin
        passed_o <= 1'b1;
        state_q  <= last_i ? REPORT : ROOM;
      end
      `TGT_KIND_WRITE: begin
        if (last_i) hold_blocks;
        else move_blocks;
        state_q <= MEDIUM;
        if (last_i) begin
          if (cache_i && !fua_i) begin
            mine_q  <= 1'b0;
            drain;
            state_q <= REPORT;
          end else if (disc_q) begin
            // all data has passed: nothing to save, and only the medium to wait for
            leave_q <= 1'b1;
            then_q  <= MEDIUM;
            state_q <= TALK;
          end
        end
      end
      `TGT_KIND_PARAMETERS: begin
        param_done_o <= 1'b1;
        state_q <= LISTED;
      end
      default: state_q <= REPORT;  // GENERATED
    endcase
  endtask

  // ---- messages

  task disconnect;
    input [3:0] back;
    begin
      save_q  <= moved_q;
      leave_q <= 1'b1;
      then_q  <= back;
      state_q <= TALK;
    end
  endtask

  // The same once more: data that has passed stays passed, the rest begins again.
  task again;
    input [3:0] back;
    begin
      save_q <= moved_q;
      restore_q <= 1'b1;
      then_q <= back;
      state_q <= TALK;
    end
  endtask

  // Constants, and nothing else, go into state_q: synthesis sees its states, and has a flop for each.
  task enter_then;
    case (then_q)
      ROOM: state_q <= ROOM;
      MEDIUM: state_q <= MEDIUM;
      DATA: state_q <= DATA;
      default: state_q <= REPORT;
    endcase
  endtask

  task talk;
    if (!save_q && !restore_q && !leave_q) begin
      enter_then;
    end else begin
      order_o <= `TGT_ORDER_SAY;
      order_code_o <= save_q ? `SCSI_MSG_SAVE_DATA_POINTER : restore_q ? `SCSI_MSG_RESTORE_POINTERS : `SCSI_MSG_DISCONNECT;
      state_q <= TALKED;
    end
  endtask

  task talked;
    begin
      state_q <= TALK;
      if (fin_result_i != `TGT_FIN_OK) begin
        // the initiator wants it to stay
        {save_q, restore_q, leave_q, disc_q} <= 4'd0;
      end else if (save_q) begin
        save_q  <= 1'b0;
        moved_q <= 1'b0;
        save_o  <= 1'b1;
      end else if (restore_q) begin
        restore_q <= 1'b0;
        moved_q   <= 1'b0;
      end else begin
        leave_q <= 1'b0;
        attached_q <= 1'b0;
        enter_then;
      end
    end
  endtask

endmodule
`default_nettype wire
