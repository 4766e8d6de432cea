// Sends words with REQ or ACK: synchronous ST (a pulse a word) and DT (a transition a word), with or without data.
//
// Used by tgt_sync and ini_sync. With data: word on the bus, strobe edge half a transfer later, next word after the other half; in ST the
// strobe is negated with the next word. Without data the edge comes at once, and the next no sooner than a transfer later. P_CRCA
// moves half a transfer after an edge and is steady long enough before the next, which stretches that transfer. Rules: transmit times
// of spi-facts 3.3 and 3.4, of which scsi_period makes clocks.
`default_nettype none
`include "scsi_awake.vh"

module scsi_strobe_out #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    input wire       clear_i,  // strobe false, nothing driven
    input wire       dt_i,
    input wire       data_i,   // words go with the strobes
    input wire [7:0] factor_i, // transfer period factor, steady from four clocks before the first word

    input  wire        p_crca_i,  // level that goes with the next strobe; target in DT, otherwise 0
    input  wire        valid_i,   // a strobe may go, with db_i and, in ST, its parity; two clocks between takes
    input  wire        wide_i,
    input  wire [15:0] db_i,
    output wire        take_o,    // pulse
    output wire        rest_o,    // nothing under way

    output reg         drv_strobe_o,
    output reg  [15:0] drv_db_o,
    output reg  [ 1:0] drv_dbp_o
);

  localparam REST = 2'd0;  // the next word may go on the bus at once
  localparam SETUP = 2'd1;  // word on the bus, edge to come
  localparam HOLD = 2'd2;  // edge given
  localparam GAP = 2'd3;  // time that must pass before the next word or edge

  reg  [1:0] state_q;
  reg  [7:0] count_q;  // clocks until the state's time is over
  reg        over_q;   // count_q is 0

  // Transfer period in clocks, worked out step by step when it changes
  reg  [7:0] factor_q;
  reg  [2:0] fresh_q;
  reg  [7:0] whole_q;
  reg  [7:0] class_q;
  reg  [7:0] setup_q;  // less one: word to edge
  reg  [7:0] hold_q;   // ... edge to next word
  reg  [7:0] crca_q;   // ... P_CRCA to edge
  wire [7:0] whole, class_crca;

  scsi_period #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_period (
      .factor_i(factor_i),
      .whole_o (whole),
      .crca_o  (class_crca)
  );

  wire       moves = p_crca_i != (dt_i && drv_dbp_o[0]);
  wire       due = state_q == REST || (over_q && (state_q == GAP || (state_q == HOLD && data_i)));

  assign take_o = due && valid_i && (data_i || !moves) && !clear_i;
  assign rest_o = state_q == REST;

  // Nothing to do in a clock should cost a simulation nothing.
  wire       awake = `SCSI_AWAKE(state_q != REST || valid_i || moves || (clear_i && {drv_strobe_o, drv_db_o, drv_dbp_o} != 19'd0)
      || factor_i != factor_q || fresh_q != 3'd0);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      off;
      factor_q <= 8'd0;
      fresh_q <= 3'b111;
      whole_q <= 8'd2;
      {class_q, setup_q, hold_q, crca_q} <= 32'd0;
    end else if (awake) begin
      factor_q <= factor_i;
      fresh_q <= {fresh_q[1:0], factor_i != factor_q};
      whole_q <= whole;
      class_q <= class_crca;
      setup_q <= {1'b0, whole_q[7:1]} - 8'd1;
      hold_q <= {1'b0, whole_q[7:1]} - {7'd0, !whole_q[0]};
      crca_q <= class_q > setup_q ? class_q : setup_q;
      if (clear_i) begin
        off;
      end else begin
        count_q <= count_q - 8'd1;
        over_q <= count_q == 8'd1;
        if (state_q == SETUP && over_q) edge_now;
        if (state_q == HOLD && over_q) begin
          if (!dt_i) drv_strobe_o <= 1'b0;
          if (!data_i) pause(GAP);
          if (moves) drv_dbp_o[0] <= p_crca_i;
        end
        if (due) next;
      end
    end
  end

  // The bus is free for the next word.
  task next;
    begin
      if (moves) drv_dbp_o[0] <= p_crca_i;
      if (take_o && data_i) begin
        drv_db_o <= {wide_i ? db_i[15:8] : 8'd0, db_i[7:0]};
        if (!dt_i) drv_dbp_o <= {wide_i && ~^db_i[15:8], ~^db_i[7:0]};
        pause(SETUP);
      end else if (take_o) begin
        edge_now;
      end else if (moves) begin
        pause(GAP);
      end else begin
        state_q <= REST;
      end
    end
  endtask

  task edge_now;
    begin
      drv_strobe_o <= dt_i ? !drv_strobe_o : 1'b1;
      count_q <= hold_q;
      over_q <= hold_q == 8'd0;
      state_q <= HOLD;
    end
  endtask

  // The time before an edge.
  task pause;
    input [1:0] state;
    begin
      count_q <= moves ? crca_q : setup_q;
      over_q <= moves ? crca_q == 8'd0 : setup_q == 8'd0;
      state_q <= state;
    end
  endtask

  task off;
    begin
      state_q <= REST;
      count_q <= 8'd0;
      over_q <= 1'b0;
      drv_strobe_o <= 1'b0;
      drv_db_o <= 16'd0;
      drv_dbp_o <= 2'd0;
    end
  endtask

endmodule
`default_nettype wire
