// Transfer agreements between two devices: their layout as one vector, and the codes that SDTR and PPR carry.
`ifndef SCSI_AGREEMENT_VH
`define SCSI_AGREEMENT_VH

// Layout
`define SCSI_AGR_W 18
`define SCSI_AGR_PERIOD 7:0 // transfer period factor of SDTR and PPR
`define SCSI_AGR_OFFSET 14:8 // REQ/ACK offset, 0 = asynchronous; DT: in transitions
`define SCSI_AGR_WIDE 15
`define SCSI_AGR_DT 16
`define SCSI_AGR_QAS 17
`define SCSI_AGR_ASYNC_8 18'd0

// Transfer period factors with a name; from 0Dh on a factor counts 4 ns
`define SCSI_PERIOD_FAST_80 8'h09
`define SCSI_PERIOD_FAST_40 8'h0A
`define SCSI_PERIOD_NS_30_3 8'h0B
`define SCSI_PERIOD_FAST_20 8'h0C
`define SCSI_PERIOD_FAST_10 8'h19
`define SCSI_PERIOD_FAST_5 8'h32

// Option bits of PPR
`define SCSI_PPR_IU 8'h01
`define SCSI_PPR_DT 8'h02
`define SCSI_PPR_QAS 8'h04
`define SCSI_PPR_PCOMP_EN 8'h80 // not asked for: each side states it for the other's transmitter

`endif
