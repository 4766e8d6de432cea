// Knows who talks on the bus: the initiator of the present connection and the LUN and tag that its messages name.
//
// Used by scsi_target for its own connections and for those it snoops. Rules: the arbitration winner is the one ID left on the bus
// 0.8 to 1.2 us after SEL; it is an initiator if I/O is false at selection, else the other ID is (SPI-3 arbitration, selection and
// reselection phases). LUN and tag come from IDENTIFY and the tag message in either direction.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"
`include "tgt_events.vh"

module tgt_nexus #(
    parameter CLK_PERIOD_PS = 6250,
    parameter MSG_QUERY = `MIRROR_MSG_QUERY
) (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        clear_i,   // BUS FREE or RST
    input wire        bsy_i,
    input wire        sel_i,
    input wire [ 2:0] phase_i,
    input wire        req_i,
    input wire        ack_i,
    input wire        atn_i,
    input wire [15:0] db_i,
    input wire        dbp_i,

    // error-free messages of the initiator
    input wire [4:0] event_i,
    input wire [7:0] code_i,  // of IDENTIFY: DiscPriv and LUN; of a tag: its kind
    input wire [7:0] arg_i,

    output reg       known_o,       // the fields below are of the present connection
    output reg       reselected_o,  // it began with a reselection
    output reg [3:0] initiator_o,
    output reg [5:0] lun_o,
    output reg       identified_o,  // an IDENTIFY has been seen
    output reg       disc_priv_o,
    output reg       tagged_o,
    output reg       head_o,        // HEAD OF QUEUE
    output reg [7:0] tag_o,

    output reg       complete_o,  // pulse: TASK COMPLETE was accepted in this connection
    output reg       disconnect_o,  // pulse: DISCONNECT was sent, whatever the initiator has to say about it
    output reg       accept_o,    // pulse: MIRROR ACCEPT was accepted, for accept_yz_o
    output reg [7:0] accept_yz_o,
    output reg       qas_o        // pulse: QAS REQUEST was accepted
);

  localparam LOOK_TICKS = 2;  // from the wires to single_q
  localparam SAMPLE_TICKS = `SCSI_TICKS(`SCSI_WINNER_SAMPLE_NS) + LOOK_TICKS;

  localparam QUIET = 2'd0;  // no arbitration or connection under way
  localparam WINNER = 2'd1;  // SEL true: wait until the losers have gone
  localparam PARTNER = 2'd2;  // winner known: wait for both IDs
  localparam CONNECTED = 2'd3;  // parties known

  localparam IN_FIRST = 2'd0;  // next byte starts a message
  localparam IN_SECOND = 2'd1;  // second byte of a two-byte message
  localparam IN_LENGTH = 2'd2;  // length byte of an extended message
  localparam IN_BODY = 2'd3;  // its rest

  reg  [ 1:0] state_q;
  reg  [ 7:0] count_q;
  reg  [ 3:0] winner_q;
  reg         req_q, ack_q;
  reg  [ 1:0] in_state_q;
  reg  [ 7:0] in_byte_q, in_code_q, in_left_q;
  reg         in_good_q, in_seen_q;

  wire        msg_in = phase_i == `SCSI_PH_MSG_IN;
  // IDENTIFY and its tag name the nexus also where the initiator has something to say about them
  wire        names = in_state_q == IN_FIRST ? in_byte_q[7] || in_byte_q == `SCSI_MSG_SIMPLE
      : in_state_q == IN_SECOND && in_code_q == `SCSI_MSG_SIMPLE;
  reg  [15:0] ids_q;  // on DB, once the winner is known without it
  reg         single_q;  // ids_q was one ID
  reg  [ 3:0] id_q;  // ... this one

  // Nothing to do in a clock should cost a simulation nothing.
  wire        who_awake = clear_i ? known_o || state_q != QUIET : state_q == QUIET ? sel_i : state_q != CONNECTED;
  wire        said_awake = `SCSI_AWAKE(req_i != req_q || ack_i != ack_q || complete_o || disconnect_o || accept_o || qas_o || event_i != `TGT_EV_NONE
      || (clear_i && (identified_o || disc_priv_o || tagged_o))
      || ((clear_i || !msg_in) && (in_seen_q || in_state_q != IN_FIRST)));

  function [3:0] encode;
    input [15:0] one_hot;
    encode = {
      |(one_hot & 16'hFF00), |(one_hot & 16'hF0F0), |(one_hot & 16'hCCCC), |(one_hot & 16'hAAAA)
    };
  endfunction

  function one_bit;
    input [15:0] db;
    one_bit = db != 16'd0 && (db & (db - 16'd1)) == 16'd0;
  endfunction

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= QUIET;
      count_q <= 8'd0;
      {winner_q, id_q} <= 8'd0;
      ids_q <= 16'd0;
      single_q <= 1'b0;
      known_o <= 1'b0;
      reselected_o <= 1'b0;
      initiator_o <= 4'd0;
    end else if (!who_awake) begin
      // nothing changes
    end else if (clear_i) begin
      state_q <= QUIET;
      count_q <= 8'd0;
      known_o <= 1'b0;
    end else begin
      ids_q <= state_q == PARTNER ? db_i & ~(16'd1 << winner_q) : db_i;
      single_q <= one_bit(ids_q);
      id_q <= encode(ids_q);
      case (state_q)
        QUIET: if (sel_i) state_q <= WINNER;
        WINNER:
        if (!sel_i) begin
          state_q <= QUIET;
          count_q <= 8'd0;
        end else if (count_q != SAMPLE_TICKS[7:0]) begin
          count_q <= count_q + 8'd1;
        end else if (single_q) begin
          winner_q <= id_q;
          count_q  <= 8'd0;
          state_q  <= PARTNER;
        end
        PARTNER:
        if (!sel_i) begin
          state_q <= QUIET;
          count_q <= 8'd0;
        end else if (count_q != LOOK_TICKS[7:0]) begin
          count_q <= count_q + 8'd1;
        end else if (!bsy_i && single_q) begin
          known_o <= 1'b1;
          reselected_o <= phase_i[0];
          initiator_o <= phase_i[0] ? id_q : winner_q;
          state_q <= CONNECTED;
        end
        default: ;  // CONNECTED until BUS FREE
      endcase
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {identified_o, disc_priv_o, tagged_o, head_o} <= 4'd0;
      lun_o <= 6'd0;
      tag_o <= 8'd0;
      {complete_o, disconnect_o, accept_o, qas_o} <= 4'd0;
      accept_yz_o <= 8'd0;
      in_state_q <= IN_FIRST;
      {in_byte_q, in_code_q, in_left_q} <= 24'd0;
      {req_q, ack_q, in_good_q, in_seen_q} <= 4'd0;
    end else if (said_awake) begin
      req_q <= req_i;
      ack_q <= ack_i;
      complete_o <= 1'b0;
      disconnect_o <= 1'b0;
      accept_o <= 1'b0;
      qas_o <= 1'b0;
      if (clear_i) begin
        {identified_o, disc_priv_o, tagged_o, head_o} <= 4'd0;
        lun_o <= 6'd0;
        in_state_q <= IN_FIRST;
        in_seen_q <= 1'b0;
      end else begin
        if (event_i == `TGT_EV_IDENTIFY) begin
          identified_o <= 1'b1;
          lun_o <= code_i[5:0];
          disc_priv_o <= code_i[6];
        end
        if (event_i == `TGT_EV_TAG && !tagged_o && !reselected_o) begin
          tagged_o <= 1'b1;
          head_o <= code_i == `SCSI_MSG_HEAD_OF_QUEUE;
          tag_o <= arg_i;
        end
        if (!msg_in) begin
          in_state_q <= IN_FIRST;
          in_seen_q <= 1'b0;
        end else if (req_i && !req_q) begin
          in_byte_q <= db_i[7:0];
          in_good_q <= ^{db_i[7:0], dbp_i};
          in_seen_q <= 1'b1;
        end else if (!ack_i && ack_q && in_seen_q) begin
          disconnect_o <= in_good_q && in_state_q == IN_FIRST && in_byte_q == `SCSI_MSG_DISCONNECT;
          if (!in_good_q || (atn_i && !names)) in_state_q <= IN_FIRST;
          else message_in;
        end
      end
    end
  end

  // One byte of MESSAGE IN that the initiator let pass.
  task message_in;
    begin
      case (in_state_q)
        IN_FIRST: begin
          in_code_q <= in_byte_q;
          if (in_byte_q[7]) begin
            identified_o <= 1'b1;
            lun_o <= in_byte_q[5:0];
          end else if (in_byte_q == `SCSI_MSG_EXTENDED) begin
            in_state_q <= IN_LENGTH;
          end else if (in_byte_q[7:4] == 4'h2) begin
            in_state_q <= IN_SECOND;
          end else begin
            complete_o <= in_byte_q == `SCSI_MSG_TASK_COMPLETE;
            qas_o <= in_byte_q == `SCSI_MSG_QAS_REQUEST;
          end
        end
        IN_SECOND: begin
          in_state_q <= IN_FIRST;
          accept_yz_o <= in_byte_q;
          accept_o <= in_code_q == MSG_QUERY;
          if (in_code_q == `SCSI_MSG_SIMPLE) begin
            tagged_o <= 1'b1;
            tag_o <= in_byte_q;
          end
        end
        IN_LENGTH: begin
          in_left_q <= in_byte_q;
          in_state_q <= IN_BODY;
        end
        default: begin  // IN_BODY
          in_left_q <= in_left_q - 8'd1;
          if (in_left_q == 8'd1) in_state_q <= IN_FIRST;
        end
      endcase
    end
  endtask

endmodule
`default_nettype wire
