// Generated from hdl/initiator/regs.toml by `python -m silentmirror regs`; do not edit.
// INI_REG_x: byte offset; INI_RST_x: reset value; INI_x_y_MSB, INI_x_y_LSB: bits of field y of register x.
`ifndef INI_REGS_VH
`define INI_REGS_VH

// ro: ASCII 'SMI1'
`define INI_REG_ID 12'h000
`define INI_RST_ID 32'h534D4931

// ro: Capabilities of this instance
`define INI_REG_CAPS 12'h004
`define INI_CAPS_BUF_BYTES_256_MSB 31
`define INI_CAPS_BUF_BYTES_256_LSB 16
`define INI_CAPS_TASKS_MSB 7
`define INI_CAPS_TASKS_LSB 0

// rw: Identity and abilities; change only while idle
`define INI_REG_CONFIG 12'h008
`define INI_RST_CONFIG 32'h00000000
`define INI_CONFIG_OWN_ID_MSB 3
`define INI_CONFIG_OWN_ID_LSB 0
`define INI_CONFIG_WIDE_MSB 4
`define INI_CONFIG_WIDE_LSB 4
`define INI_CONFIG_ENABLE_MSB 5
`define INI_CONFIG_ENABLE_LSB 5
`define INI_CONFIG_FAIR_MSB 6
`define INI_CONFIG_FAIR_LSB 6
`define INI_CONFIG_SEL_RESET_MSB 7
`define INI_CONFIG_SEL_RESET_LSB 7

// wo: Commands to the bus side
`define INI_REG_CONTROL 12'h00C
`define INI_CONTROL_BUS_RESET_MSB 0
`define INI_CONTROL_BUS_RESET_LSB 0
`define INI_CONTROL_FLUSH_MSB 1
`define INI_CONTROL_FLUSH_LSB 1

