// Rates of synchronous transfers: transfer periods, and the longest time that each class wants on one side of a strobe edge.
// Source: spi-facts 3.3 (ST), 3.4 (DT) and 7 (transfer period factors). In picoseconds.
`ifndef SCSI_RATES_VH
`define SCSI_RATES_VH

// Clocks that last at least `ps`, for a clock of CLK_PERIOD_PS that may be 200 ppm fast.
`define SCSI_TICKS_PS(ps) ((((ps) / 100) * 10002 / 100 + CLK_PERIOD_PS - 1) / CLK_PERIOD_PS)

// Transfer periods that are not 4 ns times the factor
`define SCSI_PERIOD_FAST_80_PS 12500
`define SCSI_PERIOD_FAST_40_PS 25000
`define SCSI_PERIOD_NS_30_3_PS 30300
`define SCSI_PERIOD_FAST_20_PS 50000
`define SCSI_PERIOD_STEP_PS 4000

// The largest of transmit set-up and hold (ST and DT) and of transmit assertion and negation (ST)
`define SCSI_HALF_FAST_80_PS 4800
`define SCSI_HALF_FAST_40_PS 9600
`define SCSI_HALF_FAST_20_PS 19200
`define SCSI_HALF_FAST_10_PS 38400
`define SCSI_HALF_FAST_5_PS 80000

// pCRC transmit set-up (the larger of two tables), and REQ edge to REQ edge with P_CRCA changing between them
`define SCSI_CRCA_SETUP_FAST_80_PS 14800
`define SCSI_CRCA_SETUP_FAST_40_PS 19600
`define SCSI_CRCA_SETUP_FAST_20_PS 29200
`define SCSI_CRCA_SETUP_FAST_10_PS 48400
`define SCSI_CRCA_CHANGE_FAST_80_PS 24000
`define SCSI_CRCA_CHANGE_FAST_40_PS 35500
`define SCSI_CRCA_CHANGE_FAST_20_PS 54000
`define SCSI_CRCA_CHANGE_FAST_10_PS 97500

`endif
