// Drives RST for the reset hold time, when the host or a selection time-out asks for it or when a connection hangs.
//
// Used by scsi_initiator. What RST does is decided by the wire alone, whoever drives it.
`default_nettype none
`include "scsi_timing.vh"

module ini_reset #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    input wire        host_i,     // pulse: the host asks, or a selection time-out
    input wire        conn_i,     // connected, or answering a reselection
    input wire        alive_i,    // something happens in the connection
    input wire [23:0] hang_us_i,

    output reg drv_rst_o,
    output reg hang_o      // RST is driven because of a hanging connection
);

  localparam HOLD_TICKS = `SCSI_TICKS(`SCSI_RESET_HOLD_NS);

  wire        hangs;
  reg  [12:0] count_q;
  reg         alive_q;

  wire        awake = drv_rst_o || host_i || hangs;

  scsi_us_timer #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_hang (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .run_i     (conn_i),
      .hold_i    (1'b0),
      .restart_i (alive_q),
      .limit_us_i(hang_us_i),
      .expired_o (hangs)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) alive_q <= 1'b0;
    else if (alive_q != alive_i) alive_q <= alive_i;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drv_rst_o <= 1'b0;
      hang_o <= 1'b0;
      count_q <= 13'd0;
    end else if (!awake) begin
      // nothing changes
    end else if (drv_rst_o) begin
      count_q <= count_q - 13'd1;
      if (count_q == 13'd1) begin
        drv_rst_o <= 1'b0;
        hang_o <= 1'b0;
      end
    end else begin
      drv_rst_o <= 1'b1;
      hang_o <= hangs;
      count_q <= HOLD_TICKS[12:0];
    end
  end

endmodule
`default_nettype wire