// ro: State
`define INI_REG_STATUS 12'h010
`define INI_STATUS_READY_MSB 0
`define INI_STATUS_READY_LSB 0
`define INI_STATUS_CONNECTED_MSB 1
`define INI_STATUS_CONNECTED_LSB 1
`define INI_STATUS_OUTSTANDING_MSB 7
`define INI_STATUS_OUTSTANDING_LSB 2
`define INI_STATUS_COMPLETIONS_MSB 15
`define INI_STATUS_COMPLETIONS_LSB 8
`define INI_STATUS_UNLOAD_BUSY_MSB 16
`define INI_STATUS_UNLOAD_BUSY_LSB 16
`define INI_STATUS_LOAD_BUSY_MSB 17
`define INI_STATUS_LOAD_BUSY_LSB 17

// w1c: irq_o = any bit set here and in IRQ_ENABLE
`define INI_REG_IRQ_STATUS 12'h014
`define INI_RST_IRQ_STATUS 32'h00000000
`define INI_IRQ_STATUS_COMPLETION_MSB 0
`define INI_IRQ_STATUS_COMPLETION_LSB 0
`define INI_IRQ_STATUS_BUS_RESET_MSB 1
`define INI_IRQ_STATUS_BUS_RESET_LSB 1
`define INI_IRQ_STATUS_OVERFLOW_MSB 2
`define INI_IRQ_STATUS_OVERFLOW_LSB 2

// rw: Mask of IRQ_STATUS
`define INI_REG_IRQ_ENABLE 12'h018
`define INI_RST_IRQ_ENABLE 32'h00000000
`define INI_IRQ_ENABLE_MASK_MSB 2
`define INI_IRQ_ENABLE_MASK_LSB 0

// rw: Selection time-out
`define INI_REG_SEL_TIMEOUT_US 12'h01C
`define INI_RST_SEL_TIMEOUT_US 32'h0003D090
`define INI_SEL_TIMEOUT_US_US_MSB 23
`define INI_SEL_TIMEOUT_US_US_LSB 0

// rw: No REQ, phase change or BUS FREE for this long in a connection: the initiator asserts RST
`define INI_REG_HANG_TIMEOUT_US 12'h020
`define INI_RST_HANG_TIMEOUT_US 32'h003D0900
`define INI_HANG_TIMEOUT_US_US_MSB 23
`define INI_HANG_TIMEOUT_US_US_LSB 0

// rw: A disconnected task that has not ended after this long completes with NO_STATUS
`define INI_REG_STATUS_TIMEOUT_US 12'h024
`define INI_RST_STATUS_TIMEOUT_US 32'h00989680
`define INI_STATUS_TIMEOUT_US_US_MSB 23
`define INI_STATUS_TIMEOUT_US_US_LSB 0

// rw: While statuses are owed: how long after BUS FREE the initiator leaves arbitration to the targets before it starts something new
`define INI_REG_YIELD_NS 12'h028
`define INI_RST_YIELD_NS 32'h00000FA0
`define INI_YIELD_NS_NS_MSB 15
`define INI_YIELD_NS_NS_LSB 0

// rw: Bound for message resends and switch repeats within one connection
`define INI_REG_RETRIES 12'h02C
`define INI_RST_RETRIES 32'h00000003
`define INI_RETRIES_COUNT_MSB 3
`define INI_RETRIES_COUNT_LSB 0

// rw: Transfers to offer to targets without an agreement, besides CONFIG.WIDE, and extensions to offer to members of a group; change only while idle. 0: asynchronous, no extensions
`define INI_REG_ABILITY 12'h030
`define INI_RST_ABILITY 32'h00000000
`define INI_ABILITY_PERIOD_MSB 7
`define INI_ABILITY_PERIOD_LSB 0
`define INI_ABILITY_OFFSET_MSB 14
`define INI_ABILITY_OFFSET_LSB 8
`define INI_ABILITY_DT_MSB 16
`define INI_ABILITY_DT_LSB 16
`define INI_ABILITY_QAS_MSB 17
`define INI_ABILITY_QAS_LSB 17
`define INI_ABILITY_MIRROR_STATUS_MSB 24
`define INI_ABILITY_MIRROR_STATUS_LSB 24
`define INI_ABILITY_MIRROR_SERIES_MSB 25
`define INI_ABILITY_MIRROR_SERIES_LSB 25

// rw: Descriptor: what to do
`define INI_REG_OP 12'h040
`define INI_RST_OP 32'h00000000
`define INI_OP_OPCODE_MSB 3
`define INI_OP_OPCODE_LSB 0
`define INI_OP_DISC_PRIV_MSB 4
`define INI_OP_DISC_PRIV_LSB 4
`define INI_OP_TAGGED_MSB 5
`define INI_OP_TAGGED_LSB 5
`define INI_OP_LAST_MSB 6
`define INI_OP_LAST_LSB 6
`define INI_OP_TAG_MSB 15
`define INI_OP_TAG_LSB 8
`define INI_OP_TARGET_MSB 19
`define INI_OP_TARGET_LSB 16
`define INI_OP_GROUP_MSB 23
`define INI_OP_GROUP_LSB 20
`define INI_OP_Z_MSB 27
`define INI_OP_Z_LSB 24
`define INI_OP_LUN_MSB 30
`define INI_OP_LUN_LSB 28

// rw: CDB bytes 0 to 3, byte 0 in bits 7:0
`define INI_REG_CDB0 12'h044
`define INI_RST_CDB0 32'h00000000

// rw: CDB bytes 4 to 7
`define INI_REG_CDB1 12'h048
`define INI_RST_CDB1 32'h00000000

// rw: CDB bytes 8 to 11
`define INI_REG_CDB2 12'h04C
`define INI_RST_CDB2 32'h00000000

// rw: CDB bytes 12 to 15
`define INI_REG_CDB3 12'h050
`define INI_RST_CDB3 32'h00000000

// rw: Data length of COMMAND, or of one copy of one block of MIRROR_WRITE and MIRROR_READ
`define INI_REG_DATA_LEN 12'h054
`define INI_RST_DATA_LEN 32'h00000000
`define INI_DATA_LEN_BYTES_MSB 23
`define INI_DATA_LEN_BYTES_LSB 0
`define INI_DATA_LEN_DIR_IN_MSB 31
`define INI_DATA_LEN_DIR_IN_LSB 31

// rw: Where in the block buffer the data lies or goes; even. Block k of a mirrored command is at BUF_ADDR + k * DATA_LEN
`define INI_REG_BUF_ADDR 12'h058
`define INI_RST_BUF_ADDR 32'h00000000
`define INI_BUF_ADDR_BYTE_MSB 23
`define INI_BUF_ADDR_BYTE_LSB 0

// rw: MIRROR_WRITE, MIRROR_READ: logical block of block 0
`define INI_REG_LBA 12'h05C
`define INI_RST_LBA 32'h00000000

// rw: MIRROR_WRITE, MIRROR_READ: z of participants of rank 0 (bits 3:0) to 7 (bits 31:28)
`define INI_REG_ORDER0 12'h060
`define INI_RST_ORDER0 32'h00000000

// rw: MIRROR_WRITE, MIRROR_READ: z of participants of rank 8 (bits 3:0) to 14
`define INI_REG_ORDER1 12'h064
`define INI_RST_ORDER1 32'h00000000

// rw: MIRROR_WRITE, MIRROR_READ: number of participants, 1 to 15
`define INI_REG_COUNT 12'h068
`define INI_RST_COUNT 32'h00000000
`define INI_COUNT_COUNT_MSB 3
`define INI_COUNT_COUNT_LSB 0

// wo: Any write hands the descriptor over; ignored unless STATUS.READY
`define INI_REG_SUBMIT 12'h06C

