// From a transfer period factor to clocks: a table.
//
// Used by scsi_strobe_out. A transfer takes the least number of clocks that is not shorter than the agreed period (exact multiples have
// no margin: the clock's own tolerance is that of the bus). Rules: transfer periods of spi-facts 7, transmit times of 3.3 and 3.4.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_rates.vh"

module scsi_period #(
    parameter CLK_PERIOD_PS = 6250
) (
    input  wire [7:0] factor_i,
    output wire [7:0] whole_o,  // clocks of a transfer
    output wire [7:0] crca_o    // clocks less one from a change of P_CRCA to the strobe, where half a transfer is less
);

  generate
    if (CLK_PERIOD_PS < 4000 || CLK_PERIOD_PS > 20000) begin : g_bad_period
      clk_period_ps_must_be_4000_to_20000 u_error ();
    end
  endgenerate

  localparam FAST_80 = {24'd0, `SCSI_PERIOD_FAST_80};
  localparam FAST_40 = {24'd0, `SCSI_PERIOD_FAST_40};
  localparam NS_30_3 = {24'd0, `SCSI_PERIOD_NS_30_3};
  localparam FAST_20 = {24'd0, `SCSI_PERIOD_FAST_20};
  localparam FAST_10 = {24'd0, `SCSI_PERIOD_FAST_10};
  localparam FAST_5 = {24'd0, `SCSI_PERIOD_FAST_5};

  localparam HALF_80 = `SCSI_TICKS_PS(`SCSI_HALF_FAST_80_PS);
  localparam HALF_40 = `SCSI_TICKS_PS(`SCSI_HALF_FAST_40_PS);
  localparam HALF_20 = `SCSI_TICKS_PS(`SCSI_HALF_FAST_20_PS);
  localparam HALF_10 = `SCSI_TICKS_PS(`SCSI_HALF_FAST_10_PS);
  localparam HALF_5 = `SCSI_TICKS_PS(`SCSI_HALF_FAST_5_PS);

  // Clocks between two transfers.
  function integer whole;
    input integer factor;
    integer ps;
    integer half;
    begin
      case (factor)
        FAST_80: ps = `SCSI_PERIOD_FAST_80_PS;
        FAST_40: ps = `SCSI_PERIOD_FAST_40_PS;
        NS_30_3: ps = `SCSI_PERIOD_NS_30_3_PS;
        FAST_20: ps = `SCSI_PERIOD_FAST_20_PS;
        default: ps = factor * `SCSI_PERIOD_STEP_PS;
      endcase
      half = factor < FAST_40 ? HALF_80 : factor < FAST_20 ? HALF_40
           : factor < FAST_10 ? HALF_20 : factor < FAST_5 ? HALF_10 : HALF_5;
      whole = (ps + CLK_PERIOD_PS - 1) / CLK_PERIOD_PS;
      if (whole < 2 * half) whole = 2 * half;
    end
  endfunction

  function integer larger;
    input integer a;
    input integer b;
    larger = a > b ? a : b;
  endfunction

  // Clocks from a change of P_CRCA to the next edge, less one, at the fastest rate of each class; the hold time before it is `whole` less half.
  localparam integer LESS_80 = larger(`SCSI_TICKS_PS(`SCSI_CRCA_SETUP_FAST_80_PS),
                              `SCSI_TICKS_PS(`SCSI_CRCA_CHANGE_FAST_80_PS) - (whole(FAST_80) + 1) / 2) - 1;
  localparam integer LESS_40 = larger(`SCSI_TICKS_PS(`SCSI_CRCA_SETUP_FAST_40_PS),
                              `SCSI_TICKS_PS(`SCSI_CRCA_CHANGE_FAST_40_PS) - (whole(FAST_40) + 1) / 2) - 1;
  localparam integer LESS_20 = larger(`SCSI_TICKS_PS(`SCSI_CRCA_SETUP_FAST_20_PS),
                              `SCSI_TICKS_PS(`SCSI_CRCA_CHANGE_FAST_20_PS) - (whole(FAST_20) + 1) / 2) - 1;
  localparam integer LESS_10 = larger(`SCSI_TICKS_PS(`SCSI_CRCA_SETUP_FAST_10_PS),
                              `SCSI_TICKS_PS(`SCSI_CRCA_CHANGE_FAST_10_PS) - (whole(FAST_10) + 1) / 2) - 1;

  // A table, since the factor is only known at run time.
  reg [7:0] whole_rom[0:255];
  integer   n;
  initial begin
    /* verilator lint_off WIDTHTRUNC */
    for (n = 0; n < 256; n = n + 1) whole_rom[n] = whole(n < FAST_80 ? FAST_80 : n);
    /* verilator lint_on WIDTHTRUNC */
  end

  assign whole_o = whole_rom[factor_i];
  assign crca_o = factor_i < FAST_40[7:0] ? LESS_80[7:0] : factor_i < FAST_20[7:0] ? LESS_40[7:0]
                : factor_i < FAST_10[7:0] ? LESS_20[7:0] : LESS_10[7:0];

endmodule
`default_nettype wire
