// Outcome of a QUERY or a CAPABILITY: accepted, or declined in one of the ways that are no error.
//
// Used by scsi_initiator. Rules: docs/protocol.md, discovery and extensions: an answer with the identity offered counts when its last ACK is
// negated with ATN false and BUS FREE follows; anything else means "not capable", and the first thing that went another way is told. What
// the answer to a CAPABILITY has beyond the offer does not count.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_query (
    input wire clk_i,
    input wire rst_ni,

    input wire       begin_i,     // pulse: a new task
    input wire       conn_i,
    input wire       query_i,     // it is a QUERY
    input wire       ability_i,   // it is a CAPABILITY
    input wire [1:0] offered_i,   // ... flags that were offered
    input wire       again_i,     // of which an earlier connection has told all (reselection)
    input wire [3:0] again_how_i,
    input wire [7:0] identity_i,

    input wire [2:0] phase_i,
    input wire       phase_new_i,
    input wire       done_i,
    input wire       atn_i,
    input wire       msg_stb_i,
    input wire [4:0] msg_i,
    input wire [7:0] arg_i,
    /* verilator lint_off UNUSEDSIGNAL */  // of the flags the two that are known
    input wire [23:0] ext_i,      // the latest three bytes of an extended message
    /* verilator lint_on UNUSEDSIGNAL */
    input wire [4:0] said_kind_i,
    input wire       say_rest_i,
    input wire       give_up_i,    // the target wanted the messages again too often
    input wire       doomed_i,

    output wire       fits_o,      // an answer that comes now is the one awaited
    output reg        accepted_o,
    output reg        declined_o,
    output reg  [1:0] flags_o,     // CAPABILITY: what was agreed
    output reg  [4:0] blocks_o,
    output wire [3:0] detail_o
);

  reg       heard_q;  // ACCEPT is there, not yet acknowledged
  reg [3:0] how_q;

  // what a task is about, from the clock after it has become current
  reg query_q, ability_q, open_q;
  reg own_q;  // what was said last is the offer
  reg answers_q;  // the message that has come is an answer to it
  wire open = conn_i && (query_i || ability_i);
  wire own = said_kind_i == `INI_SAY_QUERY || said_kind_i == `INI_SAY_CAPABILITY;
  wire event_now = phase_new_i || give_up_i || msg_stb_i || done_i;
  wire awake = `SCSI_AWAKE(begin_i || again_i || (open_q && event_now) || {query_q, ability_q, open_q, own_q, answers_q} != {query_i, ability_i, open, own, answers});
  wire answers = msg_i == `INI_MSG_CAPABILITY ? ability_q && ext_i[23:16] == identity_i : query_q && arg_i == identity_i;
  wire [1:0] agreed = ext_i[9:8] & offered_i;
  wire few = ext_i[7:0] < {3'd0, `INI_SERIES_MAX};

  assign fits_o = !declined_o && answers_q;
  assign detail_o = declined_o ? how_q : accepted_o ? (ability_i ? {2'd0, flags_o} : 4'd0) : doomed_i ? `INI_DET_OTHER : `INI_DET_BUS_FREE;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {heard_q, accepted_o, declined_o} <= 3'd0;
      flags_o <= 2'd0;
      blocks_o <= 5'd0;
      {query_q, ability_q, open_q, own_q, answers_q} <= 5'd0;
      how_q <= `INI_DET_REJECT;
    end else if (awake) begin
      {query_q, ability_q, open_q, own_q, answers_q} <= {query_i, ability_i, open, own, answers};
      if (open_q) follow;
      if (again_i) begin
        declined_o <= 1'b1;
        how_q <= again_how_i;
      end
      if (begin_i) {heard_q, accepted_o, declined_o} <= 3'd0;
    end
  end

  task follow;
    begin
      if (phase_new_i && phase_i == `SCSI_PH_COMMAND) decline(`INI_DET_COMMAND);
      if (phase_new_i && phase_i == `SCSI_PH_MSG_OUT && !say_rest_i) decline(`INI_DET_MSG_OUT);
      if (give_up_i) decline(`INI_DET_MSG_OUT);
      if (msg_stb_i) begin
        case (msg_i)
          `INI_MSG_ACCEPT, `INI_MSG_CAPABILITY:
          if (fits_o) begin
            heard_q <= 1'b1;
            flags_o <= agreed;
            blocks_o <= !agreed[1] ? 5'd0 : few ? ext_i[4:0] : `INI_SERIES_MAX;
          end else begin
            decline(`INI_DET_OTHER);
          end
          `INI_MSG_REJECT: if (own_q) decline(`INI_DET_REJECT);
          `INI_MSG_UNKNOWN, `INI_MSG_RECLAIMED, `INI_MSG_FAILED: decline(`INI_DET_OTHER);
          default: ;
        endcase
      end
      if (done_i && heard_q) begin
        heard_q <= 1'b0;
        if (!atn_i) accepted_o <= 1'b1;
      end
    end
  endtask

  task decline;
    input [3:0] how;
    if (!declined_o) begin
      declined_o <= 1'b1;
      accepted_o <= 1'b0;
      how_q <= how;
    end
  endtask

endmodule
`default_nettype wire