// rw: Descriptor: how the target shall treat the task, and what TASK_MANAGEMENT asks for
`define INI_REG_TASK 12'h070
`define INI_RST_TASK 32'h00000000
`define INI_TASK_ATTRIBUTE_MSB 1
`define INI_TASK_ATTRIBUTE_LSB 0
`define INI_TASK_FUNCTION_MSB 6
`define INI_TASK_FUNCTION_LSB 4

// rw: Descriptor of MIRROR_WRITE and MIRROR_READ: which blocks, and what to do about members that fail
`define INI_REG_MIRROR 12'h074
`define INI_RST_MIRROR 32'h00000000
`define INI_MIRROR_POLICY_MSB 2
`define INI_MIRROR_POLICY_LSB 0
`define INI_MIRROR_ROUNDS_MSB 6
`define INI_MIRROR_ROUNDS_LSB 3
`define INI_MIRROR_BLOCK_SIZE_MSB 9
`define INI_MIRROR_BLOCK_SIZE_LSB 8
`define INI_MIRROR_BLOCKS_MSB 20
`define INI_MIRROR_BLOCKS_LSB 16
`define INI_MIRROR_SERIES_MSB 28
`define INI_MIRROR_SERIES_LSB 24

// wo: MIRROR_WRITE, MIRROR_READ: each write appends the logical block of the next block, from block 1 on; SUBMIT empties the list
`define INI_REG_SERIES_LBA 12'h078

// ro: Oldest completion, first half. Every descriptor gives one
`define INI_REG_CPL0 12'h080
`define INI_CPL0_VALID_MSB 0
`define INI_CPL0_VALID_LSB 0
`define INI_CPL0_LAST_MSB 1
`define INI_CPL0_LAST_LSB 1
`define INI_CPL0_OPCODE_MSB 7
`define INI_CPL0_OPCODE_LSB 4
`define INI_CPL0_TAG_MSB 15
`define INI_CPL0_TAG_LSB 8
`define INI_CPL0_TARGET_MSB 19
`define INI_CPL0_TARGET_LSB 16
`define INI_CPL0_RANK_MSB 23
`define INI_CPL0_RANK_LSB 20
`define INI_CPL0_STATUS_MSB 31
`define INI_CPL0_STATUS_LSB 24

// ro: Oldest completion, second half; reading it removes the completion, CPL_M0 to CPL_M7 with it. MIRROR_WRITE and MIRROR_READ: OK if every member is OK with GOOD, otherwise MEMBERS
`define INI_REG_CPL1 12'h084
`define INI_CPL1_RESULT_MSB 3
`define INI_CPL1_RESULT_LSB 0
`define INI_CPL1_DETAIL_MSB 7
`define INI_CPL1_DETAIL_LSB 4
`define INI_CPL1_BYTES_MSB 31
`define INI_CPL1_BYTES_LSB 8

// rw: Byte address (even) in the block buffer where the next s_axis frame starts
`define INI_REG_LOAD_ADDR 12'h090
`define INI_RST_LOAD_ADDR 32'h00000000
`define INI_LOAD_ADDR_BYTE_MSB 23
`define INI_LOAD_ADDR_BYTE_LSB 0

// rw: Byte address (even) from which UNLOAD_LEN sends
`define INI_REG_UNLOAD_ADDR 12'h094
`define INI_RST_UNLOAD_ADDR 32'h00000000
`define INI_UNLOAD_ADDR_BYTE_MSB 23
`define INI_UNLOAD_ADDR_BYTE_LSB 0

// rw: A write sends that many bytes as one frame on m_axis
`define INI_REG_UNLOAD_LEN 12'h098
`define INI_RST_UNLOAD_LEN 32'h00000000
`define INI_UNLOAD_LEN_BYTES_MSB 23
`define INI_UNLOAD_LEN_BYTES_LSB 0

// ro: Transfer agreements: bit n = width agreed with SCSI ID n is 16 bit; bit 16+n = negotiation with n is done (AGREED tells all of one)
`define INI_REG_AGREEMENT 12'h0A0

