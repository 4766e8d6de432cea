// Composes what the initiator says in MESSAGE OUT phases, byte by byte, and says it again when the target asks for a resend.
//
// Used by scsi_initiator. Rules: IDENTIFY first, then the tag, then negotiation, task management or a vendor message, which is the last of
// its phase; a REQ in MESSAGE OUT after the byte that went with ATN false asks for all bytes of the phase again; with nothing to say,
// NO OPERATION. Message formats of silent mirroring: docs/protocol.md. The bytes are there four clocks after say_i, long before the target can
// ask for them; what is decided when it asks, NO OPERATION or a resend, has its first byte at once.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_msg_out #(
    parameter [7:0] MSG_QUERY = `MIRROR_MSG_QUERY,
    parameter [7:0] MSG_SWITCH_ROLE = `MIRROR_MSG_SWITCH_ROLE,
    parameter [7:0] MSG_RELEASE = `MIRROR_MSG_RELEASE,
    parameter [7:0] MSG_REPORT = `MIRROR_MSG_REPORT,
    parameter [7:0] EXT_WRITE = `MIRROR_EXT_WRITE,
    parameter [7:0] EXT_READ = `MIRROR_EXT_READ,
    parameter [7:0] EXT_NEXT = `MIRROR_EXT_NEXT,
    parameter [7:0] EXT_CAPABILITY = `MIRROR_EXT_CAPABILITY
) (
    input wire clk_i,
    input wire rst_ni,
    input wire conn_i,

    // what to say
    input wire                   say_i,        // pulse, with the kind
    input wire [            4:0] kind_i,
    input wire                   drop_rest_i,  // pulse: what was being said was rejected, do not go on with it
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input wire [`INI_DESC_W-1:0] desc_i,       // the current task
    /* verilator lint_on UNUSEDSIGNAL */
    input wire [            1:0] offer_i,      // IDENTIFY: append this negotiation message
    input wire [`SCSI_AGR_W-1:0] tell_i,       // what a negotiation message states
    input wire [            3:0] name_z_i,     // SWITCH ROLE, REPORT, RELEASE: whom
    input wire                   name_last_i,  // SWITCH ROLE, REPORT: append the last indicator
    input wire [           31:0] next_lba_i,   // NEXT: which block
    input wire [            1:0] flags_i,      // CAPABILITY: extensions to offer
    input wire                   retry_ok_i,   // resends are still allowed

    // the link
    input wire [2:0] phase_i,      // phase of the current handshake
    input wire       phase_new_i,
    input wire       byte_req_i,
    input wire       tx_take_i,
    input wire       done_i,

    output reg  [7:0] byte_o,    // two clocks after tx_take_i the next one
    output reg        last_o,    // byte_o is the last of what is to be said
    output reg        atn_o,     // pulse: assert ATN for a resend
    output reg        resend_o,  // pulse: the target asked for a resend
    output reg        give_up_o, // pulse: it asked too often, something else is said instead
    output reg        said_o,    // pulse: ACK of the last byte negated
    output reg  [4:0] kind_o,    // what is, or was last, said
    output wire       more_o,    // byte_o is a byte still to be said in this phase
    output wire       rest_o,    // pending: bytes or a whole message still to come
    output wire       offering_o // the negotiation message behind IDENTIFY is under way
);

  // Steps of a message phase
  localparam IDENTIFY = 4'd0;  // IDENTIFY byte
  localparam QUEUE = 4'd1;  // code of the tag message
  localparam TAG = 4'd2;  // its tag
  localparam BODY = 4'd3;  // first of up to eleven bytes of the message proper
  localparam LAST = 4'd14;  // last indicator

  // What its body is
  localparam SINGLE = 3'd0;  // one byte
  localparam SHORT = 3'd1;  // short mirroring message
  localparam EXTENDED = 3'd2;  // extended mirroring message
  localparam WDTR = 3'd3;
  localparam SDTR = 3'd4;
  localparam PPR = 3'd5;

  reg [3:0] step_q;
  reg       pend_q;  // kind_o is to be said or being said
  reg       open_q;  // at least one of its bytes has gone
  reg       ended_q;  // all its bytes have gone in this phase
  reg [2:0] fresh_q;  // kind_o is new: what it takes is worked out, put together, has its first byte
  reg       step_new_q;  // step_q is new
  // of a mirroring message: code of a short one; length and code of an extended one; identity; what follows
  reg [7:0] short_q;
  reg [15:0] ext_q;
  reg [7:0] yz_q;
  reg [31:0] more_q;
  wire      in_msg_out = phase_i == `SCSI_PH_MSG_OUT;

  // of kind_o
  reg       tag_q;  // a tag follows IDENTIFY
  reg       bare_q;  // and nothing else
  reg       last_q;  // the last indicator ends it
  reg       single_q;  // it is a single byte
  reg [3:0] body_end_q;  // its last step but for that
  reg [87:0] body_q;  // bytes still to be said, the next one in the top bits
  reg [7:0] first_q;  // its first byte
  reg       first_last_q;  // ... is the last
  reg [4:0] instead_q;  // what is said if it was asked for too often
  reg [7:0] instead_byte_q;

  wire has_identify = starts_nexus(kind_o);
  wire has_tag = desc_i[`INI_D_TAGGED] && kind_o != `INI_SAY_QUERY && kind_o != `INI_SAY_CAPABILITY;
  wire alone = desc_i[`INI_D_COUNT] == 4'd1 && desc_i[`INI_D_BLOCKS] < 5'd2;  // nobody else will be named
  wire has_last = (kind_o == `INI_SAY_QUERY && desc_i[`INI_D_LAST]) || (kind_o == `INI_SAY_WRITE && alone)
      || ((kind_o == `INI_SAY_SWITCH || kind_o == `INI_SAY_REPORT) && name_last_i);
  reg [3:0] body_len;
  wire at_body_end = !bare_q && step_q == body_end_q;
  wire at_end = (bare_q && (step_q == TAG || (step_q == IDENTIFY && !tag_q))) || (at_body_end && !last_q) || step_q == LAST;
  wire query = kind_o == `INI_SAY_QUERY || kind_o == `INI_SAY_CAPABILITY;
  wire [7:0] abort = desc_i[`INI_D_TAGGED] ? `SCSI_MSG_ABORT_TASK : `SCSI_MSG_ABORT_TASK_SET;

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(fresh_q != 3'd0 || step_new_q || say_i || drop_rest_i || phase_new_i || byte_req_i || tx_take_i || done_i || atn_o || resend_o
      || give_up_o || said_o || (!conn_i && (pend_q || ended_q || open_q || kind_o != `INI_SAY_NOP)));

  assign rest_o = pend_q;
  assign more_o = pend_q && !ended_q;
  assign offering_o = pend_q && kind_o == `INI_SAY_IDENTIFY && step_q > BODY;

  always @(*) begin
    case (kind_o)
      `INI_SAY_IDENTIFY: body_len = offer_i == `INI_EX_NONE ? 4'd0 : offer_i == `INI_EX_PPR ? 4'd8 : {3'b010, offer_i[1]};
      `INI_SAY_QUERY, `INI_SAY_SWITCH, `INI_SAY_REPORT, `INI_SAY_RELEASE: body_len = 4'd2;
      `INI_SAY_WRITE: body_len = 4'd11;
      `INI_SAY_NEXT: body_len = 4'd8;
      `INI_SAY_CAPABILITY: body_len = 4'd6;
      `INI_SAY_WDTR: body_len = 4'd4;
      `INI_SAY_SDTR: body_len = 4'd5;
      `INI_SAY_PPR: body_len = 4'd8;
      default: body_len = 4'd1;
    endcase
  end

  wire [7:0] identify = `SCSI_MSG_IDENTIFY | (kind_o != `INI_SAY_IDENTIFY || desc_i[`INI_D_DISC]
      ? `SCSI_MSG_IDENTIFY_DISCPRIV : 8'd0) | {5'd0, desc_i[`INI_D_LUN]};
  wire [87:0] short = {short_q, yz_q, 72'd0};
  wire [87:0] extended = {`SCSI_MSG_EXTENDED, ext_q, yz_q, more_q, desc_i[`INI_D_LEN]};
  wire [4:0] offered_blocks = flags_i[1] ? `INI_SERIES_MAX : 5'd0;
  wire [7:0] tell_period = tell_i[`SCSI_AGR_PERIOD];
  wire [7:0] tell_offset = {1'b0, tell_i[`SCSI_AGR_OFFSET]};
  wire [7:0] tell_width = {7'd0, tell_i[`SCSI_AGR_WIDE]};
  wire [7:0] tell_options = (tell_i[`SCSI_AGR_DT] ? `SCSI_PPR_DT : 8'd0) | (tell_i[`SCSI_AGR_QAS] ? `SCSI_PPR_QAS : 8'd0);
  wire [87:0] wdtr = {`SCSI_MSG_EXTENDED, `SCSI_EXT_WDTR_LEN, `SCSI_EXT_WDTR, tell_width, 56'd0};
  wire [87:0] sdtr = {`SCSI_MSG_EXTENDED, `SCSI_EXT_SDTR_LEN, `SCSI_EXT_SDTR, tell_period, tell_offset, 48'd0};
  wire [87:0] ppr = {
    `SCSI_MSG_EXTENDED, `SCSI_EXT_PPR_LEN, `SCSI_EXT_PPR, tell_period, 8'd0, tell_offset, tell_width, tell_options, 24'd0
  };
  reg [7:0] manage;
  reg [87:0] body;  // first byte in the top bits
  reg [7:0] next;
  reg [2:0] form, form_q;
  reg [7:0] only, only_q;  // of a single byte

  always @(*) begin
    case (desc_i[`INI_D_FUNCTION])
      `INI_FN_ABORT_TASK: manage = `SCSI_MSG_ABORT_TASK;
      `INI_FN_ABORT_TASK_SET: manage = `SCSI_MSG_ABORT_TASK_SET;
      `INI_FN_CLEAR_TASK_SET: manage = `SCSI_MSG_CLEAR_TASK_SET;
      `INI_FN_LOGICAL_UNIT_RESET: manage = `SCSI_MSG_LOGICAL_UNIT_RESET;
      default: manage = `SCSI_MSG_TARGET_RESET;
    endcase
    case (kind_o)
      `INI_SAY_IDENTIFY: form = offer_i == `INI_EX_PPR ? PPR : offer_i == `INI_EX_SDTR ? SDTR : WDTR;
      `INI_SAY_WDTR: form = WDTR;
      `INI_SAY_SDTR: form = SDTR;
      `INI_SAY_PPR: form = PPR;
      `INI_SAY_QUERY, `INI_SAY_SWITCH, `INI_SAY_REPORT, `INI_SAY_RELEASE: form = SHORT;
      `INI_SAY_WRITE, `INI_SAY_NEXT, `INI_SAY_CAPABILITY: form = EXTENDED;
      default: form = SINGLE;
    endcase
    case (kind_o)
      `INI_SAY_MANAGE: only = manage;
      `INI_SAY_REJECT: only = `SCSI_MSG_MESSAGE_REJECT;
      `INI_SAY_PARITY: only = `SCSI_MSG_MESSAGE_PARITY_ERROR;
      `INI_SAY_ERROR: only = `SCSI_MSG_INITIATOR_DETECTED_ERROR;
      `INI_SAY_ABORT: only = abort;
      // in the place of an IDENTIFY that did not get through: no task can be named
      `INI_SAY_ABORT_SET: only = `SCSI_MSG_ABORT_TASK_SET;
      default: only = `SCSI_MSG_NO_OPERATION;
    endcase
    case (form_q)
      WDTR: body = wdtr;
      SDTR: body = sdtr;
      PPR: body = ppr;
      SHORT: body = short;
      EXTENDED: body = extended;
      default: body = {only_q, 80'd0};
    endcase
    case (step_q)
      IDENTIFY: next = identify;
      QUEUE: next = `SCSI_MSG_SIMPLE + {6'd0, desc_i[`INI_D_ATTR]};
      TAG: next = desc_i[`INI_D_TAG];
      LAST: next = `MIRROR_LAST;
      default: next = body_q[87:80];
    endcase
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      step_q <= IDENTIFY;
      {pend_q, open_q, ended_q, step_new_q} <= 4'd0;
      fresh_q <= 3'd0;
      {tag_q, bare_q, last_q, single_q, first_last_q, last_o} <= 6'd0;
      body_end_q <= 4'd0;
      form_q <= SINGLE;
      only_q <= 8'd0;
      body_q <= 88'd0;
      {first_q, instead_byte_q, byte_o} <= 24'd0;
      instead_q <= `INI_SAY_NOP;
      short_q <= 8'd0;
      ext_q <= 16'd0;
      yz_q <= 8'd0;
      more_q <= 32'd0;
      kind_o <= `INI_SAY_NOP;
      {atn_o, resend_o, give_up_o, said_o} <= 4'd0;
    end else if (awake) begin
      {atn_o, resend_o, give_up_o, said_o} <= 4'd0;
      fresh_q <= fresh_q << 1;
      step_new_q <= 1'b0;
      if (fresh_q[0]) fill_in;
      if (fresh_q[1]) body_q <= body;
      if (tx_take_i && in_msg_out && step_q >= BODY) body_q <= body_q << 8;
      if (fresh_q[2] || step_new_q) begin
        byte_o <= next;
        last_o <= at_end;
      end
      if (fresh_q[2]) begin
        first_q <= next;
        first_last_q <= at_end;
      end
      if (!conn_i) begin
        ended_q <= 1'b0;
        open_q <= 1'b0;
        pend_q <= 1'b0;
        kind_o <= `INI_SAY_NOP;
      end else if (in_msg_out) begin
        if (phase_new_i && !pend_q) begin
          begin_saying(`INI_SAY_NOP);
          byte_o <= `SCSI_MSG_NO_OPERATION;
          last_o <= 1'b1;
        end else if (byte_req_i && ended_q) begin
          resend_o <= retry_ok_i;
          give_up_o <= !retry_ok_i;
          begin_saying(retry_ok_i ? kind_o : instead_q);
          byte_o <= retry_ok_i ? first_q : instead_byte_q;
          last_o <= !retry_ok_i || first_last_q;
          atn_o <= retry_ok_i && !single_q;
        end else if (tx_take_i) begin
          open_q <= 1'b1;
          step_new_q <= !last_o;
          if (last_o) ended_q <= 1'b1;
          else if (step_q == IDENTIFY) step_q <= tag_q ? QUEUE : BODY;
          else if (at_body_end) step_q <= LAST;
          else step_q <= step_q + 4'd1;
        end else if (done_i && ended_q) begin
          said_o <= 1'b1;
          pend_q <= 1'b0;
          open_q <= 1'b0;
        end
      end else if (phase_new_i) begin
        ended_q <= 1'b0;
      end
      if (drop_rest_i && open_q) begin_saying(`INI_SAY_NOP);
      if (say_i) begin_saying(kind_i);
    end
  end

  function starts_nexus;
    input [4:0] kind;
    starts_nexus = kind == `INI_SAY_IDENTIFY || kind == `INI_SAY_QUERY || kind == `INI_SAY_WRITE || kind == `INI_SAY_MANAGE
        || kind == `INI_SAY_CAPABILITY;
  endfunction

  // What kind_o takes, and what it holds if it is a mirroring message.
  task fill_in;
    begin
      step_q <= has_identify ? IDENTIFY : BODY;
      form_q <= form;
      only_q <= only;
      tag_q <= has_tag;
      bare_q <= body_len == 4'd0;
      last_q <= has_last;
      single_q <= has_identify ? !has_tag && body_len == 4'd0 : body_len == 4'd1;
      body_end_q <= BODY + body_len - 4'd1;
      instead_q <= query ? `INI_SAY_NOP : has_identify ? `INI_SAY_ABORT_SET : `INI_SAY_ABORT;
      instead_byte_q <= query ? `SCSI_MSG_NO_OPERATION : has_identify ? `SCSI_MSG_ABORT_TASK_SET : abort;
      case (kind_o)
        `INI_SAY_QUERY: short_q <= MSG_QUERY;
        `INI_SAY_SWITCH: short_q <= MSG_SWITCH_ROLE;
        `INI_SAY_REPORT: short_q <= MSG_REPORT;
        default: short_q <= MSG_RELEASE;
      endcase
      case (kind_o)
        `INI_SAY_NEXT: ext_q <= {`MIRROR_EXT_LEN_NEXT, EXT_NEXT};
        `INI_SAY_CAPABILITY: ext_q <= {`MIRROR_EXT_LEN_CAPABILITY, EXT_CAPABILITY};
        default:
        ext_q <= {alone ? `MIRROR_EXT_LEN_LAST : `MIRROR_EXT_LEN, desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_READ ? EXT_READ : EXT_WRITE};
      endcase
      yz_q[7:4] <= desc_i[`INI_D_GROUP];
      case (kind_o)
        `INI_SAY_QUERY, `INI_SAY_CAPABILITY: yz_q[3:0] <= desc_i[`INI_D_Z];
        `INI_SAY_WRITE, `INI_SAY_NEXT: yz_q[3:0] <= desc_i[`INI_D_LEADER];
        default: yz_q[3:0] <= name_z_i;
      endcase
      case (kind_o)
        `INI_SAY_NEXT: more_q <= next_lba_i;
        `INI_SAY_CAPABILITY: more_q <= {6'd0, flags_i, 3'd0, offered_blocks, 16'd0};
        default: more_q <= desc_i[`INI_D_LBA];
      endcase
    end
  endtask

  task begin_saying;
    input [4:0] kind;
    begin
      kind_o <= kind;
      fresh_q <= 3'd1;
      pend_q <= 1'b1;
      open_q <= 1'b0;
      ended_q <= 1'b0;
    end
  endtask

endmodule
`default_nettype wire
