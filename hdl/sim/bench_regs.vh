// Register numbers of the bench's control mailbox (host_cmd of bench.v). The Python side is
// silentmirror.bench.registers; tests/test_bench.py compares the two.
`ifndef BENCH_REGS_VH
`define BENCH_REGS_VH

// host_cmd = {go, slot[3:0], reg[7:0], data[63:0]}; a change of go makes the command happen
`define BENCH_CMD_BITS 77
`define BENCH_CMD_DATA 63:0
`define BENCH_CMD_REG 71:64
`define BENCH_CMD_SLOT 75:72
`define BENCH_CMD_GO 76

`define BENCH_REG_KIND 8'h00
`define BENCH_REG_CLK_PPB 8'h01
`define BENCH_REG_CLK_PHASE_PS 8'h02
`define BENCH_REG_CLK_RUN 8'h03
`define BENCH_REG_RESET_N 8'h04
`define BENCH_REG_CABLE_PS 8'h05
// {mirror_ext[1:0], fair, qas, dt, offset[6:0], period[7:0], mirror, wide, id[3:0]}
`define BENCH_REG_STRAPS 8'h06
`define BENCH_REG_STALL_US 8'h07
`define BENCH_REG_PART_STALL_US 8'h08
`define BENCH_REG_HOLDOFF_US 8'h09
`define BENCH_REG_SEL_TIMEOUT_US 8'h0A
`define BENCH_REG_TAP 8'h0B
`define BENCH_REG_MED_PATH 8'h10
`define BENCH_REG_MED_OPEN 8'h11
`define BENCH_REG_MED_BLOCKS 8'h12
`define BENCH_REG_MED_BLOCK_LEN 8'h13
`define BENCH_REG_MED_WPROT 8'h14
`define BENCH_REG_MED_LATENCY_NS 8'h15
`define BENCH_REG_MED_FAIL 8'h16
`define BENCH_REG_SAB_TX 8'h20
`define BENCH_REG_SAB_RX 8'h30

// Registers of a saboteur, added to SAB_TX or SAB_RX
`define BENCH_SAB_INVERT 4'h0
`define BENCH_SAB_STICK0 4'h1
`define BENCH_SAB_STICK1 4'h2
`define BENCH_SAB_DELAY 4'h3
`define BENCH_SAB_DROP 4'h4
`define BENCH_SAB_SILENCE 4'h5
`define BENCH_SAB_CLEAR 4'h6

// Values of KIND
`define BENCH_KIND_OFF 2'd0
`define BENCH_KIND_INITIATOR 2'd1
`define BENCH_KIND_TARGET 2'd2
`define BENCH_KIND_PYTHON 2'd3

`endif