// ro: Bit z: member z of OP.GROUP is enrolled
`define INI_REG_ENROLLED 12'h0A4

// wo: End the agreement with a target that was reset: a bit a SCSI ID; the next COMMAND to it negotiates again
`define INI_REG_FORGET 12'h0A8
`define INI_FORGET_TARGETS_MSB 15
`define INI_FORGET_TARGETS_LSB 0

// rw: Whose agreement AGREED shows
`define INI_REG_AGREED_WITH 12'h0AC
`define INI_RST_AGREED_WITH 32'h00000000
`define INI_AGREED_WITH_TARGET_MSB 3
`define INI_AGREED_WITH_TARGET_LSB 0

// ro: Transfer agreement with AGREED_WITH.TARGET
`define INI_REG_AGREED 12'h0B0
`define INI_AGREED_PERIOD_MSB 7
`define INI_AGREED_PERIOD_LSB 0
`define INI_AGREED_OFFSET_MSB 14
`define INI_AGREED_OFFSET_LSB 8
`define INI_AGREED_WIDE_MSB 15
`define INI_AGREED_WIDE_LSB 15
`define INI_AGREED_DT_MSB 16
`define INI_AGREED_DT_LSB 16
`define INI_AGREED_QAS_MSB 17
`define INI_AGREED_QAS_LSB 17
`define INI_AGREED_DONE_MSB 31
`define INI_AGREED_DONE_LSB 31

// ro: Oldest completion: members 0 and 1 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M0 12'h0C0
`define INI_CPL_M0_STATUS_0_MSB 7
`define INI_CPL_M0_STATUS_0_LSB 0
`define INI_CPL_M0_RESULT_0_MSB 11
`define INI_CPL_M0_RESULT_0_LSB 8
`define INI_CPL_M0_BLOCK_0_MSB 15
`define INI_CPL_M0_BLOCK_0_LSB 12
`define INI_CPL_M0_STATUS_1_MSB 23
`define INI_CPL_M0_STATUS_1_LSB 16
`define INI_CPL_M0_RESULT_1_MSB 27
`define INI_CPL_M0_RESULT_1_LSB 24
`define INI_CPL_M0_BLOCK_1_MSB 31
`define INI_CPL_M0_BLOCK_1_LSB 28

// ro: Oldest completion: members 2 and 3 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M1 12'h0C4
`define INI_CPL_M1_STATUS_2_MSB 7
`define INI_CPL_M1_STATUS_2_LSB 0
`define INI_CPL_M1_RESULT_2_MSB 11
`define INI_CPL_M1_RESULT_2_LSB 8
`define INI_CPL_M1_BLOCK_2_MSB 15
`define INI_CPL_M1_BLOCK_2_LSB 12
`define INI_CPL_M1_STATUS_3_MSB 23
`define INI_CPL_M1_STATUS_3_LSB 16
`define INI_CPL_M1_RESULT_3_MSB 27
`define INI_CPL_M1_RESULT_3_LSB 24
`define INI_CPL_M1_BLOCK_3_MSB 31
`define INI_CPL_M1_BLOCK_3_LSB 28

// ro: Oldest completion: members 4 and 5 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M2 12'h0C8
`define INI_CPL_M2_STATUS_4_MSB 7
`define INI_CPL_M2_STATUS_4_LSB 0
`define INI_CPL_M2_RESULT_4_MSB 11
`define INI_CPL_M2_RESULT_4_LSB 8
`define INI_CPL_M2_BLOCK_4_MSB 15
`define INI_CPL_M2_BLOCK_4_LSB 12
`define INI_CPL_M2_STATUS_5_MSB 23
`define INI_CPL_M2_STATUS_5_LSB 16
`define INI_CPL_M2_RESULT_5_MSB 27
`define INI_CPL_M2_RESULT_5_LSB 24
`define INI_CPL_M2_BLOCK_5_MSB 31
`define INI_CPL_M2_BLOCK_5_LSB 28

// ro: Oldest completion: members 6 and 7 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M3 12'h0CC
`define INI_CPL_M3_STATUS_6_MSB 7
`define INI_CPL_M3_STATUS_6_LSB 0
`define INI_CPL_M3_RESULT_6_MSB 11
`define INI_CPL_M3_RESULT_6_LSB 8
`define INI_CPL_M3_BLOCK_6_MSB 15
`define INI_CPL_M3_BLOCK_6_LSB 12
`define INI_CPL_M3_STATUS_7_MSB 23
`define INI_CPL_M3_STATUS_7_LSB 16
`define INI_CPL_M3_RESULT_7_MSB 27
`define INI_CPL_M3_RESULT_7_LSB 24
`define INI_CPL_M3_BLOCK_7_MSB 31
`define INI_CPL_M3_BLOCK_7_LSB 28

// ro: Oldest completion: members 8 and 9 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M4 12'h0D0
`define INI_CPL_M4_STATUS_8_MSB 7
`define INI_CPL_M4_STATUS_8_LSB 0
`define INI_CPL_M4_RESULT_8_MSB 11
`define INI_CPL_M4_RESULT_8_LSB 8
`define INI_CPL_M4_BLOCK_8_MSB 15
`define INI_CPL_M4_BLOCK_8_LSB 12
`define INI_CPL_M4_STATUS_9_MSB 23
`define INI_CPL_M4_STATUS_9_LSB 16
`define INI_CPL_M4_RESULT_9_MSB 27
`define INI_CPL_M4_RESULT_9_LSB 24
`define INI_CPL_M4_BLOCK_9_MSB 31
`define INI_CPL_M4_BLOCK_9_LSB 28

// ro: Oldest completion: members 10 and 11 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M5 12'h0D4
`define INI_CPL_M5_STATUS_10_MSB 7
`define INI_CPL_M5_STATUS_10_LSB 0
`define INI_CPL_M5_RESULT_10_MSB 11
`define INI_CPL_M5_RESULT_10_LSB 8
`define INI_CPL_M5_BLOCK_10_MSB 15
`define INI_CPL_M5_BLOCK_10_LSB 12
`define INI_CPL_M5_STATUS_11_MSB 23
`define INI_CPL_M5_STATUS_11_LSB 16
`define INI_CPL_M5_RESULT_11_MSB 27
`define INI_CPL_M5_RESULT_11_LSB 24
`define INI_CPL_M5_BLOCK_11_MSB 31
`define INI_CPL_M5_BLOCK_11_LSB 28

// ro: Oldest completion: members 12 and 13 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M6 12'h0D8
`define INI_CPL_M6_STATUS_12_MSB 7
`define INI_CPL_M6_STATUS_12_LSB 0
`define INI_CPL_M6_RESULT_12_MSB 11
`define INI_CPL_M6_RESULT_12_LSB 8
`define INI_CPL_M6_BLOCK_12_MSB 15
`define INI_CPL_M6_BLOCK_12_LSB 12
`define INI_CPL_M6_STATUS_13_MSB 23
`define INI_CPL_M6_STATUS_13_LSB 16
`define INI_CPL_M6_RESULT_13_MSB 27
`define INI_CPL_M6_RESULT_13_LSB 24
`define INI_CPL_M6_BLOCK_13_MSB 31
`define INI_CPL_M6_BLOCK_13_LSB 28

// ro: Oldest completion: members 14 and 15 of MIRROR_WRITE or MIRROR_READ
`define INI_REG_CPL_M7 12'h0DC
`define INI_CPL_M7_STATUS_14_MSB 7
`define INI_CPL_M7_STATUS_14_LSB 0
`define INI_CPL_M7_RESULT_14_MSB 11
`define INI_CPL_M7_RESULT_14_LSB 8
`define INI_CPL_M7_BLOCK_14_MSB 15
`define INI_CPL_M7_BLOCK_14_LSB 12
`define INI_CPL_M7_STATUS_15_MSB 23
`define INI_CPL_M7_STATUS_15_LSB 16
`define INI_CPL_M7_RESULT_15_MSB 27
`define INI_CPL_M7_RESULT_15_LSB 24
`define INI_CPL_M7_BLOCK_15_MSB 31
`define INI_CPL_M7_BLOCK_15_LSB 28

`endif
