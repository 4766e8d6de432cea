// What tgt_msg_out reports: the message that a byte has just completed.
`ifndef TGT_EVENTS_VH
`define TGT_EVENTS_VH

`define TGT_EV_NONE 5'd0
`define TGT_EV_IDENTIFY 5'd1
`define TGT_EV_TAG 5'd2
`define TGT_EV_NO_OPERATION 5'd3
`define TGT_EV_MESSAGE_REJECT 5'd4
`define TGT_EV_PARITY_ERROR 5'd5
`define TGT_EV_DETECTED_ERROR 5'd6
`define TGT_EV_ABORT 5'd7 // ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET
`define TGT_EV_TARGET_RESET 5'd8
`define TGT_EV_WDTR 5'd9
`define TGT_EV_QUERY 5'd10
`define TGT_EV_MIRROR_WRITE 5'd11
`define TGT_EV_SWITCH 5'd12
`define TGT_EV_RELEASE 5'd13
`define TGT_EV_UNKNOWN 5'd14 // unknown or malformed: to be rejected

`endif
