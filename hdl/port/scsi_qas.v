// Hears the QAS REQUEST message and says when the QAS phase that follows it is open.
//
// Used by scsi_initiator and scsi_target, whoever is connected. Rule (docs/protocol.md 13): a MESSAGE IN of the single byte 55h
// with right parity whose ACK is negated with ATN false, unless it was sent again after MESSAGE PARITY ERROR; the phase opens when
// MSG, C/D and I/O are then all false while BSY stays. Messages are told apart by their length, so that 55h inside another one
// does not count. Times run from the lines' change at the pins: conditioning costs two clocks at least, three at most.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"

module scsi_qas #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,
    input wire enable_i,   // this device has agreed on QAS with somebody

    // conditioned wires
    input wire       bsy_i,
    input wire       sel_i,
    input wire [2:0] phase_i,
    input wire       req_i,
    input wire       ack_i,
    input wire       atn_i,
    input wire [7:0] db_i,
    input wire       dbp_i,

    output reg open_o,   // QAS phase, until SEL or BUS FREE
    output reg join_o,   // in it, the own ID may still be asserted
    output reg look_o,   // pulse: the IDs on DB are those of all who ask; at the decision the first may have left
    output reg decide_o  // pulse: the IDs on DB a clock ago decide
);

  // BSY comes through the glitch filter two clocks later than the lines: by then a BUS FREE would show.
  localparam OPEN_TICKS = 4;
  // From the lines' change at the pins to the own ID there are at most JOIN_TICKS + 3 clocks, and one to spare.
  localparam JOIN_TICKS = `SCSI_TICKS_MAX(`SCSI_QAS_ASSERTION_NS) - 4;
  // What the input flops take in after the QAS arbitration delay gets here two clocks later.
  localparam LOOK_TICKS = `SCSI_TICKS(`SCSI_QAS_LOOK_NS);
  localparam DECIDE_TICKS = `SCSI_TICKS(`SCSI_QAS_ARBITRATION_NS);

  localparam IN_FIRST = 2'd0;  // next byte starts a message
  localparam IN_SECOND = 2'd1;  // second byte of a two-byte message
  localparam IN_LENGTH = 2'd2;  // length byte of an extended message
  localparam IN_BODY = 2'd3;  // its rest

  reg  [1:0] in_state_q;
  reg  [7:0] left_q;  // bytes of the message still to come
  reg  [7:0] byte_q;
  reg        good_q;  // parity of it
  reg        seen_q;  // a byte has been taken, its ACK is still true
  reg        first_q;  // next byte starts a MESSAGE OUT
  reg        deaf_q;  // lost step: nothing counts before the next phase
  reg        again_q;  // the next message is one sent again
  reg        armed_q;  // QAS REQUEST was accepted
  reg        dumb_q;  // of a clock ago: nothing is heard at all
  reg  [8:0] count_q;  // clocks with the lines false
  reg        req_q, ack_q;

  // Without an agreement the wires do not get any further.
  wire dumb = !enable_i || bus_rst_i;
  wire [2:0] phase = dumb_q ? 3'd0 : phase_i;
  wire req = !dumb_q && req_i;
  wire ack = !dumb_q && ack_i;
  wire msg_in = phase == `SCSI_PH_MSG_IN;
  wire msg_out = phase == `SCSI_PH_MSG_OUT;
  wire strobed = req != req_q || ack != ack_q;
  wire over = !bsy_i || sel_i || req;  // no QAS phase comes of it, or it has ended

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(dumb_q != dumb || (dumb_q ? !deaf_q
      : armed_q || open_o || look_o || decide_o
      || (msg_in || msg_out ? strobed : deaf_q || in_state_q != IN_FIRST || seen_q || !first_q || req_q || ack_q)));

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      silence;
      {byte_q, good_q} <= 9'd0;
      dumb_q <= 1'b1;
    end else if (awake) begin
      dumb_q <= dumb;
      if (dumb_q) begin
        silence;
      end else if (armed_q) begin
        follow;
      end else begin
        {open_o, join_o, look_o, decide_o} <= 4'd0;
        listen;
      end
    end
  end

  task silence;
    begin
      {open_o, join_o, look_o, decide_o, armed_q, again_q, seen_q, req_q, ack_q} <= 9'd0;
      {deaf_q, first_q} <= 2'b11;
      in_state_q <= IN_FIRST;
      left_q <= 8'd0;
      count_q <= 9'd0;
    end
  endtask

  // After QAS REQUEST.
  task follow;
    begin
      {look_o, decide_o} <= 2'd0;
      if (over || (open_o && phase != 3'd0)) begin
        {armed_q, open_o, join_o} <= 3'd0;
        count_q <= 9'd0;
      end else if (phase != 3'd0) begin
        count_q <= 9'd0;
      end else if (count_q <= DECIDE_TICKS[8:0]) begin
        count_q <= count_q + 9'd1;
        if (count_q == OPEN_TICKS) {open_o, join_o} <= 2'b11;
        if (count_q == JOIN_TICKS[8:0]) join_o <= 1'b0;
        look_o <= count_q == LOOK_TICKS[8:0];
        decide_o <= count_q == DECIDE_TICKS[8:0];
      end
    end
  endtask

  task listen;
    begin
      req_q <= req;
      ack_q <= ack;
      if (!msg_in) begin
        in_state_q <= IN_FIRST;
        deaf_q <= 1'b0;
      end
      if (!msg_out) first_q <= 1'b1;
      if (msg_in ? req && !req_q : msg_out && ack && !ack_q) begin
        byte_q <= db_i;
        good_q <= ^{db_i, dbp_i};
        seen_q <= 1'b1;
      end else if (!ack && ack_q) begin
        seen_q <= 1'b0;
        if (seen_q && msg_in && !deaf_q) message_in;
        if (seen_q && msg_out) message_out;
      end else if (!msg_in && !msg_out) begin
        seen_q <= 1'b0;
      end
    end
  endtask

  // A byte of MESSAGE IN has been acknowledged.
  task message_in;
    begin
      if (!good_q) begin
        deaf_q <= 1'b1;
      end else begin
        case (in_state_q)
          IN_FIRST: begin
            again_q <= 1'b0;
            if (byte_q == `SCSI_MSG_EXTENDED) in_state_q <= IN_LENGTH;
            else if (byte_q[7:4] == 4'h2) in_state_q <= IN_SECOND;
            else armed_q <= byte_q == `SCSI_MSG_QAS_REQUEST && !atn_i && !again_q;
          end
          IN_SECOND: in_state_q <= IN_FIRST;
          IN_LENGTH: begin
            left_q <= byte_q;  // 0 means 256
            in_state_q <= IN_BODY;
          end
          default: begin  // IN_BODY
            left_q <= left_q - 8'd1;
            if (left_q == 8'd1) in_state_q <= IN_FIRST;
          end
        endcase
      end
    end
  endtask

  // A byte of MESSAGE OUT has been acknowledged. One that cannot be read may have been MESSAGE PARITY ERROR.
  task message_out;
    begin
      if (first_q) again_q <= byte_q == `SCSI_MSG_MESSAGE_PARITY_ERROR || !good_q;
      first_q <= !atn_i;
    end
  endtask

endmodule
`default_nettype wire
