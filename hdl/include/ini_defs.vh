// Codes that the units of the initiator share: operations, results, what to say, what was said, the descriptor's layout.
// OPCODE, RESULT and DETAIL values are those of hdl/initiator/regs.toml; a test compares them.
`ifndef INI_DEFS_VH
`define INI_DEFS_VH

// Operations (OP.OPCODE)
`define INI_OP_QUERY 4'd1
`define INI_OP_COMMAND 4'd2
`define INI_OP_MIRROR_WRITE 4'd3
`define INI_OP_TASK_MANAGEMENT 4'd4

// Task attributes (TASK.ATTRIBUTE): the offset of the tag message from SIMPLE
`define INI_ATTR_SIMPLE 2'd0
`define INI_ATTR_ORDERED 2'd2

// Functions of TASK_MANAGEMENT (TASK.FUNCTION)
`define INI_FN_ABORT_TASK 3'd0
`define INI_FN_ABORT_TASK_SET 3'd1
`define INI_FN_CLEAR_TASK_SET 3'd2
`define INI_FN_LOGICAL_UNIT_RESET 3'd3
`define INI_FN_TARGET_RESET 3'd4

// Results (CPL1.RESULT)
`define INI_RES_OK 4'd0
`define INI_RES_SEL_TIMEOUT 4'd1
`define INI_RES_BUS_FREE 4'd2
`define INI_RES_PARITY 4'd3
`define INI_RES_REJECTED 4'd4
`define INI_RES_NOT_CAPABLE 4'd5
`define INI_RES_SKIPPED 4'd6
`define INI_RES_RESET 4'd7
`define INI_RES_HANG 4'd8
`define INI_RES_PROTOCOL 4'd9
`define INI_RES_NO_STATUS 4'd10
`define INI_RES_BAD_DESCRIPTOR 4'd11
`define INI_RES_ABORTED 4'd12

// How a target declined a QUERY (CPL1.DETAIL)
`define INI_DET_REJECT 4'd0
`define INI_DET_BUS_FREE 4'd1
`define INI_DET_COMMAND 4'd2
`define INI_DET_MSG_OUT 4'd3
`define INI_DET_OTHER 4'd4

// What the composer can say in a MESSAGE OUT phase
`define INI_SAY_NOP 4'd0
`define INI_SAY_IDENTIFY 4'd1
`define INI_SAY_QUERY 4'd2
`define INI_SAY_WRITE 4'd3
`define INI_SAY_SWITCH 4'd4
`define INI_SAY_RELEASE 4'd5
`define INI_SAY_REJECT 4'd6
`define INI_SAY_PARITY 4'd7
`define INI_SAY_ERROR 4'd8
`define INI_SAY_ABORT 4'd9
`define INI_SAY_WDTR 4'd10
`define INI_SAY_ABORT_SET 4'd11
`define INI_SAY_SDTR 4'd12
`define INI_SAY_PPR 4'd13
`define INI_SAY_MANAGE 4'd14

// What the parser heard in a MESSAGE IN phase
`define INI_MSG_COMPLETE 4'd0
`define INI_MSG_DISCONNECT 4'd1
`define INI_MSG_SAVE 4'd2
`define INI_MSG_RESTORE 4'd3
`define INI_MSG_REJECT 4'd4
`define INI_MSG_IDENTIFY 4'd5
`define INI_MSG_SIMPLE 4'd6
`define INI_MSG_RESIDUE 4'd7
`define INI_MSG_WDTR 4'd8
`define INI_MSG_ACCEPT 4'd9
`define INI_MSG_RECLAIMED 4'd10
`define INI_MSG_UNKNOWN 4'd11
`define INI_MSG_SDTR 4'd12
`define INI_MSG_PPR 4'd13
`define INI_MSG_QAS 4'd14

// Exchanges that make an agreement
`define INI_EX_NONE 2'd0
`define INI_EX_WDTR 2'd1
`define INI_EX_SDTR 2'd2
`define INI_EX_PPR 2'd3

// Descriptor: bits 30:0 as register OP, then the data, then what the operation needs more
`define INI_DESC_W 213
`define INI_D_OPCODE 3:0
`define INI_D_DISC 4
`define INI_D_TAGGED 5
`define INI_D_LAST 6
`define INI_D_TAG 15:8
`define INI_D_TARGET 19:16
`define INI_D_GROUP 23:20
`define INI_D_Z 27:24
`define INI_D_LUN 30:28
`define INI_D_DIR_IN 31
`define INI_D_LEN 55:32
`define INI_D_LEN_LSB 32
`define INI_D_ADDR 79:56
`define INI_D_ADDR_LSB 56
`define INI_D_CDB 207:80
`define INI_D_LBA 111:80
`define INI_D_ORDER 171:112
`define INI_D_LEADER 115:112
`define INI_D_COUNT 175:172
`define INI_D_ATTR 209:208
`define INI_D_FUNCTION 212:210
// What names a nexus: tagged, tag, LUN, target
`define INI_KEY_W 16

// Places in the task table (fixed: its search is built for this number), mirrored writes that can wait at a time
`define INI_TASKS 32
`define INI_GANGS 8

// An entry of the task table: descriptor, saved data pointer, bytes moved, place in a mirrored write, deadline
`define INI_ENT_W 282
`define INI_E_DESC 212:0
`define INI_E_SAVED 229:213
`define INI_E_SAVED_LSB 213
`define INI_E_RANK 233:230
`define INI_E_GANG 236:234
`define INI_E_DETAIL 239:237
`define INI_E_MOVED 256:240
`define INI_E_MOVED_LSB 240
`define INI_E_REST 256:0
`define INI_E_DEADLINE 281:257
// What a search of the table may look for besides one nexus
`define INI_SCOPE_NEXUS 2'd0
`define INI_SCOPE_LUN 2'd1
`define INI_SCOPE_TARGET 2'd2

`endif
