// The transfer agreements of a drive, one for each initiator, and its answers to WDTR, SDTR and PPR.
//
// Used by scsi_target. Rules: the answer is the nearest to what was asked that the drive can do (docs/protocol.md, agreements): a period
// that is not shorter, an offset and a width that are not larger, only options that were asked for, never information units. QAS goes with
// DT or with asynchronous transfers (SPI-3). An answer counts once tgt_dialog says that the initiator has let it pass, or with the next question.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"

module tgt_agreement (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       clear_i,       // RST or TARGET RESET: nothing is agreed with anybody
    input wire       cfg_wide_i,
    input wire [7:0] cfg_period_i,  // 0: asynchronous only
    input wire [6:0] cfg_offset_i,
    input wire       cfg_dt_i,
    input wire       cfg_qas_i,
    input wire [3:0] initiator_i,
    input wire       open_i,        // there is a connection; an answer does not outlive it

    // the message of the initiator
    input wire [ 4:0] event_i,  // WDTR, SDTR or PPR: its arguments are taken over
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [39:0] args_i,   // last byte at the bottom
    /* verilator lint_on UNUSEDSIGNAL */

    // from tgt_link
    input wire propose_i,  // pulse: make the answer
    input wire accept_i,   // pulse: it counts
    input wire refuse_i,   // pulse: the initiator refuses it

    output reg        ready_o,   // the answer is complete
    output wire [3:0] length_o,  // of the answer, in bytes
    input  wire [2:0] index_i,   // byte of the answer, from 1 on
    output reg  [7:0] byte_o,

    output reg  [`SCSI_AGR_W-1:0] agree_o,  // with initiator_i
    output reg                    qas_o     // somebody has agreed on QAS
);

  localparam IDLE = 2'd0;
  localparam LIMIT = 2'd1;  // offset, width and options within what was asked and what the drive can do
  localparam PERIOD = 2'd2;  // period within what they allow
  localparam STORE = 2'd3;  // what has been agreed goes to the table

  reg [1:0] state_q;
  reg [`SCSI_AGR_W-1:0] table_q[0:15];
  reg [15:0] valid_q;  // by initiator: the table has its agreement
  reg [15:0] with_qas_q;
  reg [3:0] shown_q;  // initiator of agree_o
  reg stale_q;  // the table has changed

  reg wdtr_q, sdtr_q;  // the message under way; neither: PPR
  reg [7:0] asked_period_q, asked_offset_q, asked_width_q;
  reg [2:1] asked_options_q;  // QAS, DT
  reg [7:0] able_q, able_dt_q;  // fastest period factors that are possible
  reg [7:0] period_q;
  reg [6:0] offset_q;
  reg wide_q, dt_q, qas_q;
  reg [`SCSI_AGR_W-1:0] next_q;  // what holds once the answer counts
  reg next_qas_q;
  reg pending_q;  // an answer has been made and has neither passed nor been refused

  wire negotiates = event_i == `TGT_EV_WDTR || event_i == `TGT_EV_SDTR || event_i == `TGT_EV_PPR;
  wire syncs = cfg_period_i != 8'd0 && !wdtr_q;
  wire [6:0] asked_offset = asked_offset_q[7] ? 7'h7F : asked_offset_q[6:0];
  wire [6:0] offset = !syncs ? 7'd0 : asked_offset < cfg_offset_i ? asked_offset : cfg_offset_i;
  wire some = syncs && asked_offset_q != 8'd0 && cfg_offset_i != 7'd0;  // offset is not 0
  wire wide = cfg_wide_i && asked_width_q != 8'd0 && !sdtr_q;
  wire dt = cfg_dt_i && wide && some && asked_options_q[1];
  wire [7:0] able = dt_q ? able_dt_q : able_q;
  wire [7:0] period = asked_period_q < able ? able : asked_period_q;

  /* verilator lint_off UNUSEDSIGNAL */
  wire [7:0] arguments = wdtr_q ? `SCSI_EXT_WDTR_LEN : sdtr_q ? `SCSI_EXT_SDTR_LEN : `SCSI_EXT_PPR_LEN;
  /* verilator lint_on UNUSEDSIGNAL */

  wire [15:0] own = 16'd1 << initiator_i;

  assign length_o = arguments[3:0] + 4'd2;

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(clear_i || negotiates || propose_i || accept_i || refuse_i || state_q != IDLE || stale_q
      || initiator_i != shown_q || (pending_q && !open_i));

  always @(posedge clk_i) if (state_q == STORE) table_q[initiator_i] <= next_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {valid_q, with_qas_q} <= 32'd0;
      shown_q <= 4'd0;
      qas_o <= 1'b0;
      {stale_q, ready_o, wdtr_q, sdtr_q, wide_q, dt_q, qas_q, next_qas_q, pending_q} <= 9'd0;
      {asked_period_q, asked_offset_q, asked_width_q, period_q} <= 32'd0;
      {able_q, able_dt_q} <= 16'd0;
      asked_options_q <= 2'd0;
      offset_q <= 7'd0;
      next_q <= `SCSI_AGR_ASYNC_8;
      agree_o <= `SCSI_AGR_ASYNC_8;
    end else if (awake) begin
      shown_q <= initiator_i;
      qas_o <= with_qas_q != 16'd0;
      stale_q <= clear_i || state_q == STORE;
      agree_o <= valid_q[initiator_i] ? table_q[initiator_i] : `SCSI_AGR_ASYNC_8;
      if (negotiates) take_over;
      if (clear_i || !open_i) pending_q <= 1'b0;
      if (clear_i) begin
        state_q <= IDLE;
        {valid_q, with_qas_q} <= 32'd0;
      end else begin
        step;
      end
    end
  end

  task step;
    case (state_q)
      IDLE:
      if (propose_i) begin
        ready_o <= 1'b0;
        state_q <= LIMIT;
      end else if (refuse_i) begin
        pending_q <= 1'b0;
        // 8 bit and asynchronous; a refused SDTR leaves the width
        next_q <= `SCSI_AGR_ASYNC_8;
        next_q[`SCSI_AGR_WIDE] <= sdtr_q && agree_o[`SCSI_AGR_WIDE];
        next_qas_q <= 1'b0;
        state_q <= STORE;
      end else if (pending_q && (accept_i || negotiates)) begin
        pending_q <= 1'b0;
        state_q <= STORE;
      end
      LIMIT: begin
        offset_q <= offset;
        wide_q <= wide;
        dt_q <= dt;
        able_q <= cfg_period_i < `SCSI_PERIOD_FAST_40 ? `SCSI_PERIOD_FAST_40 : cfg_period_i;
        able_dt_q <= cfg_period_i < `SCSI_PERIOD_FAST_80 ? `SCSI_PERIOD_FAST_80 : cfg_period_i;
        qas_q <= cfg_qas_i && asked_options_q[2] && (dt || !some);
        state_q <= PERIOD;
      end
      PERIOD: begin
        period_q <= period;
        next_q[`SCSI_AGR_PERIOD] <= offset_q == 7'd0 ? 8'd0 : period;
        next_q[`SCSI_AGR_OFFSET] <= offset_q;
        next_q[`SCSI_AGR_WIDE] <= sdtr_q ? agree_o[`SCSI_AGR_WIDE] : wide_q;
        next_q[`SCSI_AGR_DT] <= dt_q;
        next_q[`SCSI_AGR_QAS] <= qas_q;
        next_qas_q <= qas_q;
        pending_q <= 1'b1;
        ready_o <= 1'b1;
        state_q <= IDLE;
      end
      default: begin  // STORE
        valid_q <= valid_q | own;
        with_qas_q <= with_qas_q & ~own | (next_qas_q ? own : 16'd0);
        state_q <= IDLE;
      end
    endcase
  endtask

  task take_over;
    begin
      wdtr_q <= event_i == `TGT_EV_WDTR;
      sdtr_q <= event_i == `TGT_EV_SDTR;
      asked_options_q <= 2'd0;
      case (event_i)
        `TGT_EV_WDTR: asked_width_q <= args_i[7:0];
        `TGT_EV_SDTR: {asked_period_q, asked_offset_q} <= args_i[15:0];
        default: begin
          asked_period_q <= args_i[39:32];
          {asked_offset_q, asked_width_q} <= args_i[23:8];
          asked_options_q <= args_i[2:1];
        end
      endcase
    end
  endtask

  // The answer after its first byte: length, code, arguments.
  always @(*) begin
    case (index_i)
      3'd1: byte_o = arguments;
      3'd2: byte_o = wdtr_q ? `SCSI_EXT_WDTR : sdtr_q ? `SCSI_EXT_SDTR : `SCSI_EXT_PPR;
      3'd3: byte_o = wdtr_q ? {7'd0, wide_q} : period_q;
      3'd4: byte_o = sdtr_q ? {1'b0, offset_q} : 8'd0;
      3'd5: byte_o = {1'b0, offset_q};
      3'd6: byte_o = {7'd0, wide_q};
      default: byte_o = (dt_q ? `SCSI_PPR_DT : 8'd0) | (qas_q ? `SCSI_PPR_QAS : 8'd0);
    endcase
  end

endmodule
`default_nettype wire
