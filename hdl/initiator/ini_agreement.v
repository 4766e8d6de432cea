// Transfer agreements with each SCSI ID, and the exchanges that make them: WDTR, SDTR, PPR, begun by either side.
//
// Used by scsi_initiator. Rules (SCSI-2 to SPI-3 negotiation; docs/protocol.md, choices): a COMMAND to a target without an agreement
// carries PPR if DT or QAS is wanted, otherwise WDTR, and SDTR after it; MESSAGE REJECT of PPR leads to WDTR and SDTR, of WDTR means 8
// bit, of SDTR asynchronous; a target that goes on without an answer has agreed to nothing. An answer that asks for more than was offered
// is rejected and leaves asynchronous transfers. QAS goes with DT or with asynchronous transfers, not with ST synchronous ones. An exchange that the target begins is answered with what both can do. WDTR ends the
// synchronous agreement, SDTR the options. Any reset ends all agreements; the host may end one by hand.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_agreement (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,

    // own abilities
    input wire [`SCSI_AGR_W-1:0] cfg_i,

    input wire [15:0] forget_i,  // one bit a target
    input wire        gone_i,    // pulse: the present target was reset

    // the connection
    input wire       begin_i,    // pulse: a new one
    input wire       conn_i,
    input wire       command_i,  // its task is a COMMAND
    input wire       deaf_i,     // nothing is negotiated in it
    input wire [3:0] target_i,

    // messages
    input  wire [           2:0] phase_i,
    input  wire                  phase_new_i,
    input  wire                  msg_stb_i,
    input  wire [           4:0] msg_i,
    input  wire [          39:0] ext_i,
    input  wire                  said_i,
    input  wire [           4:0] said_kind_i,
    input  wire                  say_rest_i,
    input  wire                  offering_i,   // the message behind IDENTIFY is under way
    output wire [           1:0] offer_o,      // what goes behind IDENTIFY
    output reg  [`SCSI_AGR_W-1:0] tell_o,       // what the next negotiation message states
    output reg                   say_o,        // pulse
    output reg  [           4:0] kind_o,
    output reg                   took_o,       // pulse, one clock after a MESSAGE REJECT: it was of a negotiation message

    input  wire [            3:0] data_target_i,
    output reg  [`SCSI_AGR_W-1:0] agree_o,        // with data_target_i; steady in data phases
    output reg                   qas_enable_o,   // some agreement has QAS

    // for the host
    input  wire [            3:0] show_target_i,
    output wire [`SCSI_AGR_W-1:0] show_o,
    output reg  [           15:0] wide_o,
    output reg  [           15:0] known_o         // nothing is left to be offered
);

  localparam IDLE = 3'd0;  // no message to judge
  localparam TELL = 3'd4;  // what can be
  localparam COMPARE = 3'd1;  // set what came against it
  localparam CHECK = 3'd2;  // does it fit together?
  localparam DECIDE = 3'd3;  // agree, reject, or answer

  reg [2:0] state_q;
  reg [1:0] heard_q;  // the message being judged
  reg [1:0] kind_q;  // the exchange under way
  reg       ours_q;  // begun here
  reg       asked_q;  // ... and our message has gone: the answer is to come
  reg [`SCSI_AGR_W-1:0] in_q;  // what came
  reg       more_q;  // it states more than was told
  reg       faster_q;  // a shorter period than can be
  reg       farther_q;  // a larger offset

  // What is kept: period factor, offset and DT of those that are synchronous, the rest as one bit a target
  reg [15:0] pace_mem[0:15];
  reg [15:0] sync_q, qas_q;
  reg  [3:0] seen_q;  // whose agreement agree_o is
  reg  [3:0] want_q;  // ... is to be
  reg        stale_q;  // agree_o is to be fetched again
  reg        set_q;  // what has been agreed on is to be kept
  reg  [3:0] set_at_q;
  reg        set_sync_q, set_qas_q, set_width_q, set_wide_q;
  reg [15:0] set_pace_q;
  reg        open_q;
  reg        begin_q;
  reg        retell_q;  // kind_q is new, and ours
  // own abilities as the connection began
  reg        can_wide_q, can_sync_q, can_dt_q, can_qas_q;
  reg [ 6:0] offset_q;
  reg [ 7:0] st_period_q, dt_period_q;
  reg [ 1:0] first_q, without_ppr_q;
  // of the message that has come, of what is being said; both steady before they count
  reg        reject_q;
  reg [ 1:0] came_ex_q, said_ex_q;
  reg        of_exchange_q;  // what is being said is of the exchange under way
  integer    n;

  wire [ 7:0] period = cfg_i[`SCSI_AGR_PERIOD];
  wire [ 7:0] st_period = period < `SCSI_PERIOD_FAST_40 ? `SCSI_PERIOD_FAST_40 : period;
  wire [ 7:0] dt_period = period < `SCSI_PERIOD_FAST_80 ? `SCSI_PERIOD_FAST_80 : period;
  wire        can_wide = cfg_i[`SCSI_AGR_WIDE];
  wire        can_sync = cfg_i[`SCSI_AGR_OFFSET] != 7'd0;
  wire        can_dt = cfg_i[`SCSI_AGR_DT] && can_wide && can_sync;
  wire [ 1:0] without_ppr = can_wide ? `INI_EX_WDTR : can_sync ? `INI_EX_SDTR : `INI_EX_NONE;
  wire [ 1:0] first = can_dt || (cfg_i[`SCSI_AGR_QAS] && !can_sync) ? `INI_EX_PPR : without_ppr;
  wire [ 1:0] after_wdtr = can_sync_q ? `INI_EX_SDTR : `INI_EX_NONE;
  wire        open = conn_i && !deaf_i;  // a message comes more than a clock later

  wire [1:0] said_ex = exchange_of(said_kind_i);
  wire       of_ours = ours_q && kind_q != `INI_EX_NONE
      && (offering_i || (said_kind_i == `INI_SAY_IDENTIFY ? asked_q && !say_rest_i : said_ex == kind_q));
  wire       of_answer = !ours_q && !say_rest_i && said_ex != `INI_EX_NONE && kind_q == `INI_EX_NONE;
  reg        of_ours_q, of_answer_q;  // steady for long before a message has come
  wire       refused = open_q && msg_stb_i && reject_q && (of_ours_q || of_answer_q);
  wire [1:0] heard = msg_i == `INI_MSG_WDTR ? `INI_EX_WDTR : msg_i == `INI_MSG_SDTR ? `INI_EX_SDTR
      : msg_i == `INI_MSG_PPR ? `INI_EX_PPR : `INI_EX_NONE;
  wire       came = open_q && msg_stb_i && came_ex_q != `INI_EX_NONE;
  wire       of_exchange = kind_q != `INI_EX_NONE && (said_ex == kind_q || (said_kind_i == `INI_SAY_IDENTIFY && ours_q));
  wire       told = open_q && said_i && of_exchange_q;
  wire [7:0] now = {of_ours, of_answer, msg_i == `INI_MSG_REJECT, heard, said_ex, of_exchange};
  wire [7:0] now_q = {of_ours_q, of_answer_q, reject_q, came_ex_q, said_ex_q, of_exchange_q};
  wire       in_messages = phase_i == `SCSI_PH_MSG_IN || phase_i == `SCSI_PH_MSG_OUT;
  wire       passed = open_q && phase_new_i && !in_messages && asked_q;
  wire       answer = asked_q && heard_q == kind_q;
  wire       unused = &{1'b0, ext_i[31:24]};  // reserved byte of PPR

  // Nothing to do in a clock should cost a simulation nothing.
  wire       awake = `SCSI_AWAKE(clear_i || |forget_i || gone_i || begin_i || refused || came || told || passed || stale_q || say_o || took_o
      || state_q != IDLE || set_q || open_q != open || begin_q || retell_q || now_q != now || (conn_i && (want_q != data_target_i || seen_q != want_q)));

  assign offer_o = ours_q ? kind_q : `INI_EX_NONE;
  wire [15:0] data_pace = sync_q[want_q] ? pace_mem[want_q] : 16'd0;
  wire [15:0] show_pace = sync_q[show_target_i] ? pace_mem[show_target_i] : 16'd0;
  assign show_o = {qas_q[show_target_i], show_pace[15], wide_o[show_target_i], show_pace[14:0]};

  always @(posedge clk_i or negedge rst_ni)
    if (!rst_ni) qas_enable_o <= 1'b0;
    else if (qas_enable_o != |qas_q) qas_enable_o <= |qas_q;

  // By itself, without a reset, so that it becomes a memory.
  always @(posedge clk_i) if (set_q) pace_mem[set_at_q] <= set_pace_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {heard_q, kind_q} <= 4'd0;
      {ours_q, asked_q, more_q, faster_q, farther_q} <= 5'd0;
      {in_q, tell_o} <= {2 * `SCSI_AGR_W{1'b0}};
      {say_o, took_o, stale_q} <= 3'd0;
      {begin_q, retell_q, can_wide_q, can_sync_q, can_dt_q, can_qas_q, reject_q, of_exchange_q} <= 8'd0;
      offset_q <= 7'd0;
      {st_period_q, dt_period_q} <= 16'd0;
      {first_q, without_ppr_q, came_ex_q, said_ex_q} <= 8'd0;
      {set_q, set_sync_q, set_qas_q, set_width_q, set_wide_q, open_q, of_ours_q, of_answer_q} <= 8'd0;
      {set_at_q, set_pace_q} <= 20'd0;
      kind_o <= `INI_SAY_NOP;
      agree_o <= `SCSI_AGR_ASYNC_8;
      {seen_q, want_q} <= 8'd0;
      {sync_q, wide_o, qas_q, known_o} <= 64'd0;
    end else if (awake) begin
      {say_o, took_o} <= 2'd0;
      stale_q <= set_q || begin_q || clear_i;
      set_q <= 1'b0;
      open_q <= open;
      {of_ours_q, of_answer_q, reject_q, came_ex_q, said_ex_q, of_exchange_q} <= now;
      {begin_q, retell_q} <= {begin_i, 1'b0};
      if (retell_q) tell_own(kind_q);
      if (begin_i) begin
        {can_wide_q, can_sync_q, can_dt_q, can_qas_q} <= {can_wide, can_sync, can_dt, cfg_i[`SCSI_AGR_QAS]};
        offset_q <= cfg_i[`SCSI_AGR_OFFSET];
        {st_period_q, dt_period_q} <= {st_period, dt_period};
        {first_q, without_ppr_q} <= {first, without_ppr};
      end
      want_q <= data_target_i;
      if (stale_q || seen_q != want_q) begin
        agree_o <= {qas_q[want_q], data_pace[15], wide_o[want_q], data_pace[14:0]};
        seen_q <= want_q;
      end
      if (set_q) begin
        sync_q[set_at_q] <= set_sync_q;
        qas_q[set_at_q] <= set_qas_q;
        if (set_width_q) wide_o[set_at_q] <= set_wide_q;
      end
      if (clear_i) begin
        {sync_q, wide_o, qas_q, known_o} <= 64'd0;
        kind_q <= `INI_EX_NONE;
        asked_q <= 1'b0;
        state_q <= IDLE;
      end else begin
        if (begin_q) set_out;
        else follow;
        // last: what is agreed in this clock does not outlive it
        if (|forget_i || gone_i) forget(forget_i | (gone_i ? 16'd1 << target_i : 16'd0));
      end
    end
  end

  task set_out;
    begin
      state_q <= IDLE;
      ours_q <= 1'b1;
      asked_q <= 1'b0;
      prepare(command_i && !known_o[target_i] ? first_q : `INI_EX_NONE);
    end
  endtask

  task follow;
    begin
      if (told) begin
        if (ours_q) begin
          asked_q <= 1'b1;
        end else begin
          agree(kind_q, tell_o);
          kind_q <= `INI_EX_NONE;
          case (kind_q)
            `INI_EX_PPR: known_o[target_i] <= 1'b1;
            `INI_EX_SDTR: if (!can_wide_q) known_o[target_i] <= 1'b1;
            default: known_o[target_i] <= !can_sync_q;  // it leaves asynchronous transfers: SDTR is due
          endcase
        end
      end
      if (passed) begin
        kind_q <= `INI_EX_NONE;
        asked_q <= 1'b0;
      end
      if (refused) begin
        took_o <= 1'b1;
        asked_q <= 1'b0;
        agree(of_ours_q ? kind_q : said_ex_q, `SCSI_AGR_ASYNC_8);
        if (of_ours_q) go_on(kind_q == `INI_EX_PPR ? without_ppr_q : kind_q == `INI_EX_WDTR ? after_wdtr : `INI_EX_NONE);
      end
      case (state_q)
        IDLE:
        if (came) begin
          heard_q <= came_ex_q;
          take_in;
          state_q <= TELL;
        end

        TELL: begin
          if (!answer) tell_own(heard_q);
          state_q <= COMPARE;
        end

        COMPARE: begin
          faster_q <= in_q[`SCSI_AGR_PERIOD] < tell_o[`SCSI_AGR_PERIOD];
          farther_q <= in_q[`SCSI_AGR_OFFSET] > tell_o[`SCSI_AGR_OFFSET];
          state_q <= CHECK;
        end

        CHECK: begin
          more_q <= more_q || farther_q || (faster_q && in_q[`SCSI_AGR_OFFSET] != 7'd0)
              || (in_q[`SCSI_AGR_WIDE] && !tell_o[`SCSI_AGR_WIDE]) || (in_q[`SCSI_AGR_DT] && !tell_o[`SCSI_AGR_DT])
              || (in_q[`SCSI_AGR_QAS] && !tell_o[`SCSI_AGR_QAS]) || (in_q[`SCSI_AGR_DT] && !in_q[`SCSI_AGR_WIDE])
              || (in_q[`SCSI_AGR_DT] && in_q[`SCSI_AGR_OFFSET] == 7'd0)
              || (in_q[`SCSI_AGR_QAS] && !in_q[`SCSI_AGR_DT] && in_q[`SCSI_AGR_OFFSET] != 7'd0)
              || (heard_q == `INI_EX_PPR && !in_q[`SCSI_AGR_DT] && in_q[`SCSI_AGR_OFFSET] != 7'd0
                  && in_q[`SCSI_AGR_PERIOD] < `SCSI_PERIOD_FAST_40);
          state_q <= DECIDE;
        end

        default: begin  // DECIDE
          state_q <= IDLE;
          asked_q <= 1'b0;
          if (!answer) begin
            ours_q <= 1'b0;
            kind_q <= heard_q;
            tell_o <= common(in_q, faster_q, farther_q);
            say(heard_q);
          end else if (more_q) begin
            agree(kind_q, `SCSI_AGR_ASYNC_8);
            say(`INI_EX_NONE);
            kind_q <= `INI_EX_NONE;
            known_o[target_i] <= 1'b1;
          end else begin
            agree(kind_q, in_q);
            go_on(kind_q == `INI_EX_WDTR ? after_wdtr : `INI_EX_NONE);
          end
        end
      endcase
    end
  endtask

  // A negotiation message, with what it does not speak of at its least; for a target that begins, own abilities are what it is
  // compared with.
  task take_in;
    begin
      in_q <= `SCSI_AGR_ASYNC_8;
      more_q <= 1'b0;
      case (came_ex_q)
        `INI_EX_WDTR: begin
          in_q[`SCSI_AGR_WIDE] <= |ext_i[7:0];
          more_q <= |ext_i[7:1];
        end
        `INI_EX_SDTR: begin
          in_q[`SCSI_AGR_PERIOD] <= ext_i[15:8];
          in_q[`SCSI_AGR_OFFSET] <= ext_i[7] ? 7'h7F : ext_i[6:0];
          more_q <= ext_i[7];
        end
        default: begin
          in_q[`SCSI_AGR_PERIOD] <= ext_i[39:32];
          in_q[`SCSI_AGR_OFFSET] <= ext_i[23] ? 7'h7F : ext_i[22:16];
          in_q[`SCSI_AGR_WIDE] <= |ext_i[15:8];
          in_q[`SCSI_AGR_DT] <= |(ext_i[7:0] & `SCSI_PPR_DT);
          in_q[`SCSI_AGR_QAS] <= |(ext_i[7:0] & `SCSI_PPR_QAS);
          more_q <= ext_i[23] || |ext_i[15:9] || |(ext_i[7:0] & ~(`SCSI_PPR_DT | `SCSI_PPR_QAS | `SCSI_PPR_PCOMP_EN));
        end
      endcase
    end
  endtask

  // What both sides can do, in reply to what a target asks for.
  function [`SCSI_AGR_W-1:0] common;
    input [`SCSI_AGR_W-1:0] asked;
    input faster;
    input farther;
    reg dt;
    begin
      dt = asked[`SCSI_AGR_DT] && tell_o[`SCSI_AGR_DT] && asked[`SCSI_AGR_WIDE] && asked[`SCSI_AGR_OFFSET] != 7'd0;
      common[`SCSI_AGR_OFFSET] = farther ? tell_o[`SCSI_AGR_OFFSET] : asked[`SCSI_AGR_OFFSET];
      common[`SCSI_AGR_PERIOD] = faster ? tell_o[`SCSI_AGR_PERIOD] : asked[`SCSI_AGR_PERIOD];
      if (!dt && common[`SCSI_AGR_PERIOD] < `SCSI_PERIOD_FAST_40) common[`SCSI_AGR_PERIOD] = `SCSI_PERIOD_FAST_40;
      common[`SCSI_AGR_WIDE] = asked[`SCSI_AGR_WIDE] && tell_o[`SCSI_AGR_WIDE];
      common[`SCSI_AGR_DT] = dt;
      common[`SCSI_AGR_QAS] = asked[`SCSI_AGR_QAS] && tell_o[`SCSI_AGR_QAS] && (dt || common[`SCSI_AGR_OFFSET] == 7'd0);
    end
  endfunction

  // Begin this exchange next; none: all has been tried.
  task go_on;
    input [1:0] next;
    begin
      prepare(next);
      if (next == `INI_EX_NONE) known_o[target_i] <= 1'b1;
      else say(next);
    end
  endtask

  task prepare;
    input [1:0] next;
    begin
      kind_q <= next;
      retell_q <= 1'b1;
    end
  endtask

  task tell_own;
    input [1:0] kind;
    tell_o <= {can_qas_q, can_dt_q, can_wide_q, offset_q, kind == `INI_EX_PPR && can_dt_q ? dt_period_q : st_period_q};
  endtask

  task say;
    input [1:0] kind;
    begin
      say_o <= 1'b1;
      kind_o <= kind == `INI_EX_PPR ? `INI_SAY_PPR : kind == `INI_EX_SDTR ? `INI_SAY_SDTR
          : kind == `INI_EX_WDTR ? `INI_SAY_WDTR : `INI_SAY_REJECT;
    end
  endtask

  // What holds with the target after this exchange ended so.
  task agree;
    input [1:0] kind;
    input [`SCSI_AGR_W-1:0] what;
    begin
      set_q <= 1'b1;
      set_at_q <= target_i;
      set_sync_q <= kind != `INI_EX_WDTR && what[`SCSI_AGR_OFFSET] != 7'd0;
      set_qas_q <= kind == `INI_EX_PPR && what[`SCSI_AGR_QAS];
      set_width_q <= kind != `INI_EX_SDTR;
      set_wide_q <= what[`SCSI_AGR_WIDE];
      set_pace_q <= {kind == `INI_EX_PPR && what[`SCSI_AGR_DT], what[`SCSI_AGR_OFFSET], what[`SCSI_AGR_PERIOD]};
    end
  endtask

  task forget;
    input [15:0] whom;
    begin
      for (n = 0; n < 16; n = n + 1)
      if (whom[n]) begin
        sync_q[n] <= 1'b0;
        wide_o[n] <= 1'b0;
        qas_q[n] <= 1'b0;
        known_o[n] <= 1'b0;
      end
      if (whom[target_i]) set_q <= 1'b0;
    end
  endtask

  function [1:0] exchange_of;
    input [4:0] kind;
    case (kind)
      `INI_SAY_WDTR: exchange_of = `INI_EX_WDTR;
      `INI_SAY_SDTR: exchange_of = `INI_EX_SDTR;
      `INI_SAY_PPR: exchange_of = `INI_EX_PPR;
      default: exchange_of = `INI_EX_NONE;
    endcase
  endfunction

endmodule
`default_nettype wire
