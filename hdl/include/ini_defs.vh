// Codes that the units of the initiator share: operations, results, what to say, what was said, the descriptor's layout.
// OPCODE, RESULT and DETAIL values are those of hdl/initiator/regs.toml; a test compares them.
`ifndef INI_DEFS_VH
`define INI_DEFS_VH

// Operations (OP.OPCODE)
`define INI_OP_QUERY 4'd1
`define INI_OP_COMMAND 4'd2
`define INI_OP_MIRROR_WRITE 4'd3
`define INI_OP_TASK_MANAGEMENT 4'd4
`define INI_OP_MIRROR_READ 4'd5
`define INI_OP_MIRROR_CAPABILITY 4'd6

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
`define INI_RES_MEMBERS 4'd13
`define INI_RES_DIFFERS 4'd14
`define INI_RES_NOT_NAMED 4'd15

// What a mirrored command does about members that fail (MIRROR.POLICY)
`define INI_POLICY_NONE 3'd0
`define INI_POLICY_AUTO 3'd1
`define INI_POLICY_FROM_LEADER 3'd2
`define INI_POLICY_REGROUP 3'd3
`define INI_POLICY_PLAIN 3'd4

// How a target declined a QUERY (CPL1.DETAIL)
`define INI_DET_REJECT 4'd0
`define INI_DET_BUS_FREE 4'd1
`define INI_DET_COMMAND 4'd2
`define INI_DET_MSG_OUT 4'd3
`define INI_DET_OTHER 4'd4

// What the composer can say in a MESSAGE OUT phase
`define INI_SAY_NOP 5'd0
`define INI_SAY_IDENTIFY 5'd1
`define INI_SAY_QUERY 5'd2
`define INI_SAY_WRITE 5'd3
`define INI_SAY_SWITCH 5'd4
`define INI_SAY_RELEASE 5'd5
`define INI_SAY_REJECT 5'd6
`define INI_SAY_PARITY 5'd7
`define INI_SAY_ERROR 5'd8
`define INI_SAY_ABORT 5'd9
`define INI_SAY_WDTR 5'd10
`define INI_SAY_ABORT_SET 5'd11
`define INI_SAY_SDTR 5'd12
`define INI_SAY_PPR 5'd13
`define INI_SAY_MANAGE 5'd14
`define INI_SAY_CAPABILITY 5'd15
`define INI_SAY_REPORT 5'd16
`define INI_SAY_NEXT 5'd17

// What the parser heard in a MESSAGE IN phase
`define INI_MSG_COMPLETE 5'd0
`define INI_MSG_DISCONNECT 5'd1
`define INI_MSG_SAVE 5'd2
`define INI_MSG_RESTORE 5'd3
`define INI_MSG_REJECT 5'd4
`define INI_MSG_IDENTIFY 5'd5
`define INI_MSG_SIMPLE 5'd6
`define INI_MSG_RESIDUE 5'd7
`define INI_MSG_WDTR 5'd8
`define INI_MSG_ACCEPT 5'd9
`define INI_MSG_RECLAIMED 5'd10
`define INI_MSG_UNKNOWN 5'd11
`define INI_MSG_SDTR 5'd12
`define INI_MSG_PPR 5'd13
`define INI_MSG_QAS 5'd14
`define INI_MSG_CAPABILITY 5'd15
`define INI_MSG_FAILED 5'd16

// Most blocks in a series that this initiator offers
`define INI_SERIES_MAX 5'd16

// Exchanges that make an agreement
`define INI_EX_NONE 2'd0
`define INI_EX_WDTR 2'd1
`define INI_EX_SDTR 2'd2
`define INI_EX_PPR 2'd3

// Descriptor: bits 30:0 as register OP, then the data, then what the operation needs more. A mirrored command of the host becomes one
// or more passes, each a descriptor of one connection (or a COMMAND), with ORDER, COUNT, LBA, ADDR and BLOCKS of its own.
`define INI_DESC_W 217
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
// in place of the CDB, in mirrored commands and passes
`define INI_D_LBA 111:80
`define INI_D_ORDER 171:112
`define INI_D_LEADER 115:112
`define INI_D_COUNT 175:172
// blocks of the command, or of the pass (1 to 16)
`define INI_D_BLOCKS 180:176
// pass: collect statuses in the connection
`define INI_D_REPORT 181
// pass: it may end before its last block; its data are not kept, but compared with what the buffer holds
`define INI_D_SHORT 196
`define INI_D_COMPARE 197
// in place of the ranks, for a participant that owes its status: its result if that is GOOD, first block that it has not got or not right
`define INI_D_FLAW 119:116
`define INI_D_FLAW_BLOCK 123:120
// command only: MIRROR.SERIES, POLICY, ROUNDS, BLOCK_SIZE
`define INI_D_SERIES 186:182
`define INI_D_POLICY 189:187
`define INI_D_ROUNDS 193:190
`define INI_D_BLOCK_SIZE 195:194
`define INI_D_ATTR 209:208
`define INI_D_FUNCTION 212:210
// part of the mirrored command GANG: its outcome goes there, as that of member Z if it is a COMMAND or stands in the task table
`define INI_D_INNER 213
`define INI_D_GANG 216:214
// What names a nexus: tagged, tag, LUN, target
`define INI_KEY_W 16

// Places in the task table (fixed: its search is built for this number), mirrored commands at a time
`define INI_TASKS 32
`define INI_GANGS 8

// An entry of the task table: descriptor, saved data pointer, bytes moved, deadline
`define INI_ENT_W 279
`define INI_E_DESC 216:0
`define INI_E_SAVED 233:217
`define INI_E_SAVED_LSB 217
`define INI_E_DETAIL 236:234
`define INI_E_MOVED 253:237
`define INI_E_MOVED_LSB 237
`define INI_E_REST 253:0
`define INI_E_DEADLINE 278:254
// Passes of a mirrored command: who takes part
`define INI_PASS_ALL 3'd0  // everybody that has not failed for good
`define INI_PASS_FROM_LEADER 3'd1  // ... up to the rank marked (way A)
`define INI_PASS_REGROUP 3'd2  // who was unsuccessful; the leader before may go last (way B)
`define INI_PASS_ROTATE 3'd3  // everybody, from the rank after the one marked on (first copy of a read was bad)
`define INI_PASS_LEAD 3'd4  // the leader before, then who was unsuccessful (read)
`define INI_PASS_PLAIN 3'd5  // the rank marked, by a plain command (way C)

// A completion: CPL1, CPL0
`define INI_CPL_OPCODE 7:4

// What a search of the table may look for besides one nexus
`define INI_SCOPE_NEXUS 2'd0
`define INI_SCOPE_LUN 2'd1
`define INI_SCOPE_TARGET 2'd2

`endif
