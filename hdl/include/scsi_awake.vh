// The gate that saves simulation time: while the condition is false, the unit's clocked process would change nothing that anybody sees. A device
// has no use for it, and in synthesis it would only lie in front of every clock enable.
`ifdef SYNTHESIS
`define SCSI_AWAKE(condition) 1'b1
`else
`define SCSI_AWAKE(condition) (condition)
`endif
