// Bus delays in nanoseconds, as the standard names them, and the conversion to clock ticks.
// Source of the values: SPI-3 bus control timing table and the asynchronous timing rows; where SCSI-2 differs
// (bus set delay 1.8 us, asynchronous setup 55 ns) the value here satisfies both. What the sources leave open (docs/protocol.md 13) can be
// defined on the command line.
`ifndef SCSI_TIMING_VH
`define SCSI_TIMING_VH

// Ticks that last at least `ns`, for a clock of CLK_PERIOD_PS that may be 200 ppm fast.
`define SCSI_TICKS(ns) ((((ns) * 10002) / 10 + CLK_PERIOD_PS - 1) / CLK_PERIOD_PS)
// Ticks that last at most `ns`, for a clock that may be 200 ppm slow (upper limits, window ends).
`define SCSI_TICKS_MAX(ns) ((((ns) * 9998) / 10) / CLK_PERIOD_PS)

`define SCSI_BUS_SETTLE_NS 400
`define SCSI_PHASE_STEADY_NS 100  // how long an initiator doubts a phase line that changes: a quarter of the time it has
`define SCSI_BUS_FREE_NS 800
`define SCSI_BUS_CLEAR_NS 800
`ifndef SCSI_BUS_SET_NS
`define SCSI_BUS_SET_NS 1600
`endif
`define SCSI_ARBITRATION_NS 2400
`ifndef SCSI_QAS_ARBITRATION_NS
`define SCSI_QAS_ARBITRATION_NS 1000
`endif
`define SCSI_QAS_ASSERTION_NS 200
`define SCSI_QAS_RELEASE_NS 200
`define SCSI_QAS_LOOK_NS 700  // after the lines became false: every ID is on the bus, also over two lengths of cable, and no SEL yet
`ifndef SCSI_FAIR_SAMPLE_NS
`define SCSI_FAIR_SAMPLE_NS 2000  // after BSY: between bus set (1600, 1800 in SCSI-2) and arbitration delay
`endif
`define SCSI_SYSTEM_DESKEW_NS 45
`define SCSI_TWO_DESKEW_NS 90
`define SCSI_DATA_RELEASE_NS 400
`define SCSI_DATA_TURNAROUND_NS 800
`ifndef SCSI_ASYNC_SETUP_NS
`define SCSI_ASYNC_SETUP_NS 55
`endif
`define SCSI_ATN_SETUP_NS 90
`define SCSI_SNOOP_ACK_NS 50
`define SCSI_WINNER_SAMPLE_NS 950  // after SEL, seen through the input flops: between bus clear (800) and bus clear + bus settle (1200)
`define SCSI_RESET_DELAY_NS 200
`define SCSI_RESET_HOLD_NS 25000

// Long limits, in microseconds: counted by scsi_us_timer, most are defaults of registers.
`define SCSI_SELECTION_ABORT_US 201
`define SCSI_DISCONNECTION_US 200
`define SCSI_SELECTION_TIMEOUT_US 250000

// Hand-over of the phase lines (docs/protocol.md, hand-over windows), measured from t0 = negation of the last ACK
`define MIRROR_DECIDE_NS 200
`define MIRROR_TAKE_MIN_NS 400
`define MIRROR_TAKE_MAX_NS 5000
`define MIRROR_QUIET_NS 100
`define MIRROR_FIRST_REQ_MAX_NS 8000
`define MIRROR_RECLAIM_NS 10000
`define MIRROR_RELEASE_QUIET_NS 90
`define MIRROR_RELEASE_MAX_NS 1000
`define MIRROR_LOST_RELEASE_NS 10000
// How long an initiator waits for FAILED BLOCK before it goes on
`define MIRROR_FAILED_WAIT_NS 10000

`endif
