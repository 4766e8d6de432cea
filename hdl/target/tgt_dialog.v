// Talks with the initiator: sends a message, listens while there is ATN, and says what came of it.
//
// Used by tgt_link, which starts a talk and goes on by its outcome; what each message of the initiator means is decided in tgt_verdict.
// Rules: attention condition, parity recovery in MESSAGE OUT (all bytes again) and MESSAGE IN (the whole message again), MESSAGE REJECT
// (SPI-3 messages); retries are bounded. WDTR, SDTR and PPR are answered on the way, with what tgt_agreement makes of them.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"

module tgt_dialog #(
    parameter MSG_QUERY = `MIRROR_MSG_QUERY
) (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,  // no connection
    input wire atn_i,
    input wire hold_i,   // within a mirrored operation: nothing but messages can follow ...
    input wire redo_i,   // ... or what the initiator saw damaged

    // from tgt_link
    input  wire       say_i,      // pulse: send this
    input  wire [7:0] code_i,
    input  wire [7:0] arg_i,      // second byte
    input  wire [7:0] third_i,
    input  wire [2:0] length_i,
    input  wire       listen_i,   // pulse: there is ATN
    output reg        over_o,     // pulse
    output reg  [3:0] outcome_o,  // tgt_events.vh
    output reg        resent_o,   // the last message was sent more than once

    // messages of the initiator
    input  wire [3:0] verdict_i,     // tgt_events.vh
    input  wire       verdict_end_i,
    input  wire       goes_on_i,
    input  wire [7:0] yz_i,
    output wire       listening_o,   // a byte of MESSAGE OUT is being asked for
    output reg        sent_o,        // what MESSAGE REJECT and MESSAGE PARITY ERROR refer to ...
    output reg  [7:0] sent_code_o,   // ... the first byte of it

    // agreements
    output reg        propose_o,        // pulse: an answer is needed
    input  wire       answer_ready_i,
    input  wire [3:0] answer_length_i,
    output reg  [2:0] index_o,          // byte of the message being sent
    input  wire [7:0] answer_byte_i,
    output reg        accept_o,         // pulse: the answer counts
    output reg        refuse_o,         // pulse: it has been refused

    // extended messages of silent mirroring
    output wire       capability_o,  // the answer to CAPABILITY
    input  wire [7:0] mirror_byte_i,

    // to the phase engine, by way of tgt_link
    output reg        in_o,     // MESSAGE IN, else MESSAGE OUT
    output reg        start_o,  // pulse
    output reg  [3:0] bytes_o,
    output wire [7:0] byte_o,   // next byte of MESSAGE IN
    input  wire       put_i,
    input  wire       done_i
);

  localparam RETRIES = 2'd3;
  localparam CAPABILITY_BYTES = 4'd6;

  localparam IDLE = 3'd0;
  localparam SEND = 3'd1;  // a message is being sent
  localparam LISTEN = 3'd2;  // a byte of MESSAGE OUT is being asked for
  localparam ANSWER = 3'd3;  // tgt_agreement makes an answer
  localparam REPLY = 3'd4;  // a short reply is to be sent: a decision that takes long is not followed by more in its clock

  localparam OF_LINK = 2'd0;
  localparam REJECTION = 2'd1;  // MESSAGE REJECT
  localparam ACCEPTANCE = 2'd2;  // MIRROR ACCEPT, or the answer to CAPABILITY
  localparam AGREEMENT = 2'd3;  // answer to WDTR, SDTR or PPR

  reg [2:0] state_q;
  reg [1:0] what_q;  // the message sent last
  reg [7:0] arg_q, third_q;
  reg [3:0] length_q;
  reg       rejects_q, enrols_q;  // the reply is MESSAGE REJECT, or that to QUERY; neither: that to CAPABILITY
  reg       quit_q;  // an ACCEPTANCE was not let pass
  reg [1:0] retries_q;
  reg       extended_q;  // the message sent last is an extended one

  assign listening_o = state_q == LISTEN;
  assign capability_o = what_q == ACCEPTANCE;
  assign byte_o = index_o == 3'd0 ? sent_code_o : what_q == AGREEMENT ? answer_byte_i : extended_q ? mirror_byte_i
      : index_o == 3'd1 ? arg_q : third_q;

  // Nothing to do in a clock should cost a simulation nothing.
  wire pulsed = over_o || propose_o || accept_o || refuse_o || start_o;
  wire used = state_q != IDLE || sent_o || retries_q != 2'd0 || what_q != OF_LINK;
  reg  waiting;

  always @(*) begin
    case (state_q)
      IDLE: waiting = !say_i && !listen_i;
      SEND: waiting = !put_i && !done_i;
      LISTEN: waiting = verdict_i == `TGT_DO_NOTHING;
      ANSWER: waiting = !answer_ready_i;
      default: waiting = 1'b0;
    endcase
  end

  wire awake = `SCSI_AWAKE(pulsed || (clear_i ? used : !waiting));

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      what_q <= OF_LINK;
      {over_o, resent_o, sent_o, propose_o, accept_o, refuse_o, in_o, start_o, quit_q, extended_q} <= 10'd0;
      {rejects_q, enrols_q} <= 2'd0;
      outcome_o <= `TGT_SAID;
      {sent_code_o, arg_q, third_q} <= 24'd0;
      {length_q, bytes_o} <= 8'd0;
      index_o <= 3'd0;
      retries_q <= 2'd0;
    end else if (awake) begin
      {over_o, propose_o, accept_o, refuse_o, start_o} <= 5'd0;
      if (clear_i) begin
        state_q <= IDLE;
        what_q <= OF_LINK;
        sent_o <= 1'b0;
        retries_q <= 2'd0;
      end else begin
        case (state_q)
          IDLE: begin
            quit_q <= 1'b0;
            if (say_i) begin
              third_q <= third_i;
              say(OF_LINK, code_i, arg_i, {1'b0, length_i});
            end else if (listen_i) begin
              what_q <= OF_LINK;
              ask;
            end
          end
          SEND: begin
            if (put_i) index_o <= index_o + 3'd1;
            if (done_i) sent;
          end
          LISTEN: if (verdict_i != `TGT_DO_NOTHING) message;
          ANSWER: if (answer_ready_i && !propose_o) say(AGREEMENT, `SCSI_MSG_EXTENDED, 8'd0, answer_length_i);
          default:  // REPLY
          if (rejects_q) say(REJECTION, `SCSI_MSG_MESSAGE_REJECT, 8'd0, 4'd1);
          else if (enrols_q) say(ACCEPTANCE, MSG_QUERY[7:0], yz_i, 4'd2);
          else say(ACCEPTANCE, `SCSI_MSG_EXTENDED, 8'd0, CAPABILITY_BYTES);
        endcase
      end
    end
  end

  task over;
    input [3:0] outcome;
    begin
      over_o <= 1'b1;
      outcome_o <= quit_q && outcome == `TGT_RESUME ? `TGT_FREE : outcome;
      sent_o <= 1'b0;
      state_q <= IDLE;
    end
  endtask

  // ---- MESSAGE IN

  task say;
    input [1:0] what;
    input [7:0] code;
    input [7:0] arg;
    input [3:0] length;
    begin
      what_q <= what;
      sent_code_o <= code;
      extended_q <= code == `SCSI_MSG_EXTENDED;
      arg_q <= arg;
      length_q <= length;
      resent_o <= 1'b0;
      send(length);
    end
  endtask

  task send;
    input [3:0] length;
    begin
      index_o <= 3'd0;
      sent_o <= 1'b0;
      in_o <= 1'b1;
      bytes_o <= length;
      start_o <= 1'b1;
      state_q <= SEND;
    end
  endtask

  task sent;
    begin
      sent_o <= atn_i;
      if (atn_i) begin
        quit_q <= quit_q || what_q == ACCEPTANCE;
        ask;
      end else begin
        accept_o <= what_q == AGREEMENT;
        over(what_q == OF_LINK ? `TGT_SAID : what_q != ACCEPTANCE ? `TGT_RESUME : extended_q ? `TGT_AGREED : `TGT_ENROLLED);
      end
    end
  endtask

  // ---- MESSAGE OUT

  task ask;
    begin
      in_o <= 1'b0;
      bytes_o <= 4'd1;
      start_o <= 1'b1;
      state_q <= LISTEN;
    end
  endtask

  task message;
    begin
      // the answer to WDTR, SDTR or PPR counts once the initiator has let it pass
      accept_o <= goes_on_i && what_q == AGREEMENT;
      case (verdict_i)
        `TGT_DO_MORE: ;  // tgt_msg_out has told tgt_phase already: most bytes of a message are of this kind
        `TGT_DO_RESUME: resume(`TGT_RESUME);
        `TGT_DO_REPEAT:
        if (retries_q == RETRIES) over(`TGT_DAMAGED);
        else begin
          // all bytes have been taken; REQ in the same phase asks for them again
          retries_q <= retries_q + 2'd1;
          ask;
        end
        `TGT_DO_REJECT: reject;
        `TGT_DO_AGAIN:
        if (retries_q == RETRIES) over(`TGT_FREE);
        else begin
          retries_q <= retries_q + 2'd1;
          resent_o  <= 1'b1;
          send(length_q);
        end
        `TGT_DO_REFUSED:
        if (what_q == AGREEMENT) begin
          refuse_o <= 1'b1;
          resume(`TGT_RESUME);
        end else if (what_q == ACCEPTANCE) begin
          resume(`TGT_RESUME);
        end else begin
          over(`TGT_REFUSED);
        end
        `TGT_DO_REPORTED: resume(`TGT_REPORTED);
        `TGT_DO_KILL: over(`TGT_ABORT);
        `TGT_DO_RESET: over(`TGT_RESET);
        `TGT_DO_ANSWER: begin
          propose_o <= 1'b1;
          state_q   <= ANSWER;
        end
        `TGT_DO_ENROL: reply(1'b0, 1'b1);
        `TGT_DO_AGREE: reply(1'b0, 1'b0);
        `TGT_DO_MIRROR: over(`TGT_MIRROR);
        `TGT_DO_HAND_OVER: begin
          retries_q <= 2'd0;
          over(`TGT_HAND_OVER);
        end
        default: over(`TGT_FREE);
      endcase
    end
  endtask

  task resume;
    input [3:0] outcome;
    begin
      sent_o <= 1'b0;
      if (!verdict_end_i) ask;
      else if (hold_i && !(redo_i && outcome == `TGT_REPORTED)) reject;
      else over(outcome);
    end
  endtask

  // In a mirrored operation there is no other phase to go on with: a phase that said nothing of use is rejected as well, since
  // REQ in MESSAGE OUT again would ask for a resend. Not for ever.
  task reject;
    if (retries_q == RETRIES) over(`TGT_FREE);
    else begin
      if (hold_i) retries_q <= retries_q + 2'd1;
      reply(1'b1, 1'b0);
    end
  endtask

  task reply;
    input rejects;
    input enrols;
    begin
      {rejects_q, enrols_q} <= {rejects, enrols};
      state_q <= REPLY;
    end
  endtask

endmodule
`default_nettype wire
