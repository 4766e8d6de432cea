// Arbitrates for the bus and, having won, selects a target or reselects an initiator.
//
// Used by scsi_initiator (selection, with or without ATN) and scsi_target (reselection). Rules: SPI-3 normal arbitration,
// selection and reselection phases, selection time-out procedure (b): DB released, SEL kept for the abort time, then all released.
// From `done_o` on the owner drives BSY, I/O and ATN as the connection needs; this module drives them for that one clock more, so
// that no wire drops in between.
`default_nettype none
`include "scsi_timing.vh"

module scsi_arbiter #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,  // RST on the bus: release everything

    // conditioned wires
    input wire        bsy_i,
    input wire        sel_i,
    input wire [15:0] db_i,
    input wire        may_arb_i,  // from scsi_bus_free

    // request; the fields hold while start_i or busy_o
    input wire        start_i,          // arbitrate as soon as the bus allows it
    input wire        reselect_i,       // 1: reselection (asserts I/O), 0: selection
    input wire        atn_i,            // selection with attention
    input wire [ 3:0] own_id_i,
    input wire [ 3:0] peer_id_i,
    input wire [23:0] sel_timeout_us_i,

    output reg  busy_o,     // between driving BSY and done, lost or timeout
    output reg  won_o,      // pulse: SEL has been asserted
    output reg  lost_o,     // pulse: another device won, everything is released
    output reg  done_o,     // pulse: the peer has answered and SEL is released
    output reg  timeout_o,  // pulse: no answer, everything is released

    output reg         drv_bsy_o,
    output reg         drv_sel_o,
    output reg         drv_io_o,
    output reg         drv_atn_o,
    output reg  [15:0] drv_db_o,
    output reg  [ 1:0] drv_dbp_o
);

  localparam ARB_TICKS = `SCSI_TICKS(`SCSI_ARBITRATION_NS);
  localparam WIN_TICKS = `SCSI_TICKS(`SCSI_BUS_CLEAR_NS) + `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  localparam DESKEW_TICKS = `SCSI_TICKS(`SCSI_TWO_DESKEW_NS);
  localparam SETTLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  // A loser waits for SEL; a winner that never asserts it must not leave the loser on the bus for ever.
  localparam LOSER_TICKS = 1023;

  localparam IDLE = 4'd0;  // nothing driven
  localparam ARBITRATE = 4'd1;  // BSY and own ID driven, arbitration delay running
  localparam YIELD = 4'd2;  // a higher ID is there: wait for its SEL
  localparam WIN = 4'd3;  // SEL asserted, bus clear + bus settle running
  localparam ADDRESS = 4'd4;  // both IDs (and ATN or I/O) driven, two deskews running
  localparam CALL = 4'd5;  // BSY released, bus settle before the answer is looked for
  localparam LISTEN = 4'd6;  // wait for BSY
  localparam ABANDON = 4'd7;  // timed out: DB released, a last chance for BSY
  localparam GREET = 4'd8;  // answered: two deskews before SEL is released
  localparam OVER = 4'd9;  // done_o is up

  reg  [ 3:0] state_q;
  reg  [ 9:0] count_q;
  wire        timer_run = state_q == LISTEN || state_q == ABANDON;
  reg         timer_restart_q;
  wire        timer_expired;
  wire [15:0] own_bit = 16'd1 << own_id_i;
  wire [15:0] both = own_bit | (16'd1 << peer_id_i);
  reg  [15:0] higher;  // IDs that win against the own one: 7 > .. > 0 > 15 > .. > 8

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = state_q != IDLE || (start_i && may_arb_i) || won_o || lost_o || timeout_o;

  always @(*) begin
    if (own_id_i[3]) higher = 16'h00FF | (16'hFF00 & ~((own_bit << 1) - 16'd1));
    else higher = 16'h00FF & ~((own_bit << 1) - 16'd1);
  end

  scsi_us_timer #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_timer (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .run_i     (timer_run),
      .hold_i    (1'b0),
      .restart_i (timer_restart_q),
      .limit_us_i(state_q == ABANDON ? 24'd`SCSI_SELECTION_ABORT_US : sel_timeout_us_i),
      .expired_o (timer_expired)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      count_q <= 10'd0;
      timer_restart_q <= 1'b0;
      {busy_o, won_o, lost_o, done_o, timeout_o} <= 5'd0;
      {drv_bsy_o, drv_sel_o, drv_io_o, drv_atn_o} <= 4'd0;
      drv_db_o <= 16'd0;
      drv_dbp_o <= 2'd0;
    end else if (!awake) begin
      // nothing changes
    end else if (bus_rst_i) begin
      state_q <= IDLE;
      {busy_o, won_o, lost_o, done_o, timeout_o} <= 5'd0;
      {drv_bsy_o, drv_sel_o, drv_io_o, drv_atn_o} <= 4'd0;
      drv_db_o <= 16'd0;
      drv_dbp_o <= 2'd0;
    end else begin
      {won_o, lost_o, timeout_o, timer_restart_q} <= 4'd0;
      if (state_q != IDLE) count_q <= count_q + 10'd1;

      case (state_q)
        IDLE:
        if (start_i && may_arb_i) begin
          drv_bsy_o <= 1'b1;
          drv_db_o <= own_bit;
          busy_o <= 1'b1;
          count_q <= 10'd1;
          state_q <= ARBITRATE;
        end

        ARBITRATE:
        if (sel_i) begin
          lose;
        end else if (count_q == ARB_TICKS[9:0]) begin
          count_q <= 10'd1;
          if (|(db_i & higher)) begin
            state_q <= YIELD;
          end else begin
            drv_sel_o <= 1'b1;
            won_o <= 1'b1;
            state_q <= WIN;
          end
        end

        YIELD: if (sel_i || count_q == LOSER_TICKS[9:0]) lose;

        WIN:
        if (count_q == WIN_TICKS[9:0]) begin
          drv_db_o <= both;
          drv_dbp_o <= {|both[15:8] & ~^both[15:8], |both[7:0] & ~^both[7:0]};
          drv_io_o <= reselect_i;
          drv_atn_o <= atn_i;
          count_q <= 10'd1;
          state_q <= ADDRESS;
        end

        ADDRESS:
        if (count_q == DESKEW_TICKS[9:0]) begin
          drv_bsy_o <= 1'b0;
          count_q <= 10'd1;
          state_q <= CALL;
        end

        CALL: if (count_q == SETTLE_TICKS[9:0]) state_q <= LISTEN;

        LISTEN:
        if (bsy_i) begin
          answered;
        end else if (timer_expired) begin
          drv_db_o <= 16'd0;
          drv_dbp_o <= 2'd0;
          timer_restart_q <= 1'b1;
          state_q <= ABANDON;
        end

        ABANDON:
        if (bsy_i) begin
          answered;
        end else if (timer_expired && !timer_restart_q) begin
          drv_sel_o <= 1'b0;
          drv_atn_o <= 1'b0;
          drv_io_o <= 1'b0;
          busy_o <= 1'b0;
          timeout_o <= 1'b1;
          state_q <= IDLE;
        end

        GREET:
        if (count_q == DESKEW_TICKS[9:0]) begin
          drv_sel_o <= 1'b0;
          drv_db_o <= 16'd0;
          drv_dbp_o <= 2'd0;
          done_o <= 1'b1;
          state_q <= OVER;
        end

        default: begin  // OVER
          done_o <= 1'b0;
          busy_o <= 1'b0;
          {drv_bsy_o, drv_io_o, drv_atn_o} <= 3'd0;
          state_q <= IDLE;
        end
      endcase
    end
  end

  task lose;
    begin
      drv_bsy_o <= 1'b0;
      drv_db_o <= 16'd0;
      busy_o <= 1'b0;
      lost_o <= 1'b1;
      state_q <= IDLE;
    end
  endtask

  // A reselecting target asserts BSY beside the initiator's, so that it holds when the initiator lets go.
  task answered;
    begin
      drv_bsy_o <= reselect_i;
      count_q <= 10'd1;
      state_q <= GREET;
    end
  endtask

endmodule
`default_nettype wire
