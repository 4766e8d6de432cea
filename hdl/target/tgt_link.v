// The target's side of a connection: which phase comes next, what its bytes mean, when the bus is let go.
//
// Used by scsi_target. It owns BSY as long as this drive is the selected or reselecting target, and the phase lines (through
// tgt_phase) as long as it is the current target; in silent mirroring the two may be in different hands (docs/protocol.md).
// Rules: SPI-3 phase sequences, attention condition, parity recovery; the hand-over's windows are in tgt_mirror.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"
`include "tgt_kinds.vh"

module tgt_link #(
    parameter MSG_QUERY  = `MIRROR_MSG_QUERY,
    parameter MSG_SWITCH = `MIRROR_MSG_SWITCH_ROLE,
    parameter BUF_BYTES  = 4096
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,
    input wire free_i,      // BUS FREE
    input wire atn_i,
    input wire cfg_wide_i,

    // how connections begin
    input  wire       selected_i,      // pulse
    input  wire       selected_atn_i,
    input  wire [3:0] peer_i,
    output reg        reselect_o,      // level: ask the arbiter
    input  wire       arb_done_i,
    input  wire       arb_timeout_i,

    // messages of the initiator, and what they said so far
    input wire       byte_i,
    input wire       end_i,
    input wire       msg_error_i,
    input wire [4:0] event_i,
    input wire [7:0] code_i,
    input wire [7:0] arg_i,
    input wire [5:0] lun_i,
    input wire       identified_i,
    input wire       disc_priv_i,
    input wire       tagged_i,

    // enrolment and the mirrored operation
    output reg  [ 3:0] initiator_o,    // of the present connection
    output reg         enrol_o,        // pulse: the answer to QUERY was accepted
    input  wire        enrol_room_i,
    input  wire        group_i,        // enrolled in the group that the message names
    input  wire        named_i,        // ... and it names this drive
    input  wire        take_i,
    input  wire        reclaim_i,
    input  wire        release_i,
    input  wire        discard_i,
    input  wire [ 3:0] op_initiator_i,
    input  wire [23:0] op_len_i,
    output reg         leader_wait_o,
    output reg         first_req_o,
    output wire        mirrored_o,     // this connection's data is of the mirrored operation

    // the disk
    output reg         decode_o,
    output reg         mirror_o,
    output reg  [79:0] cdb_o,
    input  wire [ 1:0] kind_i,
    input  wire [ 7:0] disk_status_i,
    input  wire [23:0] gen_bytes_i,
    input  wire [31:0] disk_lba_i,
    input  wire [15:0] disk_blocks_i,
    output reg         sense_o,
    output reg  [ 3:0] sense_initiator_o,
    output reg  [ 3:0] sense_key_o,
    output reg  [15:0] sense_code_o,
    output reg         target_reset_o,

    // buffer and medium
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [12:0] block_len_i,  // 512, 1024, 2048 or 4096
    /* verilator lint_on UNUSEDSIGNAL */
    output reg         data_begin_o,
    output wire        data_keep_o,
    output reg         blocks_start_o,
    output reg         blocks_write_o,
    output reg  [31:0] blocks_lba_o,
    output reg  [15:0] blocks_count_o,
    input  wire        blocks_busy_i,
    input  wire        blocks_done_i,
    input  wire        blocks_error_i,

    // the task that waits for its reselection
    output reg        task_set_o,
    output reg        task_result_o,
    output reg  [7:0] task_result_status_o,
    output reg        task_ended_o,
    output reg        task_clear_o,
    input  wire       task_valid_i,
    input  wire       task_ready_i,
    input  wire [3:0] task_initiator_i,
    input  wire       task_same_i,   // ... is of the nexus that the bus is about
    input  wire [5:0] task_lun_i,
    input  wire       task_tagged_i,
    input  wire [7:0] task_tag_i,
    input  wire [7:0] task_status_i,

    // stall timer
    output wire stall_run_o,
    output reg  part_o,       // participant: phase lines without BSY
    input  wire stalled_i,

    // phase engine
    output reg         drive_o,
    output reg         settled_o,
    output reg  [ 2:0] phase_o,
    output wire [`SCSI_AGR_W-1:0] agree_o,  // with the initiator of this connection
    output reg         start_o,
    output reg  [23:0] bytes_o,
    output wire [ 7:0] byte_o,        // next byte of MESSAGE IN or STATUS
    input  wire        engine_busy_i,
    input  wire        put_i,
    input  wire        got_i,
    input  wire        done_i,
    input  wire [ 7:0] rdata_i,
    input  wire        error_i,

    output reg bsy_o
);

  localparam MESSAGE_RETRIES = 2'd3;
  localparam RESELECTIONS = 2'd3;  // repeated when nobody answers

  localparam IDLE = 5'd0;  // not connected, or between hand-over and status
  localparam MSG_OUT = 5'd1;  // a byte of MESSAGE OUT is being asked for
  localparam MSG_IN = 5'd2;  // a message is being sent
  localparam COMMAND_START = 5'd3;
  localparam COMMAND_FIRST = 5'd4;  // operation code
  localparam COMMAND_REST = 5'd5;  // rest of the CDB
  localparam DECODE = 5'd6;
  localparam JUDGE = 5'd7;  // tgt_disk looks at the command
  localparam DECODED = 5'd8;
  localparam FILL = 5'd9;  // blocks come from the medium
  localparam DATA_IN = 5'd10;
  localparam DATA_OUT_START = 5'd11;
  localparam DATA_OUT = 5'd12;
  localparam COMMIT = 5'd13;  // start: blocks go to the medium
  localparam WRITING = 5'd14;  // ... while connected
  localparam DETACH = 5'd15;  // ... while disconnected
  localparam STAY = 5'd16;  // DISCONNECT was rejected: wait for the medium here
  localparam STATUS_START = 5'd17;
  localparam STATUS = 5'd18;
  localparam COMPLETE = 5'd19;
  localparam FINISHED = 5'd20;
  localparam ENROL = 5'd21;  // the answer to QUERY has been accepted
  localparam MIRROR_JUDGE = 5'd22;  // tgt_disk looks at the mirrored write
  localparam MIRROR_START = 5'd23;
  localparam MIRROR_DATA = 5'd24;  // this drive's copy is coming in
  localparam HOLD = 5'd25;  // phase held with REQ false until ATN
  localparam LEADER_WAIT = 5'd26;  // leader: another target drives the phase lines

  reg  [ 4:0] state_q;
  reg  [ 4:0] resume_q;       // where the connection goes on after MESSAGE OUT
  reg  [ 4:0] after_q;        // where it goes after the MESSAGE IN now sent
  reg         resumed_q;      // this connection began with a reselection
  reg         leader_q;       // leader of a mirrored operation
  reg  [ 7:0] leader_yz_q;
  reg  [ 1:0] retries_q;
  reg  [ 1:0] calls_q;        // reselections that nobody has answered
  reg  [39:0] msg_q;          // MESSAGE IN or STATUS, next byte on top
  reg  [39:0] msg_again_q;    // the same message, for a resend
  reg  [ 2:0] msg_len_q;
  reg         msg_sent_q;     // what MESSAGE REJECT and MESSAGE PARITY ERROR refer to
  reg  [15:0] wide_q;         // agreements, by initiator
  reg  [ 3:0] cdb_pos_q;      // byte of the CDB under way, counted down
  reg         error_q;        // wrong parity in this COMMAND or DATA OUT phase
  reg  [ 7:0] status_q;
  reg  [15:0] blocks_left_q;  // of an ordinary READ or WRITE
  reg         task_write_q;   // blocks are being written for the waiting task

  wire [15:0] chunk = chunk_of(blocks_left_q, block_len_i[12:10]);
  wire        connected = bsy_o || part_o;
  wire        refused = kind_i != `TGT_KIND_WRITE;  // of a mirrored write

  assign mirrored_o  = leader_q || part_o;
  assign agree_o     = {2'b00, wide_q[initiator_o], 15'd0};
  assign stall_run_o = engine_busy_i || state_q == HOLD || state_q == LEADER_WAIT;
  assign byte_o      = msg_q[39:32];
  assign data_keep_o = !(mirrored_o && refused);

  // Blocks that the sector buffer takes at a time.
  function [15:0] chunk_of;
    input [15:0] left;
    input [2:0] block_len;  // bits 12:10
    reg [15:0] room;
    begin
      room = block_len[2] ? BUF_BYTES / 4096 : block_len[1] ? BUF_BYTES / 2048 : block_len[0] ? BUF_BYTES / 1024
           : BUF_BYTES / 512;
      chunk_of = left < room ? left : room;
    end
  endfunction

  function [23:0] bytes_of;
    input [15:0] blocks;
    input [2:0] block_len;  // bits 12:10
    bytes_of = {8'd0, blocks} << (block_len[2] ? 4'd12 : block_len[1] ? 4'd11 : block_len[0] ? 4'd10 : 4'd9);
  endfunction

  // Where a connection goes on when the initiator had something to say about the message that would have ended it.
  function [4:0] undone;
    input [4:0] after;
    case (after)
      DETACH: undone = STAY;
      ENROL: undone = FINISHED;
      default: undone = after;
    endcase
  endfunction

  // CDB bytes after the operation code, by group code.
  function [3:0] cdb_rest;
    input [2:0] group;
    case (group)
      3'd1, 3'd2: cdb_rest = 4'd9;
      3'd4: cdb_rest = 4'd15;
      3'd5: cdb_rest = 4'd11;
      default: cdb_rest = 4'd5;
    endcase
  endfunction

  // Nothing to do in a clock should cost a simulation nothing.
  wire pulsed = enrol_o || first_req_o || decode_o || mirror_o || sense_o || target_reset_o || data_begin_o || blocks_start_o
      || task_set_o || task_result_o || task_ended_o || task_clear_o || start_o || settled_o;
  wire disturbed = bus_rst_i || discard_i || (task_write_q && blocks_done_i)
      || (connected && (stalled_i || (free_i && state_q != IDLE)));
  reg  waiting;

  always @(*) begin
    case (state_q)
      IDLE:
      waiting = !(selected_i || arb_done_i || arb_timeout_i || take_i) && task_ready_i == reselect_o
          && {retries_q, msg_sent_q} == 3'd0;
      MSG_OUT: waiting = !byte_i;
      MSG_IN: waiting = !put_i && !done_i;
      COMMAND_FIRST, COMMAND_REST: waiting = !got_i && !done_i;
      DATA_OUT, MIRROR_DATA: waiting = !(got_i && error_i) && !done_i;
      DATA_IN, STATUS: waiting = !done_i;
      FILL: waiting = blocks_count_o != 16'd0 && !blocks_done_i;
      WRITING: waiting = !blocks_done_i;
      STAY: waiting = !task_ready_i;
      HOLD: waiting = !atn_i;
      LEADER_WAIT: waiting = !release_i && !reclaim_i;
      default: waiting = 1'b0;
    endcase
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      leave;
      pulses_off;
      wide_q <= 16'd0;
      reselect_o <= 1'b0;
      {resume_q, after_q} <= {IDLE, IDLE};
      {msg_sent_q, error_q, task_write_q, blocks_write_o, resumed_q} <= 5'd0;
      {msg_q, msg_again_q, msg_len_q} <= 83'd0;
      {leader_yz_q, status_q, task_result_status_o} <= 24'd0;
      {retries_q, calls_q, cdb_pos_q, initiator_o} <= 12'd0;
      {blocks_left_q, blocks_lba_o, blocks_count_o} <= 64'd0;
      {sense_initiator_o, sense_key_o, sense_code_o} <= 24'd0;
      cdb_o <= 80'd0;
      bytes_o <= 24'd0;
      phase_o <= 3'd0;
    end else if (pulsed || disturbed || !waiting) begin
      pulses_off;
      if (task_write_q && blocks_done_i) task_written;
      if (task_clear_o) task_write_q <= 1'b0;
      if (bus_rst_i) begin
        leave;
        wide_q <= 16'd0;
        reselect_o <= 1'b0;
        resumed_q <= 1'b0;
        calls_q <= 2'd0;
        task_write_q <= 1'b0;
        task_clear_o <= 1'b1;
      end else if (connected && (stalled_i || (free_i && state_q != IDLE))) begin
        let_go;
      end else begin
        if (discard_i) task_clear_o <= 1'b1;
        flow;
      end
    end
  end

  task pulses_off;
    begin
      {enrol_o, first_req_o, decode_o, mirror_o, sense_o, target_reset_o, data_begin_o, blocks_start_o} <= 8'd0;
      {task_set_o, task_result_o, task_ended_o, task_clear_o, start_o, settled_o} <= 6'd0;
    end
  endtask

  // Everything released; what waits for reselection stays.
  task leave;
    begin
      {bsy_o, drive_o, part_o, leader_q, leader_wait_o} <= 5'd0;
      state_q <= IDLE;
    end
  endtask

  // As the selected target: BUS FREE. As a participant: only its own lines, the leader has BSY.
  task let_go;
    begin
      leave;
      resumed_q <= 1'b0;
      task_ended_o <= resumed_q;
    end
  endtask

  task flow;
    begin
      case (state_q)
        IDLE: idle;
        MSG_OUT: if (byte_i) message_out;
        MSG_IN: begin
          if (put_i) msg_q <= {msg_q[31:0], 8'd0};
          if (done_i) begin
            msg_sent_q <= 1'b1;
            if (atn_i) begin
              listen(undone(after_q));
            end else begin
              agree;
              proceed(after_q);
            end
          end
        end
        COMMAND_START: begin
          error_q <= 1'b0;
          cdb_pos_q <= 4'd9;
          cdb_o <= 80'd0;
          drive(`SCSI_PH_COMMAND, 24'd1);
          state_q <= COMMAND_FIRST;
        end
        COMMAND_FIRST: begin
          if (got_i) cdb_byte;
          if (done_i) begin
            if (error_q) begin
              command_error;
            end else begin
              bytes_o <= {20'd0, cdb_rest(cdb_o[79:77])};
              start_o <= 1'b1;
              state_q <= COMMAND_REST;
            end
          end
        end
        COMMAND_REST: begin
          if (got_i) cdb_byte;
          if (done_i) begin
            if (error_q) command_error;
            else proceed(DECODE);
          end
        end
        DECODE:
        if (task_valid_i || blocks_busy_i) begin
          status_q <= tagged_i ? `SCSI_ST_TASK_SET_FULL : `SCSI_ST_BUSY;
          state_q <= STATUS_START;
        end else begin
          decode_o <= 1'b1;
          state_q <= JUDGE;
        end
        JUDGE: if (!decode_o) state_q <= DECODED;
        DECODED: decoded;
        FILL: fill;
        DATA_IN: if (done_i) data_in_done;
        DATA_OUT_START: begin
          error_q <= 1'b0;
          data_begin_o <= 1'b1;
          drive(`SCSI_PH_DATA_OUT, bytes_of(chunk, block_len_i[12:10]));
          state_q <= DATA_OUT;
        end
        DATA_OUT: begin
          if (got_i && error_i) error_q <= 1'b1;
          if (done_i) begin
            if (error_q) check(initiator_o, `SCSI_SK_ABORTED_COMMAND, `SCSI_ASC_PARITY_ERROR);
            proceed(error_q ? STATUS_START : COMMIT);
          end
        end
        COMMIT: begin
          move_blocks(1'b1);
          if (disc_priv_i && blocks_left_q == chunk) begin
            task_set_o <= 1'b1;
            task_write_q <= 1'b1;
            say({`SCSI_MSG_DISCONNECT, 32'd0}, 3'd1, DETACH);
          end else begin
            state_q <= WRITING;
          end
        end
        WRITING: if (blocks_done_i) written;
        DETACH: let_go;
        STAY:
        if (task_ready_i) begin
          status_q <= task_status_i;
          task_ended_o <= 1'b1;
          state_q <= STATUS_START;
        end
        STATUS_START: begin
          msg_q <= {status_q, 32'd0};
          drive(`SCSI_PH_STATUS, 24'd1);
          state_q <= STATUS;
        end
        STATUS: if (done_i) proceed(COMPLETE);
        COMPLETE: say({`SCSI_MSG_TASK_COMPLETE, 32'd0}, 3'd1, FINISHED);
        ENROL: begin
          enrol_o <= 1'b1;
          let_go;
        end
        MIRROR_JUDGE: if (!mirror_o) state_q <= MIRROR_START;
        MIRROR_START: mirror_start;
        MIRROR_DATA: begin
          if (got_i && error_i) error_q <= 1'b1;
          if (done_i) mirror_done;
        end
        HOLD: if (atn_i) listen(HOLD);
        LEADER_WAIT:
        if (release_i) let_go;
        else if (reclaim_i) begin
          leader_wait_o <= 1'b0;
          say({MSG_SWITCH[7:0], leader_yz_q, 24'd0}, 3'd2, HOLD);
        end
        default: let_go;  // FINISHED
      endcase
    end
  endtask

  // ---- entering phases

  task drive;
    input [2:0] phase;
    input [23:0] bytes;
    begin
      drive_o <= 1'b1;
      phase_o <= phase;
      bytes_o <= bytes;
      start_o <= 1'b1;
    end
  endtask

  task listen;
    input [4:0] resume;
    begin
      resume_q <= resume;
      drive(`SCSI_PH_MSG_OUT, 24'd1);
      state_q <= MSG_OUT;
    end
  endtask

  // An information phase is over: the attention condition comes first.
  task proceed;
    input [4:0] next;
    if (atn_i) listen(next);
    else begin
      msg_sent_q <= 1'b0;
      state_q <= next;
    end
  endtask

  task say;
    input [39:0] message;
    input [2:0] length;
    input [4:0] after;
    begin
      msg_q <= message;
      msg_again_q <= message;
      msg_len_q <= length;
      after_q <= after;
      msg_sent_q <= 1'b0;
      drive(`SCSI_PH_MSG_IN, {21'd0, length});
      state_q <= MSG_IN;
    end
  endtask

  task check;
    input [3:0] initiator;
    input [3:0] key;
    input [15:0] code;
    begin
      status_q <= `SCSI_ST_CHECK_CONDITION;
      sense_o <= 1'b1;
      sense_initiator_o <= initiator;
      sense_key_o <= key;
      sense_code_o <= code;
    end
  endtask

  // ---- connections begin

  task idle;
    begin
      reselect_o <= task_ready_i && !selected_i && !arb_done_i && !arb_timeout_i;
      {retries_q, msg_sent_q} <= 3'd0;
      if (selected_i) begin
        bsy_o <= 1'b1;
        initiator_o <= peer_i;
        if (selected_atn_i) listen(COMMAND_START);
        else state_q <= COMMAND_START;
      end else if (arb_done_i) begin
        bsy_o <= 1'b1;
        resumed_q <= 1'b1;
        calls_q <= 2'd0;
        initiator_o <= task_initiator_i;
        status_q <= task_status_i;
        say({`SCSI_MSG_IDENTIFY | {2'd0, task_lun_i}, `SCSI_MSG_SIMPLE, task_tag_i, 16'd0},
            task_tagged_i ? 3'd3 : 3'd1, STATUS_START);
      end else if (arb_timeout_i) begin
        if (calls_q == RESELECTIONS) begin
          task_ended_o <= 1'b1;
          calls_q <= 2'd0;
          check(task_initiator_i, `SCSI_SK_ABORTED_COMMAND, `SCSI_ASC_RESELECT_FAILURE);
        end else begin
          calls_q <= calls_q + 2'd1;
        end
      end else if (take_i) begin
        part_o <= 1'b1;
        initiator_o <= op_initiator_i;
        mirror_o <= 1'b1;
        state_q <= MIRROR_JUDGE;
      end
    end
  endtask

  // ---- MESSAGE OUT

  task message_out;
    begin
      if (msg_error_i) begin
        // all bytes are taken until ATN falls; then REQ in the same phase asks for all of them again
        if (!end_i) next_byte;
        else if (retries_q == MESSAGE_RETRIES) let_go;
        else begin
          retries_q <= retries_q + 2'd1;
          next_byte;
        end
      end else if (event_i == `TGT_EV_NONE) begin
        if (end_i) reject;
        else next_byte;
      end else if (!identified_i && !resumed_q && event_i != `TGT_EV_IDENTIFY && event_i != `TGT_EV_ABORT
                   && event_i != `TGT_EV_TARGET_RESET) begin
        let_go;
      end else begin
        act;
      end
    end
  endtask

  task next_byte;
    begin
      bytes_o <= 24'd1;
      start_o <= 1'b1;
    end
  endtask

  task next_message;
    input [4:0] resume;
    begin
      msg_sent_q <= 1'b0;
      if (!end_i) next_byte;
      else if (resume == HOLD) reject;
      else state_q <= resume;
    end
  endtask

  // In a mirrored operation there is no other phase to go on with: a phase that said nothing of use is rejected as well, since
  // REQ in MESSAGE OUT again would ask for a resend. Not for ever.
  task reject;
    if (retries_q == MESSAGE_RETRIES) let_go;
    else begin
      if (resume_q == HOLD) retries_q <= retries_q + 2'd1;
      say({`SCSI_MSG_MESSAGE_REJECT, 32'd0}, 3'd1, resume_q);
    end
  endtask

  // The answer to WDTR counts once the initiator has let it pass.
  task agree;
    if (msg_again_q[39:32] == `SCSI_MSG_EXTENDED) wide_q[initiator_o] <= msg_again_q[8];
  endtask

  // A whole message has been received without error.
  task act;
    begin
      if (msg_sent_q && event_i != `TGT_EV_MESSAGE_REJECT && event_i != `TGT_EV_PARITY_ERROR && event_i != `TGT_EV_ABORT) agree;
      act_on_event;
    end
  endtask

  task act_on_event;
    case (event_i)
      `TGT_EV_IDENTIFY:
      if (identified_i && code_i[5:0] != lun_i) let_go;
      else next_message(resume_q);
      `TGT_EV_TAG, `TGT_EV_NO_OPERATION: next_message(resume_q);
      `TGT_EV_MESSAGE_REJECT: rejected;
      `TGT_EV_PARITY_ERROR:
      if (!msg_sent_q || retries_q == MESSAGE_RETRIES) let_go;
      else begin
        retries_q <= retries_q + 2'd1;
        say(msg_again_q, msg_len_q, after_q);
      end
      `TGT_EV_DETECTED_ERROR: detected_error;
      `TGT_EV_ABORT: begin
        case (code_i)
          `SCSI_MSG_ABORT_TASK: task_clear_o <= task_same_i;
          `SCSI_MSG_ABORT_TASK_SET: task_clear_o <= task_initiator_i == initiator_o && task_lun_i == lun_i;
          default: task_clear_o <= 1'b1;
        endcase
        let_go;
      end
      `TGT_EV_TARGET_RESET: begin
        target_reset_o <= 1'b1;
        task_clear_o <= 1'b1;
        wide_q <= 16'd0;
        let_go;
      end
      `TGT_EV_WDTR:
      if (mirrored_o) reject;
      else begin
        wide_q[initiator_o] <= 1'b0;
        say({`SCSI_MSG_EXTENDED, `SCSI_EXT_WDTR_LEN, `SCSI_EXT_WDTR, {7'd0, cfg_wide_i && arg_i != 8'd0}, 8'd0},
            3'd4, resume_q);
      end
      `TGT_EV_QUERY:
      if (mirrored_o || resumed_q || !enrol_room_i) reject;
      else say({MSG_QUERY[7:0], arg_i, 24'd0}, 3'd2, ENROL);
      `TGT_EV_MIRROR_WRITE:
      if (mirrored_o || resumed_q || !named_i || !disc_priv_i) reject;
      else if (task_valid_i || blocks_busy_i) let_go;
      else begin
        leader_q <= 1'b1;
        leader_yz_q <= arg_i;
        mirror_o <= 1'b1;
        state_q <= MIRROR_JUDGE;
      end
      `TGT_EV_SWITCH:
      if (!mirrored_o || !group_i) reject;
      else hand_over;
      `TGT_EV_RELEASE:
      if (!mirrored_o || !named_i) reject;
      else hand_over;
      default: reject;
    endcase
  endtask

  // The phase lines go: to the named participant, or for good. The leader keeps BSY and watches.
  task hand_over;
    begin
      drive_o <= 1'b0;
      part_o <= 1'b0;
      retries_q <= 2'd0;
      leader_wait_o <= leader_q;
      state_q <= leader_q ? LEADER_WAIT : IDLE;
    end
  endtask

  // MESSAGE REJECT answers the message that was sent just before.
  task rejected;
    if (!msg_sent_q) reject;
    else
      case (msg_again_q[39:32])
        `SCSI_MSG_DISCONNECT: next_message(STAY);
        `SCSI_MSG_EXTENDED: begin
          wide_q[initiator_o] <= 1'b0;
          next_message(resume_q);
        end
        `SCSI_MSG_MESSAGE_REJECT, `SCSI_MSG_IGNORE_WIDE_RESIDUE: next_message(resume_q);
        default: let_go;
      endcase
  endtask

  // The initiator saw wrong parity: status is sent again, data in gives up.
  task detected_error;
    if (retries_q == MESSAGE_RETRIES) let_go;
    else begin
      retries_q <= retries_q + 2'd1;
      if (resume_q == COMPLETE) begin
        resume_q <= STATUS_START;
        next_message(STATUS_START);
      end else if (resume_q == STATUS_START || resume_q == FILL) begin
        check(initiator_o, `SCSI_SK_ABORTED_COMMAND, `SCSI_ASC_INITIATOR_DETECTED_ERROR);
        resume_q <= STATUS_START;
        next_message(STATUS_START);
      end else begin
        next_message(resume_q);
      end
    end
  endtask

  // ---- COMMAND and ordinary data

  // The length of a CDB whose operation code is damaged is unknown: nothing more of it is asked for.
  task command_error;
    begin
      check(initiator_o, `SCSI_SK_ABORTED_COMMAND, `SCSI_ASC_PARITY_ERROR);
      proceed(STATUS_START);
    end
  endtask

  task cdb_byte;
    begin
      if (error_i) error_q <= 1'b1;
      if (cdb_pos_q != 4'hF) begin
        cdb_o[8*cdb_pos_q+:8] <= rdata_i;
        cdb_pos_q <= cdb_pos_q - 4'd1;
      end
    end
  endtask

  task decoded;
    begin
      status_q <= disk_status_i;
      blocks_lba_o <= disk_lba_i;
      blocks_left_q <= disk_blocks_i;
      data_begin_o <= 1'b1;
      case (kind_i)
        `TGT_KIND_GENERATED: begin
          blocks_left_q <= 16'd0;
          drive(`SCSI_PH_DATA_IN, gen_bytes_i);
          state_q <= DATA_IN;
        end
        `TGT_KIND_READ: begin
          blocks_count_o <= 16'd0;
          state_q <= FILL;
        end
        `TGT_KIND_WRITE: state_q <= DATA_OUT_START;
        default: state_q <= STATUS_START;
      endcase
    end
  endtask

  // One buffer full; blocks_lba_o and blocks_left_q move on when it is done.
  task move_blocks;
    input write;
    begin
      blocks_start_o <= 1'b1;
      blocks_write_o <= write;
      blocks_count_o <= chunk;
    end
  endtask

  task next_chunk;
    begin
      blocks_lba_o <= blocks_lba_o + {16'd0, blocks_count_o};
      blocks_left_q <= blocks_left_q - blocks_count_o;
      blocks_count_o <= 16'd0;
    end
  endtask

  task fill;
    if (blocks_count_o == 16'd0) begin
      move_blocks(1'b0);
    end else if (blocks_done_i) begin
      if (blocks_error_i) begin
        check(initiator_o, `SCSI_SK_MEDIUM_ERROR, `SCSI_ASC_UNRECOVERED_READ_ERROR);
        state_q <= STATUS_START;
      end else begin
        drive(`SCSI_PH_DATA_IN, bytes_of(blocks_count_o, block_len_i[12:10]));
        state_q <= DATA_IN;
      end
    end
  endtask

  task data_in_done;
    begin
      data_begin_o <= 1'b1;
      if (kind_i == `TGT_KIND_READ) next_chunk;
      if (kind_i == `TGT_KIND_READ && blocks_left_q != blocks_count_o) proceed(FILL);
      else if (wide_q[initiator_o] && bytes_o[0]) say({`SCSI_MSG_IGNORE_WIDE_RESIDUE, 8'd1, 24'd0}, 3'd2, STATUS_START);
      else proceed(STATUS_START);
    end
  endtask

  task written;
    begin
      next_chunk;
      if (blocks_error_i) begin
        check(initiator_o, `SCSI_SK_MEDIUM_ERROR, `SCSI_ASC_WRITE_ERROR);
        state_q <= STATUS_START;
      end else begin
        state_q <= blocks_left_q == blocks_count_o ? STATUS_START : DATA_OUT_START;
      end
    end
  endtask

  // The medium is done for the task that waits.
  task task_written;
    begin
      task_write_q <= 1'b0;
      task_result_o <= 1'b1;
      task_result_status_o <= `SCSI_ST_GOOD;
      if (blocks_error_i) begin
        task_result_status_o <= `SCSI_ST_CHECK_CONDITION;
        sense_o <= 1'b1;
        sense_initiator_o <= task_initiator_i;
        sense_key_o <= `SCSI_SK_MEDIUM_ERROR;
        sense_code_o <= `SCSI_ASC_WRITE_ERROR;
      end
    end
  endtask

  // ---- mirrored data

  task mirror_start;
    begin
      error_q <= 1'b0;
      first_req_o <= 1'b1;
      data_begin_o <= 1'b1;
      blocks_lba_o <= disk_lba_i;
      blocks_left_q <= disk_blocks_i;
      drive(`SCSI_PH_DATA_OUT, op_len_i);
      settled_o <= part_o;
      state_q <= MIRROR_DATA;
      if (op_len_i == 24'd0) begin
        // no data, so no REQ that could make the context valid anywhere: bad form
        {leader_q, first_req_o} <= 2'd0;
        reject;
      end
    end
  endtask

  // This drive's copy is complete: to the medium with it, or to the sense data with the reason.
  task mirror_done;
    begin
      state_q <= HOLD;
      task_set_o <= 1'b1;
      if (refused) begin
        leave_result(disk_status_i);
      end else if (error_q) begin
        leave_result(`SCSI_ST_CHECK_CONDITION);
        check(initiator_o, `SCSI_SK_ABORTED_COMMAND, `SCSI_ASC_PARITY_ERROR);
      end else begin
        blocks_start_o <= 1'b1;
        blocks_write_o <= 1'b1;
        blocks_count_o <= blocks_left_q;
        task_write_q <= 1'b1;
      end
    end
  endtask

  task leave_result;
    input [7:0] status;
    begin
      task_set_o <= 1'b1;
      task_result_o <= 1'b1;
      task_result_status_o <= status;
    end
  endtask

endmodule
`default_nettype wire
