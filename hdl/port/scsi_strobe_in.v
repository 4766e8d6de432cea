// Words that the other device announces with REQ or ACK, captured by the strobe itself and handed over to this device's clock.
//
// Used by tgt_sync (ACK) and ini_sync (REQ); also counts edges where there is no data. A ring of eight words is written at each
// assertion, in DT a second one at each negation; pointers cross to clk_i in Gray code through two flops, so no pulse is too short and
// nothing is known of the other clock. A word may come every clock; the rings only bridge the crossing, they are read at once.
// Outside the phases that open_i frames, edges do nothing.
`default_nettype none
`include "scsi_awake.vh"

module scsi_strobe_in (
    input wire clk_i,
    input wire rst_ni,

    // the wires themselves
    input wire        strobe_i,
    input wire [15:0] db_i,
    input wire [ 1:0] dbp_i,

    input wire open_i,  // strobes count: steady from well before the first edge until after the last
    input wire dt_i,    // negations count too; steady while open
    input wire hold_i,  // nothing more for the moment: at most seven words may wait

    output reg        valid_o,  // pulse: a word came
    output reg        fall_o,   // ... with a negation
    output reg [15:0] db_o,
    output reg [ 1:0] dbp_o
);

  // ---- clocked by the strobe
  reg [ 2:0] rise_wr_q;
  reg [ 2:0] fall_wr_q;
  reg [17:0] rise_mem  [0:7];
  reg [17:0] fall_mem  [0:7];

  function [2:0] gray_next;
    input [2:0] gray;
    case (gray)
      3'b000: gray_next = 3'b001;
      3'b001: gray_next = 3'b011;
      3'b011: gray_next = 3'b010;
      3'b010: gray_next = 3'b110;
      3'b110: gray_next = 3'b111;
      3'b111: gray_next = 3'b101;
      3'b101: gray_next = 3'b100;
      default: gray_next = 3'b000;
    endcase
  endfunction

  always @(posedge strobe_i or negedge rst_ni) begin
    if (!rst_ni) rise_wr_q <= 3'd0;
    else if (open_i) rise_wr_q <= gray_next(rise_wr_q);
  end

  always @(posedge strobe_i) if (open_i) rise_mem[rise_wr_q] <= {dbp_i, db_i};

  always @(negedge strobe_i or negedge rst_ni) begin
    if (!rst_ni) fall_wr_q <= 3'd0;
    else if (open_i && dt_i) fall_wr_q <= gray_next(fall_wr_q);
  end

  always @(negedge strobe_i) if (open_i && dt_i) fall_mem[fall_wr_q] <= {dbp_i, db_i};

  // ---- clocked by clk_i
  reg  [5:0] meta_q;  // {fall, rise} pointers
  reg  [5:0] sync_q;
  reg  [2:0] rise_rd_q;
  reg  [2:0] fall_rd_q;
  reg        turn_q;  // the next word comes with a negation
  wire       there = turn_q ? fall_rd_q != sync_q[5:3] : rise_rd_q != sync_q[2:0];

  // Nothing to do in a clock should cost a simulation nothing.
  wire       awake = `SCSI_AWAKE({fall_wr_q, rise_wr_q} != meta_q || sync_q != meta_q || {fall_rd_q, rise_rd_q} != sync_q || valid_o
      || (turn_q && !open_i));

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      meta_q <= 6'd0;
      sync_q <= 6'd0;
      rise_rd_q <= 3'd0;
      fall_rd_q <= 3'd0;
      {turn_q, valid_o, fall_o} <= 3'd0;
      db_o <= 16'd0;
      dbp_o <= 2'd0;
    end else if (awake) begin
      meta_q <= {fall_wr_q, rise_wr_q};
      sync_q <= meta_q;
      valid_o <= 1'b0;
      if (!open_i) begin
        rise_rd_q <= sync_q[2:0];
        fall_rd_q <= sync_q[5:3];
        turn_q <= 1'b0;
      end else if (there && !hold_i) begin
        valid_o <= 1'b1;
        fall_o <= turn_q;
        {dbp_o, db_o} <= turn_q ? fall_mem[fall_rd_q] : rise_mem[rise_rd_q];
        if (turn_q) fall_rd_q <= gray_next(fall_rd_q);
        else rise_rd_q <= gray_next(rise_rd_q);
        turn_q <= dt_i && !turn_q;
      end
    end
  end

endmodule
`default_nettype wire
