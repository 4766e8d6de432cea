// What tgt_msg_out reports (the message that a byte has just completed) and what tgt_verdict makes of it.
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
`define TGT_EV_SDTR 5'd15
`define TGT_EV_PPR 5'd16
`define TGT_EV_MIRROR_READ 5'd17
`define TGT_EV_REPORT 5'd18
`define TGT_EV_NEXT 5'd19
`define TGT_EV_CAPABILITY 5'd20
`define TGT_EV_ENDLESS 5'd21 // more bytes than messages can have, and ATN is true still

// Bits of CAPABILITY's flags: who has any of them has STATUS
`define TGT_CAN_SERIES 1

// What the link does about a byte of MESSAGE OUT
`define TGT_DO_NOTHING 4'd0
`define TGT_DO_MORE 4'd1 // the next byte
`define TGT_DO_RESUME 4'd2 // the next message, or go on where the connection stands
`define TGT_DO_REPEAT 4'd3 // wrong parity: all of the phase again
`define TGT_DO_REJECT 4'd4 // MESSAGE REJECT
`define TGT_DO_FREE 4'd5 // give the connection up
`define TGT_DO_AGAIN 4'd6 // send the last MESSAGE IN again
`define TGT_DO_REFUSED 4'd7 // the initiator refuses the last MESSAGE IN
`define TGT_DO_REPORTED 4'd8 // the initiator saw an error in the last phase
`define TGT_DO_KILL 4'd9 // drop tasks, then BUS FREE
`define TGT_DO_RESET 4'd10 // TARGET RESET
`define TGT_DO_ANSWER 4'd11 // answer a proposed agreement
`define TGT_DO_ENROL 4'd12 // answer QUERY with ACCEPT
`define TGT_DO_MIRROR 4'd13 // begin a mirrored operation
`define TGT_DO_HAND_OVER 4'd14 // let the phase lines go
`define TGT_DO_AGREE 4'd15 // answer CAPABILITY

// How a talk of tgt_dialog ended
`define TGT_SAID 4'd0 // the message was accepted, and the initiator has nothing to say
`define TGT_RESUME 4'd1 // the initiator has said what it had to say: go on
`define TGT_REFUSED 4'd2 // it refused the message
`define TGT_REPORTED 4'd3 // it saw an error in the last phase
`define TGT_FREE 4'd4 // the connection has to be given up
`define TGT_DAMAGED 4'd5 // ... since its messages cannot be read
`define TGT_ABORT 4'd6 // ... since it wants tasks dropped
`define TGT_RESET 4'd7 // ... since it wants the target reset
`define TGT_ENROLLED 4'd8 // ... since QUERY has been accepted
`define TGT_MIRROR 4'd9 // a mirrored operation begins
`define TGT_HAND_OVER 4'd10 // the phase lines are to go
`define TGT_AGREED 4'd11 // the answer to CAPABILITY has been accepted

// Which tasks a kill concerns
`define TGT_KILL_TASK 3'd0 // the nexus
`define TGT_KILL_INITIATOR 3'd1 // all of that initiator and LUN
`define TGT_KILL_LUN 3'd2 // all of that LUN
`define TGT_KILL_LUN_RESET 3'd3 // the same, as a reset
`define TGT_KILL_ALL 3'd4

// What tgt_flow and tgt_copy ask of tgt_link, and how that ended
`define TGT_ORDER_NONE 2'd0
`define TGT_ORDER_SAY 2'd1 // a one-byte message
`define TGT_ORDER_DATA 2'd2
`define TGT_ORDER_STATUS 2'd3 // status and TASK COMPLETE
`define TGT_FIN_OK 2'd0
`define TGT_FIN_DAMAGED 2'd1 // wrong parity or CRC in data from the initiator
`define TGT_FIN_REPORTED 2'd2 // the initiator saw wrong parity or CRC
`define TGT_FIN_REFUSED 2'd3 // the initiator refused the message

`endif
