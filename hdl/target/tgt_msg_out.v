// Reads MESSAGE OUT bytes off the wires and says which message they make.
//
// Used by scsi_target for the messages it asked for itself and for those that it snoops: both travel on the same wires, and a
// byte is judged in both cases when its ACK is negated, with ATN as it is then (docs/protocol.md, messages). Wrong parity in a byte
// silences the rest of the phase, which has an end also if ATN never falls. A byte that comes after one whose ACK fell with ATN false
// is a resend: collection starts again.
// What a message holds is right two clocks before byte_o tells of it, so that others can look it up meanwhile.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"

module tgt_msg_out #(
    parameter MSG_QUERY = `MIRROR_MSG_QUERY,
    parameter MSG_SWITCH = `MIRROR_MSG_SWITCH_ROLE,
    parameter MSG_REPORT = `MIRROR_MSG_REPORT,
    parameter MSG_RELEASE = `MIRROR_MSG_RELEASE,
    parameter EXT_READ = `MIRROR_EXT_READ,
    parameter EXT_WRITE = `MIRROR_EXT_WRITE,
    parameter EXT_NEXT = `MIRROR_EXT_NEXT,
    parameter EXT_CAPABILITY = `MIRROR_EXT_CAPABILITY
) (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       clear_i,     // no connection on the bus: forget
    input wire       mirror_i,    // this drive knows silent mirroring
    input wire       extended_i,  // ... and its extensions
    input wire [2:0] phase_i,
    input wire       ack_i,
    input wire       atn_i,
    input wire [7:0] db_i,
    input wire       dbp_i,

    output reg        more_o,     // pulse, two clocks before byte_o: nothing is complete yet, and ATN says that more follows
    output reg        byte_o,     // pulse: a byte's ACK has been negated
    output reg        end_o,      // with byte_o: ATN was false, the phase's messages are complete
    output reg        error_o,    // with byte_o: wrong parity in this phase so far
    output reg [ 4:0] event_o,    // with byte_o: what has just been completed (tgt_events.vh)
    output reg [ 7:0] code_o,     // first byte of that message
    output reg [ 7:0] arg_o,      // second byte of a two-byte message, yz of a mirror message
    output reg        last_o,     // mirror message with the last indicator
    output reg [55:0] args_o      // of an extended message, last byte at the bottom; of a mirror message without yz and last indicator
);

  localparam MOST = 9'd511;  // bytes of a phase: room for the longest message, 258 bytes, and more

  localparam FIRST = 3'd0;  // next byte starts a message
  localparam SECOND = 3'd1;  // second byte of a two-byte message
  localparam MARK = 3'd2;  // last indicator of a mirror message
  localparam LENGTH = 3'd3;  // length byte of an extended message
  localparam BODY = 3'd4;  // code and arguments of an extended message

  reg  [ 2:0] state_q;
  reg         ack_q;
  reg         open_q;      // a byte of this phase has been seen
  reg         ended_q;     // its messages were complete
  reg  [ 8:0] count_q;     // bytes of this phase
  reg         most_q;
  reg  [ 7:0] byte_q;
  reg         good_q;
  reg  [ 7:0] ext_left_q;  // bytes still to come, counted down from the length byte (0 = 256)
  reg  [ 7:0] ext_len_q;
  reg  [ 4:0] ext_event_q;  // what its code stands for
  reg         sized_q;  // ... and its length fits
  reg         marked_q;  // ... and leaves room for the last indicator
  reg         yz_byte_q;  // the next body byte is the yz of a mirror message
  reg         code_byte_q;  // the next body byte is the extended code
  reg         args_q;  // the byte under way is for args_o
  reg         byte_q1, byte_q2, end_q1, end_q2, bad_q, bad_q1, bad_q2;
  reg  [ 4:0] event_q1, event_q2;

  reg         here_q;  // the phase is MESSAGE OUT
  wire        here = phase_i == `SCSI_PH_MSG_OUT && !clear_i;
  wire        vendor = mirror_i && (code_o == MSG_QUERY || code_o == MSG_SWITCH || code_o == MSG_RELEASE
      || (extended_i && code_o == MSG_REPORT));
  wire        orders = ext_event_q == `TGT_EV_MIRROR_WRITE || ext_event_q == `TGT_EV_MIRROR_READ;
  wire        marked = orders && ext_len_q == `MIRROR_EXT_LEN_LAST;
  wire        of_mirror = orders || ext_event_q == `TGT_EV_NEXT || ext_event_q == `TGT_EV_CAPABILITY;

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(ack_i != ack_q || byte_q1 || byte_q2 || byte_o || here != here_q || (open_q && !here_q));

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= FIRST;
      {here_q, ack_q, open_q, ended_q, good_q, code_byte_q, yz_byte_q, args_q, sized_q, marked_q, more_o} <= 11'd0;
      {count_q, most_q} <= 10'd0;
      byte_q <= 8'd0;
      {ext_left_q, ext_len_q} <= 16'd0;
      ext_event_q <= `TGT_EV_UNKNOWN;
      {byte_q1, byte_q2, end_q1, end_q2, bad_q, bad_q1, bad_q2} <= 7'd0;
      {byte_o, end_o, error_o, last_o} <= 4'd0;
      {event_q1, event_q2, event_o} <= {3{`TGT_EV_NONE}};
      code_o <= 8'd0;
      arg_o <= 8'd0;
      args_o <= 56'd0;
    end else if (awake) begin
      {byte_o, end_o, error_o, event_o} <= {byte_q2, end_q2, bad_q2, event_q2};
      {byte_q2, end_q2, bad_q2, event_q2} <= {byte_q1, end_q1, bad_q1, event_q1};
      {byte_q1, end_q1, bad_q1, event_q1} <= {3'd0, `TGT_EV_NONE};
      more_o <= 1'b0;
      here_q <= here;
      ack_q <= ack_i;
      if (!here_q) begin
        if (open_q) begin
          state_q <= FIRST;
          open_q <= 1'b0;
          ended_q <= 1'b0;
          bad_q <= 1'b0;
          {count_q, most_q} <= 10'd0;
        end
      end else if (ack_i && !ack_q) begin
        byte_q <= db_i;
        sized_q <= ext_len_q == length_of(ext_event_q) || (orders && ext_len_q == `MIRROR_EXT_LEN_LAST);
        marked_q <= marked;
        args_q <= state_q == BODY && !ended_q && !code_byte_q && !(yz_byte_q && of_mirror) && !(marked && ext_left_q == 8'd1);
        good_q <= ^{db_i, dbp_i};
        open_q <= 1'b1;
        if (ended_q) begin
          state_q <= FIRST;
          ended_q <= 1'b0;
          bad_q <= 1'b0;
        end
      end else if (!ack_i && ack_q && open_q) begin
        byte_q1 <= 1'b1;
        end_q1  <= !atn_i;
        more_o  <= atn_i;
        ended_q <= !atn_i;
        bad_q   <= bad_q || !good_q;
        bad_q1  <= bad_q || !good_q;
        count_q <= count_q + 9'd1;
        most_q  <= count_q == MOST;
        if (good_q && !bad_q) judge;
        if (good_q && !bad_q && args_q) args_o <= {args_o[47:0], byte_q};
        if (most_q && atn_i) complete(`TGT_EV_ENDLESS);
      end
    end
  end

  // One error-free byte: advance, and name the event where it completes a message.
  task judge;
    begin
      case (state_q)
        FIRST: begin
          code_o <= byte_q;
          last_o <= 1'b0;
          if (byte_q == `SCSI_MSG_EXTENDED) state_q <= LENGTH;
          else if (byte_q[7:4] == 4'h2) state_q <= SECOND;
          else complete(one_byte(byte_q));
        end
        SECOND: begin
          arg_o <= byte_q;
          if (vendor && atn_i) begin
            state_q <= MARK;
          end else begin
            state_q <= FIRST;
            complete(two_byte(code_o));
          end
        end
        MARK: begin
          state_q <= FIRST;
          last_o <= 1'b1;
          complete((byte_q == `MIRROR_LAST && !atn_i) ? two_byte(code_o) : `TGT_EV_UNKNOWN);
        end
        LENGTH: begin
          ext_len_q <= byte_q;
          ext_left_q <= byte_q;
          code_byte_q <= 1'b1;
          yz_byte_q <= 1'b0;
          ext_event_q <= `TGT_EV_UNKNOWN;
          state_q <= BODY;
        end
        default: begin  // BODY
          ext_left_q <= ext_left_q - 8'd1;
          code_byte_q <= 1'b0;
          yz_byte_q <= code_byte_q;
          body;
          if (ext_left_q == 8'd1) begin
            state_q <= FIRST;
            complete(extended(byte_q));
          end
        end
      endcase
    end
  endtask

  task complete;
    input [4:0] what;
    begin
      event_q1 <= what;
      more_o   <= 1'b0;
    end
  endtask

  // Where a body byte belongs, unless it is an argument; of a mirror message: code, yz, arguments, perhaps the last indicator.
  task body;
    begin
      if (code_byte_q) ext_event_q <= of_code(byte_q);
      else if (yz_byte_q && of_mirror) arg_o <= byte_q;
      else if (marked_q && ext_left_q == 8'd1) last_o <= byte_q == `MIRROR_LAST;
    end
  endtask

  function [4:0] of_code;
    input [7:0] code;
    begin
      if (code == `SCSI_EXT_WDTR) of_code = `TGT_EV_WDTR;
      else if (code == `SCSI_EXT_SDTR) of_code = `TGT_EV_SDTR;
      else if (code == `SCSI_EXT_PPR) of_code = `TGT_EV_PPR;
      else if (mirror_i && code == EXT_WRITE) of_code = `TGT_EV_MIRROR_WRITE;
      else if (mirror_i && code == EXT_READ) of_code = `TGT_EV_MIRROR_READ;
      else if (mirror_i && extended_i && code == EXT_NEXT) of_code = `TGT_EV_NEXT;
      else if (mirror_i && extended_i && code == EXT_CAPABILITY) of_code = `TGT_EV_CAPABILITY;
      else of_code = `TGT_EV_UNKNOWN;
    end
  endfunction

  // Length byte of an extended message, the last indicator apart.
  function [7:0] length_of;
    input [4:0] what;
    case (what)
      `TGT_EV_WDTR: length_of = `SCSI_EXT_WDTR_LEN;
      `TGT_EV_SDTR: length_of = `SCSI_EXT_SDTR_LEN;
      `TGT_EV_PPR: length_of = `SCSI_EXT_PPR_LEN;
      `TGT_EV_NEXT: length_of = `MIRROR_EXT_LEN_NEXT;
      `TGT_EV_CAPABILITY: length_of = `MIRROR_EXT_LEN_CAPABILITY;
      default: length_of = `MIRROR_EXT_LEN;
    endcase
  endfunction

  function [4:0] one_byte;
    input [7:0] code;
    begin
      case (code)
        `SCSI_MSG_NO_OPERATION: one_byte = `TGT_EV_NO_OPERATION;
        `SCSI_MSG_MESSAGE_REJECT: one_byte = `TGT_EV_MESSAGE_REJECT;
        `SCSI_MSG_MESSAGE_PARITY_ERROR: one_byte = `TGT_EV_PARITY_ERROR;
        `SCSI_MSG_INITIATOR_DETECTED_ERROR: one_byte = `TGT_EV_DETECTED_ERROR;
        `SCSI_MSG_ABORT_TASK, `SCSI_MSG_ABORT_TASK_SET, `SCSI_MSG_CLEAR_TASK_SET, `SCSI_MSG_LOGICAL_UNIT_RESET:
        one_byte = `TGT_EV_ABORT;
        `SCSI_MSG_TARGET_RESET: one_byte = `TGT_EV_TARGET_RESET;
        default: one_byte = code[7] ? `TGT_EV_IDENTIFY : `TGT_EV_UNKNOWN;
      endcase
    end
  endfunction

  function [4:0] two_byte;
    input [7:0] code;
    begin
      if (mirror_i && code == MSG_QUERY) two_byte = `TGT_EV_QUERY;
      else if (mirror_i && code == MSG_SWITCH) two_byte = `TGT_EV_SWITCH;
      else if (mirror_i && code == MSG_RELEASE) two_byte = `TGT_EV_RELEASE;
      else if (mirror_i && extended_i && code == MSG_REPORT) two_byte = `TGT_EV_REPORT;
      else if (code == `SCSI_MSG_SIMPLE || code == `SCSI_MSG_HEAD_OF_QUEUE || code == `SCSI_MSG_ORDERED)
        two_byte = `TGT_EV_TAG;
      else two_byte = `TGT_EV_UNKNOWN;
    end
  endfunction

  // A mirror message has to be the last of its phase, and what makes it longer the last indicator.
  function [4:0] extended;
    input [7:0] final_byte;
    if (code_byte_q || !sized_q || (of_mirror && atn_i) || (marked_q && final_byte != `MIRROR_LAST)) extended = `TGT_EV_UNKNOWN;
    else extended = ext_event_q;
  endfunction

endmodule
`default_nettype wire
