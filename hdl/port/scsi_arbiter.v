// Arbitrates for the bus, by normal arbitration or QAS, and, having won, selects a target or reselects an initiator.
//
// Used by scsi_initiator (selection, with or without ATN) and scsi_target (reselection). Rules: SPI-3 normal arbitration,
// selection and reselection phases; QAS as in docs/protocol.md 13; selection time-out procedure (a), RST, or (b): DB released, SEL
// kept for the abort time, then all released. In QAS BSY is somebody else's until SEL, and false from then to the answer.
// From `done_o` on the owner drives BSY, I/O and ATN as the connection needs; this module drives them for that one clock more, so
// that no wire drops in between.
`default_nettype none
`include "scsi_awake.vh"
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
    input wire        may_arb_i,     // from scsi_bus_free
    input wire        qas_open_i,    // from scsi_qas
    input wire        qas_join_i,
    input wire        qas_decide_i,
    input wire        clear_i,       // from scsi_fairness

    input wire cfg_fair_i,   // fair also in normal arbitration
    input wire sel_reset_i,  // selection time-out: 1: ask for RST, 0: procedure (b)

    // request; the fields hold while start_i or busy_o
    input wire        start_i,          // arbitrate as soon as the bus allows it
    input wire        reselect_i,       // 1: reselection (asserts I/O), 0: selection
    input wire        atn_i,            // selection with attention
    input wire [ 3:0] own_id_i,
    input wire [ 3:0] peer_id_i,
    input wire [23:0] sel_timeout_us_i,

    output reg  busy_o,     // between driving the own ID and done, lost or timeout
    output reg  won_o,      // pulse: SEL has been asserted
    output reg  lost_o,     // pulse: another device won, everything is released
    output reg  done_o,     // pulse: the peer has answered and SEL is released
    output reg  timeout_o,  // pulse: no answer; everything is released, or waits for RST
    output reg  reset_o,    // pulse, with timeout_o: RST is to be driven

    output reg         drv_bsy_o,
    output reg         drv_sel_o,
    output reg         drv_io_o,
    output reg         drv_atn_o,
    output reg  [15:0] drv_db_o,
    output reg  [ 1:0] drv_dbp_o
);

  // DB is looked at through two flops and one for the outcome.
  localparam ARB_TICKS = `SCSI_TICKS(`SCSI_ARBITRATION_NS) + 3;
  localparam WIN_TICKS = `SCSI_TICKS(`SCSI_BUS_CLEAR_NS + `SCSI_BUS_SETTLE_NS);
  localparam QAS_WIN_TICKS = `SCSI_TICKS(`SCSI_QAS_ARBITRATION_NS) - 1;  // and a clock in CLEAR
  localparam DESKEW_TICKS = `SCSI_TICKS(`SCSI_TWO_DESKEW_NS);
  localparam GREET_TICKS = DESKEW_TICKS - 3;  // pins to bsy_i are three clocks at least
  localparam SETTLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  // Nobody waits for ever for what another device has to do: a loser for SEL, the winner of QAS for BSY false, RST to be seen.
  localparam PATIENCE_TICKS = 1023;

  localparam IDLE = 4'd0;  // nothing driven
  localparam ARBITRATE = 4'd1;  // own ID driven, and BSY but for QAS; arbitration delay running
  localparam YIELD = 4'd2;  // a higher ID is there: wait for its SEL
  localparam WIN = 4'd3;  // SEL asserted, nothing else may change yet
  localparam ATTEND = 4'd4;  // QAS: ATN or I/O driven, two deskews before the other ID
  localparam ADDRESS = 4'd5;  // both IDs (and ATN or I/O) driven, two deskews running
  localparam CALL = 4'd6;  // BSY is false, bus settle before the answer is looked for
  localparam LISTEN = 4'd7;  // wait for BSY
  localparam ABANDON = 4'd8;  // timed out: DB released, a last chance for BSY
  localparam RESET = 4'd9;  // timed out: all as it is until RST
  localparam GREET = 4'd10;  // answered: two deskews before SEL is released
  localparam OVER = 4'd11;  // done_o is up
  localparam CLEAR = 4'd12;  // QAS: nothing else may change before BSY is false

  reg  [ 3:0] state_q;
  reg  [ 9:0] count_q;  // down
  reg         due_q;  // the time of `allow` has passed
  reg         qas_q;  // by QAS
  reg         beaten_q;  // a higher ID was on DB a clock ago
  reg         timer_run_q, abort_q;  // of a clock ago: LISTEN or ABANDON, ABANDON
  reg         timer_restart_q;
  wire        timer_expired;
  wire [15:0] own_bit = 16'd1 << own_id_i;
  wire [15:0] both = own_bit | (16'd1 << peer_id_i);
  integer n;
  reg  [15:0] above;  // IDs that win against the own one: 7 > .. > 0 > 15 > .. > 8
  reg  [15:0] higher;  // ... of a clock ago

  wire go = start_i && (qas_join_i ? clear_i : may_arb_i && (clear_i || !cfg_fair_i));

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(state_q != IDLE || timer_run_q || go || won_o || lost_o || timeout_o);

  always @(*) begin
    for (n = 0; n < 8; n = n + 1) begin
      above[n] = own_id_i[3] || n[3:0] > own_id_i;
      above[n+8] = own_id_i[3] && n[2:0] > own_id_i[2:0];
    end
  end

  scsi_us_timer #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_timer (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .run_i     (timer_run_q),
      .hold_i    (1'b0),
      .restart_i (timer_restart_q),
      .limit_us_i(abort_q ? 24'd`SCSI_SELECTION_ABORT_US : sel_timeout_us_i),
      .expired_o (timer_expired)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= 10'd0;
      higher <= 16'd0;
      {due_q, qas_q, beaten_q, timer_restart_q, timer_run_q, abort_q} <= 6'd0;
      quit;
    end else if (!awake) begin
      // nothing changes
    end else if (bus_rst_i) begin
      timer_run_q <= 1'b0;
      quit;
    end else begin
      {won_o, lost_o, timeout_o, reset_o, timer_restart_q} <= 5'd0;
      timer_run_q <= state_q == LISTEN || state_q == ABANDON;
      abort_q <= state_q == ABANDON;
      if (state_q != IDLE) begin
        count_q <= count_q - 10'd1;
        due_q <= count_q == 10'd0;
        higher <= above;
        beaten_q <= |(db_i & higher);
      end

      case (state_q)
        IDLE:
        if (go) begin
          qas_q <= qas_join_i;
          drv_bsy_o <= !qas_join_i;
          drv_db_o <= own_bit;
          busy_o <= 1'b1;
          allow(ARB_TICKS[9:0]);
          state_q <= ARBITRATE;
        end

        ARBITRATE:
        if (sel_i || (qas_q && !qas_open_i)) begin
          lose;
        end else if (qas_q ? qas_decide_i : due_q) begin
          if (beaten_q) begin
            allow(PATIENCE_TICKS[9:0]);
            state_q <= YIELD;
          end else begin
            drv_sel_o <= 1'b1;
            won_o <= 1'b1;
            allow(qas_q ? QAS_WIN_TICKS[9:0] : WIN_TICKS[9:0]);
            state_q <= WIN;
          end
        end

        YIELD: if (sel_i || due_q || (qas_q && !qas_open_i)) lose;

        WIN:
        if (due_q && qas_q) begin
          allow(PATIENCE_TICKS[9:0]);
          state_q <= CLEAR;
        end else if (due_q) begin
          drv_io_o <= reselect_i;
          drv_atn_o <= atn_i;
          address;
          allow(DESKEW_TICKS[9:0]);
          state_q <= ADDRESS;
        end

        CLEAR:
        if (!bsy_i) begin
          drv_io_o <= reselect_i;
          drv_atn_o <= atn_i;
          allow(DESKEW_TICKS[9:0]);
          state_q <= ATTEND;
        end else if (due_q) begin
          give_up;
        end

        ATTEND:
        if (due_q) begin
          address;
          allow(SETTLE_TICKS[9:0]);
          state_q <= CALL;
        end

        ADDRESS:
        if (due_q) begin
          drv_bsy_o <= 1'b0;
          allow(SETTLE_TICKS[9:0]);
          state_q <= CALL;
        end

        CALL: if (due_q) state_q <= LISTEN;

        LISTEN:
        if (bsy_i) begin
          answered;
        end else if (timer_expired && sel_reset_i) begin
          timeout_o <= 1'b1;
          reset_o <= 1'b1;
          allow(PATIENCE_TICKS[9:0]);
          state_q <= RESET;
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
          give_up;
        end

        RESET: if (due_q) quit;

        GREET:
        if (due_q) begin
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

  task quit;
    begin
      state_q <= IDLE;
      {busy_o, won_o, lost_o, done_o, timeout_o, reset_o} <= 6'd0;
      {drv_bsy_o, drv_sel_o, drv_io_o, drv_atn_o} <= 4'd0;
      drv_db_o <= 16'd0;
      drv_dbp_o <= 2'd0;
    end
  endtask

  task lose;
    begin
      quit;
      lost_o <= 1'b1;
    end
  endtask

  task give_up;
    begin
      quit;
      timeout_o <= 1'b1;
    end
  endtask

  task address;
    begin
      drv_db_o <= both;
      drv_dbp_o <= {own_id_i[3] && peer_id_i[3], !own_id_i[3] && !peer_id_i[3]};  // two IDs in a byte
    end
  endtask

  // due_q is to be true this many clocks from now, and once only.
  task allow;
    input [9:0] ticks;
    begin
      count_q <= ticks - 10'd2;
      due_q <= 1'b0;
    end
  endtask

  // A reselecting target asserts BSY beside the initiator's, so that it holds when the initiator lets go, and its deskews run from
  // there; an initiator's run from the answer.
  task answered;
    begin
      drv_bsy_o <= reselect_i;
      allow(reselect_i ? DESKEW_TICKS[9:0] : GREET_TICKS[9:0]);
      state_q <= GREET;
    end
  endtask

endmodule
`default_nettype wire
