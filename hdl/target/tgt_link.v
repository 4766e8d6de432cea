// The target's side of a connection: which phase comes next, what is said, when the bus is let go.
//
// Used by scsi_target. It owns BSY as long as this drive is the selected or reselecting target, and the phase lines (through
// tgt_phase) as long as it is the current target; in silent mirroring the two may be in different hands (docs/protocol.md). Messages are
// exchanged by tgt_dialog, CDBs are read by tgt_command, what a command needs of the bus is ordered by tgt_flow. Rules: SPI-3 phase
// sequences, parity recovery of COMMAND and STATUS, QAS; the hand-over's windows are in tgt_mirror.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"
`include "tgt_events.vh"

module tgt_link #(
    parameter CLK_PERIOD_PS = 6250,
    parameter MSG_SWITCH = `MIRROR_MSG_SWITCH_ROLE
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,
    input wire free_i,     // BUS FREE
    input wire sel_i,
    input wire atn_i,

    // how connections begin
    input  wire       selected_i,      // pulse
    input  wire       selected_atn_i,
    input  wire [3:0] peer_i,
    output reg        reselect_o,      // level: ask the arbiter
    input  wire       arb_done_i,
    input  wire       arb_timeout_i,

    // the nexus
    output reg  [3:0] initiator_o,    // of the present connection
    input  wire       identified_i,
    input  wire       disc_priv_i,
    input  wire       tagged_i,
    output reg        early_o,        // nothing but messages so far, and the initiator began
    output reg        resumed_o,      // this connection began with a reselection
    output reg        target_reset_o, // pulse: TARGET RESET message
    input  wire       dt_i,           // agreed with this initiator
    input  wire       wide_i,
    input  wire       qas_i,

    // messages
    output reg        say_o,         // pulse
    output reg  [7:0] say_code_o,
    output reg  [7:0] say_arg_o,
    output reg  [2:0] say_length_o,
    output reg        listen_o,      // pulse
    input  wire       talk_over_i,   // pulse
    input  wire [3:0] outcome_i,     // tgt_events.vh
    input  wire       resent_i,
    input  wire       talk_in_i,
    input  wire       talk_start_i,
    input  wire [3:0] talk_bytes_i,
    input  wire [7:0] code_i,        // of the initiator's message
    input  wire [7:0] arg_i,

    // enrolment and the mirrored operation
    input  wire       mirror_i,        // this drive knows silent mirroring
    output reg        enrol_o,         // pulse: the answer to QUERY was accepted
    output reg        agree_o,         // pulse: so was the answer to CAPABILITY
    input  wire       take_i,
    input  wire       tell_i,          // with take_i: for the status, else for data
    input  wire       reclaim_i,
    input  wire       release_i,
    input  wire [3:0] op_initiator_i,
    output reg        leader_wait_o,
    output reg        first_req_o,
    output reg        mirrored_o,      // this connection is that of the mirrored operation: leader or participant
    output wire       redo_o,          // what was sent last can be sent again
    input  wire       claim_i,         // its data is towards the initiator: the phase lines may say so before it is there
    input  wire       ready_i,         // its status is known
    input  wire       failed_i,        // ... and has to be followed by FAILED BLOCK
    output reg        told_o,          // pulse: it has been delivered, or DISCONNECT instead ...
    output reg        told_later_o,    // ... that
    output reg        again_o,         // pulse: the data begins again
    output reg        spoiled_o,       // pulse: it could not be brought over
    output reg        part_o,          // participant: phase lines without BSY

    // the task being executed
    input  wire        idle_i,          // there is none, and none waits
    output reg         begin_o,         // pulse: execute the command
    output reg         mirror_o,        // pulse: execute this drive's part of the mirrored operation
    input  wire        want_i,          // reselect for it
    output reg         attached_o,      // pulse: this connection is now the task's
    output reg         gave_up_o,       // pulse: nobody answers
    output reg         lost_o,          // pulse: the connection broke off
    input  wire [ 1:0] order_i,         // tgt_events.vh
    input  wire        order_in_i,
    input  wire [23:0] order_bytes_i,
    input  wire [ 7:0] order_code_i,
    input  wire        status_next_i,   // the phase lines may turn to STATUS already
    output reg         taken_o,         // pulse
    output reg         fin_o,           // pulse
    output reg  [ 1:0] fin_result_o,
    input  wire [ 3:0] task_initiator_i,
    input  wire [ 5:0] task_lun_i,
    input  wire        task_tagged_i,

    // tasks that have to wait
    output reg       offer_o,   // pulse: room?
    input  wire      answer_i,  // pulse
    input  wire      room_i,
    input  wire      used_i,
    output reg       push_o,    // pulse
    output reg       kill_o,    // pulse
    output reg [2:0] kill_kind_o,

    output reg        sense_o,       // pulse: ABORTED COMMAND for initiator_o
    output reg [15:0] sense_code_o,

    // stall timer
    output wire stall_run_o,
    input  wire stalled_i,

    // phase engine
    output reg         drive_o,
    output reg         settled_o,
    output reg  [ 2:0] phase_o,
    output reg         start_o,
    output reg  [23:0] bytes_o,
    output reg  [ 7:0] status_o,       // the byte of STATUS
    input  wire        engine_busy_i,
    input  wire        got_i,
    input  wire        done_i,
    input  wire        error_i,
    input  wire        stray_i,        // pulse: an ACK that no REQ had asked for
    output reg         cdb_clear_o,    // pulse: a CDB begins
    input  wire [ 3:0] cdb_rest_i,     // bytes after the operation code

    output reg bsy_o
);

  localparam RETRIES = 2'd3;  // of command and status, in a connection
  localparam RESELECTIONS = 2'd3;  // repeated when nobody answers
  localparam [2:0] FAILED_BYTES = 3'd5;
  localparam QAS_TICKS = 2 * `SCSI_TICKS(`SCSI_QAS_ARBITRATION_NS);

  localparam IDLE = 5'd0;  // not connected, or between hand-over and status
  localparam TALK = 5'd1;  // tgt_dialog is at work
  localparam TELL = 5'd2;  // status in the connection of the mirrored operation, or DISCONNECT
  localparam COMMAND_START = 5'd3;
  localparam COMMAND_FIRST = 5'd4;  // operation code
  localparam COMMAND_REST = 5'd5;  // rest of the CDB
  localparam ADMIT = 5'd6;  // a whole command is here
  localparam OFFERED = 5'd7;  // tgt_queue is looking for room
  localparam PARK = 5'd8;  // DISCONNECT was accepted: the command waits in the queue
  localparam NO_ROOM = 5'd9;  // it cannot
  localparam SERVE = 5'd10;  // connected for tgt_flow, which has not ordered anything
  localparam DATA = 5'd11;
  localparam RESIDUE = 5'd12;  // the last byte of data in was not one
  localparam SAID = 5'd13;  // an order has been carried out
  localparam STAYED = 5'd14;  // an order to disconnect has not been
  localparam DETACH = 5'd15;  // ... has been
  localparam STATUS_START = 5'd16;
  localparam STATUS = 5'd17;
  localparam COMPLETE = 5'd18;
  localparam DONE = 5'd19;  // TASK COMPLETE was accepted
  localparam CLOSE = 5'd20;  // the connection is over
  localparam QAS_OPEN = 5'd21;  // QAS REQUEST was accepted
  localparam QAS = 5'd22;  // BSY is kept until somebody asserts SEL
  localparam FINISHED = 5'd23;
  localparam FAILED = 5'd24;  // FAILED BLOCK before TASK COMPLETE
  localparam TELLING = 5'd25;  // the status is on its way
  localparam HOLD = 5'd26;  // phase held with REQ false until ATN
  localparam LEADER_WAIT = 5'd27;  // leader: another target drives the phase lines
  localparam RESTORE = 5'd28;  // RESTORE POINTERS, then COMMAND again
  localparam REDO = 5'd29;  // RESTORE POINTERS was accepted: mirrored data in again

  // States that follow a talk
  localparam [31:0] AFTER_TALK = 32'd1 << COMMAND_START | 32'd1 << ADMIT | 32'd1 << PARK | 32'd1 << NO_ROOM | 32'd1 << SERVE
      | 32'd1 << RESIDUE | 32'd1 << SAID | 32'd1 << STAYED | 32'd1 << DETACH | 32'd1 << STATUS_START | 32'd1 << COMPLETE
      | 32'd1 << DONE | 32'd1 << QAS_OPEN | 32'd1 << FINISHED | 32'd1 << FAILED | 32'd1 << HOLD | 32'd1 << RESTORE | 32'd1 << REDO;

  reg [4:0] state_q;
  reg [4:0] after_q;  // where the connection goes on after TALK
  reg leader_q;  // leader of a mirrored operation
  reg [7:0] leader_yz_q;
  reg serving_q;  // this connection is the executed task's
  reg own_q;  // status of a command that is not going to be executed
  reg data_in_q;  // the phase before MESSAGE OUT was DATA IN
  reg tell_q;  // status in the connection: it, or DISCONNECT ...
  reg tell_status_q;  // ... it has been sent
  reg [1:0] retries_q;
  reg [1:0] calls_q;  // reselections that nobody has answered
  reg error_q;  // wrong parity in this COMMAND or DATA OUT phase
  reg broken_q;  // the connection has broken off: it is let go in this clock
  reg astray_q;  // ... by an ACK too many
  reg [8:0] qas_q;  // clocks since the phase lines went

  wire connected = bsy_o || part_o;
  wire odd_in = phase_o[0] && wide_i && bytes_o[0];
  // A status that waits for a reselection is not for the copy of the next block.
  wire ordered = mirrored_o ? order_i == `TGT_ORDER_DATA : order_i != `TGT_ORDER_NONE;
  wire of_status = after_q == COMPLETE || after_q == FAILED;
  wire damaged = error_i && (done_i || (got_i && !phase_o[0]));

  assign redo_o = mirrored_o && (data_in_q || tell_status_q);
  assign stall_run_o = engine_busy_i || state_q == HOLD || state_q == LEADER_WAIT || (state_q == SERVE && mirrored_o);

  // Where a connection goes on when the initiator had something to say about the message that would have ended it.
  function [4:0] undone;
    input [4:0] after;
    case (after)
      DETACH: undone = STAYED;
      PARK: undone = NO_ROOM;
      QAS_OPEN: undone = FINISHED;
      default: undone = after;
    endcase
  endfunction

  // Nothing to do in a clock should cost a simulation nothing.
  wire pulsed = enrol_o || first_req_o || begin_o || mirror_o || attached_o || gave_up_o || lost_o || taken_o || fin_o || sense_o
      || target_reset_o || say_o || listen_o || offer_o || push_o || kill_o || start_o || settled_o || cdb_clear_o
      || agree_o || told_o || again_o || spoiled_o;
  wire astray = stray_i && !mirrored_o;  // in a mirrored operation it is the copy that suffers
  wire broken = connected && (stalled_i || astray || free_i);
  reg waiting;

  always @(*) begin
    case (state_q)
      IDLE:
      waiting = !(selected_i || arb_done_i || arb_timeout_i || take_i) && want_i == reselect_o && retries_q == 2'd0;
      TALK: waiting = !talk_over_i && !talk_start_i;
      COMMAND_FIRST, COMMAND_REST: waiting = !got_i && !done_i;
      DATA: waiting = !damaged && !done_i;
      STATUS, TELLING: waiting = !done_i;
      SERVE:
      waiting = !ordered && !(mirrored_o ? claim_i && !drive_o : atn_i || (status_next_i && phase_o != `SCSI_PH_STATUS));
      OFFERED: waiting = !answer_i;
      HOLD: waiting = !atn_i;
      LEADER_WAIT: waiting = !release_i && !reclaim_i && !take_i;
      default: waiting = 1'b0;
    endcase
  end

  wire awake = `SCSI_AWAKE(pulsed || bus_rst_i || broken || broken_q || !waiting);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      leave;
      pulses_off;
      reselect_o <= 1'b0;
      after_q <= IDLE;
      {error_q, resumed_o, own_q} <= 3'd0;
      {say_code_o, say_arg_o, leader_yz_q, status_o} <= 32'd0;
      say_length_o <= 3'd0;
      told_later_o <= 1'b0;
      initiator_o <= 4'd0;
      {retries_q, calls_q, fin_result_o} <= 6'd0;
      kill_kind_o <= `TGT_KILL_TASK;
      sense_code_o <= 16'd0;
      bytes_o <= 24'd0;
      phase_o <= 3'd0;
      qas_q <= 9'd0;
      {broken_q, astray_q} <= 2'd0;
    end else if (awake) begin
      pulses_off;
      early_o <= state_q == TALK && after_q == COMMAND_START && !resumed_o && !mirrored_o;
      broken_q <= broken && !broken_q;
      astray_q <= astray;
      sense_code_o <= broken_q || state_q != TALK && state_q != OFFERED ? `SCSI_ASC_PARITY_ERROR
          : state_q == TALK ? `SCSI_ASC_MESSAGE_ERROR : `SCSI_ASC_OVERLAPPED_COMMANDS;
      words;
      if (bus_rst_i) begin
        leave;
        reselect_o <= 1'b0;
        resumed_o <= 1'b0;
        calls_q <= 2'd0;
      end else if (broken_q) begin
        let_go;
        sense_o <= astray_q;
      end else begin
        flow;
      end
    end
  end

  task pulses_off;
    begin
      {enrol_o, first_req_o, begin_o, mirror_o, attached_o, gave_up_o, lost_o, taken_o, fin_o, sense_o} <= 10'd0;
      {target_reset_o, say_o, listen_o, offer_o, push_o, kill_o, start_o, settled_o, cdb_clear_o} <= 9'd0;
      {agree_o, told_o, again_o, spoiled_o} <= 4'd0;
    end
  endtask

  // Everything released; what waits for reselection stays.
  task leave;
    begin
      {bsy_o, drive_o, part_o, mirrored_o, leader_q, leader_wait_o, serving_q, data_in_q, tell_q, tell_status_q, early_o} <= 11'd0;
      state_q <= IDLE;
    end
  endtask

  // As the selected target: BUS FREE. As a participant: only its own lines, the leader has BSY.
  task let_go;
    begin
      leave;
      resumed_o <= 1'b0;
      lost_o <= serving_q;
    end
  endtask

  // What can be said in a state, with say_o.
  task words;
    begin
      case (state_q)
        IDLE: message(`SCSI_MSG_IDENTIFY | {2'd0, task_lun_i}, `SCSI_MSG_SIMPLE, task_tagged_i ? 3'd3 : 3'd1);
        OFFERED, TELL: message(`SCSI_MSG_DISCONNECT, 8'd0, 3'd1);
        RESIDUE: message(`SCSI_MSG_IGNORE_WIDE_RESIDUE, 8'd1, 3'd2);
        SERVE: message(order_code_i, 8'd0, 3'd1);
        FAILED, TELLING: message(`SCSI_MSG_EXTENDED, 8'd0, FAILED_BYTES);
        COMPLETE: message(`SCSI_MSG_TASK_COMPLETE, 8'd0, 3'd1);
        CLOSE: message(`SCSI_MSG_QAS_REQUEST, 8'd0, 3'd1);
        LEADER_WAIT: message(MSG_SWITCH[7:0], leader_yz_q, 3'd2);
        default: message(`SCSI_MSG_RESTORE_POINTERS, 8'd0, 3'd1);  // TALK, RESTORE
      endcase
    end
  endtask

  task message;
    input [7:0] code;
    input [7:0] arg;
    input [2:0] length;
    begin
      say_code_o <= code;
      say_arg_o <= arg;
      say_length_o <= length;
    end
  endtask

  // The same, in the next clock: for what comes out of a long decision.
  task part;
    state_q <= FINISHED;
  endtask

  task flow;
    begin
      case (state_q)
        IDLE: idle;
        TALK: begin
          if (talk_start_i) drive(talk_in_i ? `SCSI_PH_MSG_IN : `SCSI_PH_MSG_OUT, {20'd0, talk_bytes_i});
          if (talk_over_i) talked;
        end
        COMMAND_START: begin
          error_q <= 1'b0;
          cdb_clear_o <= 1'b1;
          drive(`SCSI_PH_COMMAND, 24'd1);
          state_q <= COMMAND_FIRST;
        end
        COMMAND_FIRST: begin
          if (got_i && error_i) error_q <= 1'b1;
          if (done_i) begin
            if (error_q) begin
              // the length of a CDB whose operation code is damaged is unknown: nothing more of it is asked for
              command_error;
            end else begin
              bytes_o <= {20'd0, cdb_rest_i};
              start_o <= 1'b1;
              state_q <= COMMAND_REST;
            end
          end
        end
        COMMAND_REST: begin
          if (got_i && error_i) error_q <= 1'b1;
          if (done_i) begin
            if (error_q) command_error;
            else proceed(ADMIT);
          end
        end
        ADMIT:
        if (idle_i) begin
          begin_o   <= 1'b1;
          serving_q <= 1'b1;
          state_q   <= SERVE;
        end else begin
          offer_o <= 1'b1;
          state_q <= OFFERED;
        end
        OFFERED: if (answer_i) offered;
        PARK: begin
          push_o  <= 1'b1;
          state_q <= CLOSE;
        end
        NO_ROOM: own_status(`SCSI_ST_BUSY);
        SERVE: serve;
        DATA: begin
          if (damaged) error_q <= 1'b1;
          if (done_i) data_done;
        end
        RESIDUE: say(SAID);
        SAID: finish(`TGT_FIN_OK);
        STAYED: finish(`TGT_FIN_REFUSED);
        DETACH: over;
        STATUS_START: begin
          drive(`SCSI_PH_STATUS, 24'd1);
          state_q <= STATUS;
        end
        STATUS: if (done_i) proceed(serving_q && failed_i ? FAILED : COMPLETE);
        FAILED: say(COMPLETE);
        COMPLETE: say(DONE);
        DONE: over;
        CLOSE:
        if (qas_i) say(QAS_OPEN);
        else let_go;
        QAS_OPEN:
        if (resent_i) part;
        else begin
          drive_o <= 1'b0;
          qas_q   <= 9'd0;
          state_q <= QAS;
        end
        QAS: begin
          qas_q <= qas_q + 9'd1;
          reselect_o <= want_i;
          if (sel_i || qas_q == QAS_TICKS[8:0]) let_go;
        end
        RESTORE: say(COMMAND_START);
        REDO: begin
          again_o <= 1'b1;
          drive({dt_i, 2'b01}, order_bytes_i);
          state_q <= DATA;
        end
        TELL: tell;
        TELLING:
        if (done_i) begin
          if (failed_i && !atn_i) say(HOLD);
          else state_q <= HOLD;
        end
        HOLD: if (atn_i) listen(HOLD);
        LEADER_WAIT: begin
          leader_wait_o <= !reclaim_i && !take_i;
          if (release_i) let_go;
          else if (take_i) take;
          else if (reclaim_i) say(HOLD);
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

  // The phase lines go at once, the rest follows while they settle.
  task talk;
    input [2:0] phase;
    input [4:0] after;
    begin
      drive_o <= 1'b1;
      phase_o <= phase;
      after_q <= after;
      state_q <= TALK;
    end
  endtask

  task listen;
    input [4:0] after;
    begin
      listen_o <= 1'b1;
      talk(`SCSI_PH_MSG_OUT, after);
    end
  endtask

  task say;
    input [4:0] after;
    begin
      say_o <= 1'b1;
      talk(`SCSI_PH_MSG_IN, after);
    end
  endtask

  // An information phase is over: the attention condition comes first.
  task proceed;
    input [4:0] next;
    if (atn_i) listen(next);
    else state_q <= next;
  endtask

  // CHECK CONDITION for a command that is not going to be executed.
  task check;
    begin
      sense_o <= 1'b1;
      own_status(`SCSI_ST_CHECK_CONDITION);
    end
  endtask

  task own_status;
    input [7:0] status;
    begin
      own_q <= 1'b1;
      status_o <= status;
      state_q <= STATUS_START;
    end
  endtask

  // ---- connections begin and end

  task idle;
    begin
      reselect_o <= want_i && !selected_i && !arb_done_i && !arb_timeout_i && !take_i;
      retries_q <= 2'd0;
      {own_q, data_in_q} <= 2'd0;
      if (selected_i) begin
        bsy_o <= 1'b1;
        initiator_o <= peer_i;
        if (selected_atn_i) listen(COMMAND_START);
        else state_q <= COMMAND_START;
      end else if (arb_done_i) begin
        bsy_o <= 1'b1;
        {resumed_o, serving_q, attached_o} <= 3'b111;
        calls_q <= 2'd0;
        initiator_o <= task_initiator_i;
        say(SERVE);
      end else if (arb_timeout_i) begin
        calls_q   <= calls_q == RESELECTIONS ? 2'd0 : calls_q + 2'd1;
        gave_up_o <= calls_q == RESELECTIONS;
      end else if (take_i) begin
        {part_o, mirrored_o} <= 2'b11;
        initiator_o <= op_initiator_i;
        take;
      end
    end
  endtask

  // TASK COMPLETE or the DISCONNECT that tgt_flow ordered has been accepted.
  task over;
    begin
      fin_o <= serving_q;
      fin_result_o <= `TGT_FIN_OK;
      serving_q <= 1'b0;
      state_q <= CLOSE;
    end
  endtask

  task offered;
    if (used_i) begin
      kill_o <= 1'b1;
      kill_kind_o <= `TGT_KILL_INITIATOR;
      check;
    end else if (disc_priv_i && room_i) begin
      say(PARK);
    end else begin
      own_status(disc_priv_i && tagged_i ? `SCSI_ST_TASK_SET_FULL : `SCSI_ST_BUSY);
    end
  endtask

  // ---- orders of tgt_flow

  task serve;
    begin
      data_in_q <= 1'b0;
      if (atn_i && !mirrored_o) begin
        listen(SERVE);
      end else begin
        taken_o <= ordered;
        error_q <= 1'b0;
        case (ordered ? order_i : `TGT_ORDER_NONE)
          `TGT_ORDER_SAY: say(order_code_i == `SCSI_MSG_DISCONNECT ? DETACH : SAID);
          `TGT_ORDER_DATA: begin
            drive({dt_i, 1'b0, order_in_i}, order_bytes_i);
            // who takes, takes lines that have been released for long enough, and released they read as ST DATA OUT
            settled_o <= !drive_o && !dt_i && !order_in_i;
            first_req_o <= mirrored_o;
            state_q <= DATA;
          end
          `TGT_ORDER_STATUS: begin
            status_o <= order_code_i;
            state_q  <= STATUS_START;
          end
          default:
          if (mirrored_o && claim_i && !drive_o) begin
            drive_o <= 1'b1;
            phase_o <= {dt_i, 2'b01};
          end else if (status_next_i) begin
            phase_o <= `SCSI_PH_STATUS;
          end
        endcase
      end
    end
  endtask

  task data_done;
    begin
      data_in_q <= phase_o[0];
      if (error_q || damaged) fin_result_o <= `TGT_FIN_DAMAGED;
      else fin_result_o <= `TGT_FIN_OK;
      if (mirrored_o) begin
        fin_o <= serving_q;
        serving_q <= 1'b0;
        state_q <= HOLD;
      end else if (error_q || damaged) begin
        fin_o <= 1'b1;
        proceed(SERVE);
      end else begin
        proceed(odd_in ? RESIDUE : SAID);
      end
    end
  endtask

  task finish;
    input [1:0] result;
    begin
      fin_o <= 1'b1;
      fin_result_o <= result;
      state_q <= SERVE;
    end
  endtask

  // ---- what came of a talk

  // Constants, and nothing else, go into state_q: synthesis sees its states, and has a flop for each.
  task enter;
    input [4:0] next;
    integer n;
    for (n = 0; n < 32; n = n + 1) if (AFTER_TALK[n] && next == n[4:0]) state_q <= n[4:0];
  endtask

  task talked;
    case (outcome_i)
      `TGT_SAID: enter(after_q);
      `TGT_RESUME: enter(undone(after_q));
      `TGT_REFUSED: enter(after_q == PARK || after_q == HOLD || after_q == COMPLETE ? undone(after_q) : STAYED);
      `TGT_REPORTED: reported;
      `TGT_DAMAGED: begin
        sense_o <= identified_i && !mirrored_o;
        part;
      end
      `TGT_ABORT: kill;
      `TGT_RESET: begin
        target_reset_o <= 1'b1;
        kill_o <= 1'b1;
        kill_kind_o <= `TGT_KILL_ALL;
        part;
      end
      `TGT_ENROLLED: begin
        enrol_o <= 1'b1;
        part;
      end
      `TGT_AGREED: begin
        agree_o <= 1'b1;
        part;
      end
      `TGT_MIRROR: begin
        {leader_q, mirrored_o} <= {2{mirror_i}};
        leader_yz_q <= arg_i;
        begin_copy;
      end
      `TGT_HAND_OVER: begin
        told_o <= tell_q;
        told_later_o <= !tell_status_q;
        hand_over;
      end
      default:  // FREE
      if (tell_q) hand_over;
      else part;
    endcase
  endtask

  // The initiator saw wrong parity or CRC: status and data in are sent again.
  task reported;
    if (mirrored_o) begin
      redo;
    end else if (data_in_q) begin
      finish(`TGT_FIN_REPORTED);
    end else if (of_status && retries_q == RETRIES) begin
      part;
    end else if (of_status) begin
      retries_q <= retries_q + 2'd1;
      if (own_q) say(STATUS_START);
      else finish(`TGT_FIN_REPORTED);
    end else begin
      enter(undone(after_q));
    end
  endtask

  task kill;
    begin
      kill_o <= identified_i;
      case (code_i)
        `SCSI_MSG_ABORT_TASK: kill_kind_o <= `TGT_KILL_TASK;
        `SCSI_MSG_ABORT_TASK_SET: kill_kind_o <= `TGT_KILL_INITIATOR;
        `SCSI_MSG_CLEAR_TASK_SET: kill_kind_o <= `TGT_KILL_LUN;
        default: kill_kind_o <= `TGT_KILL_LUN_RESET;
      endcase
      part;
    end
  endtask

  // ---- the mirrored operation

  task begin_copy;
    begin
      mirror_o  <= mirror_i;
      serving_q <= 1'b1;
      state_q   <= SERVE;
    end
  endtask

  // The phase lines are this drive's now.
  task take;
    begin
      retries_q <= 2'd0;
      if (tell_i) state_q <= TELL;
      else begin_copy;
    end
  endtask

  // The status, or DISCONNECT if it is not known yet.
  task tell;
    begin
      tell_q <= 1'b1;
      tell_status_q <= ready_i;
      if (ready_i) begin
        status_o <= order_code_i;
        drive(`SCSI_PH_STATUS, 24'd1);
        state_q <= TELLING;
      end else begin
        say(HOLD);
      end
    end
  endtask

  // The initiator saw an error in the last phase: the same again. What cannot be brought over ends with the lines released.
  task redo;
    begin
      retries_q <= retries_q + 2'd1;
      if (retries_q == RETRIES) begin
        spoiled_o <= !tell_q;
        hand_over;
      end else if (tell_q) begin
        state_q <= TELL;
      end else begin
        say(REDO);
      end
    end
  endtask

  // The phase lines go: to the named participant, or for good. The leader keeps BSY and watches.
  task hand_over;
    begin
      {drive_o, part_o, data_in_q, tell_q, tell_status_q} <= 5'd0;
      {leader_wait_o, mirrored_o} <= {2{leader_q}};
      state_q <= leader_q ? LEADER_WAIT : IDLE;
    end
  endtask

  // ---- COMMAND

  // Again from the start; an initiator that does not do messages is left.
  task command_error;
    if (!identified_i) begin
      part;
    end else if (retries_q == RETRIES) begin
      own_q <= 1'b1;
      status_o <= `SCSI_ST_CHECK_CONDITION;
      sense_o <= 1'b1;
      proceed(STATUS_START);
    end else begin
      retries_q <= retries_q + 2'd1;
      proceed(RESTORE);
    end
  endtask

endmodule
`default_nettype wire
