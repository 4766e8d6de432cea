// Codes that the units of the initiator share: operations, results, what to say, what was said, the descriptor's layout.
// OPCODE, RESULT and DETAIL values are those of hdl/initiator/regs.toml; a test compares them.
`ifndef INI_DEFS_VH
`define INI_DEFS_VH

// Operations (OP.OPCODE)
`define INI_OP_QUERY 4'd1
`define INI_OP_COMMAND 4'd2
`define INI_OP_MIRROR_WRITE 4'd3

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

// Descriptor: bits 30:0 as register OP, then the data, then what the operation needs more
`define INI_DESC_W 208
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
// What names a nexus: tagged, tag, LUN, target
`define INI_KEY_W 16

// Places in the task table (fixed: its search is built for this number), mirrored writes that can wait at a time
`define INI_TASKS 32
`define INI_GANGS 8

// An entry of the task table: descriptor, saved data pointer, bytes moved, place in a mirrored write, deadline
`define INI_ENT_W 277
`define INI_E_DESC 207:0
`define INI_E_SAVED 224:208
`define INI_E_SAVED_LSB 208
`define INI_E_RANK 228:225
`define INI_E_GANG 231:229
`define INI_E_DETAIL 234:232
`define INI_E_MOVED 251:235
`define INI_E_MOVED_LSB 235
`define INI_E_REST 251:0
`define INI_E_DEADLINE 276:252

`endif
