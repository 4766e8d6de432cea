// What tgt_disk says a command is: how its data moves.
`ifndef TGT_KINDS_VH
`define TGT_KINDS_VH

`define TGT_KIND_STATUS 3'd0 // no data: status at once
`define TGT_KIND_GENERATED 3'd1 // a few bytes made up on the spot
`define TGT_KIND_READ 3'd2 // blocks from the medium
`define TGT_KIND_WRITE 3'd3 // blocks to the medium
`define TGT_KIND_PARAMETERS 3'd4 // a parameter list for the disk itself, then its status
`define TGT_KIND_SYNC 3'd5 // status once nothing is on its way to the medium

// Commands, whatever their length
`define TGT_CMD_UNKNOWN 4'd0
`define TGT_CMD_READY 4'd1
`define TGT_CMD_SENSE 4'd2
`define TGT_CMD_INQUIRY 4'd3
`define TGT_CMD_CAPACITY 4'd4
`define TGT_CMD_READ 4'd5
`define TGT_CMD_WRITE 4'd6
`define TGT_CMD_SELECT 4'd7
`define TGT_CMD_MODE 4'd8
`define TGT_CMD_SYNC 4'd9
`define TGT_CMD_LUNS 4'd10
`define TGT_CMD_MIRROR_WRITE 4'd11
`define TGT_CMD_MIRROR_READ 4'd12

// What generated data is
`define TGT_GEN_SENSE 3'd0
`define TGT_GEN_INQUIRY 3'd1
`define TGT_GEN_CAPACITY 3'd2
`define TGT_GEN_MODE 3'd3 // with block descriptor
`define TGT_GEN_MODE_SHORT 3'd4 // without
`define TGT_GEN_LUNS 3'd5

// Sense data as tgt_disk, tgt_sense and tgt_pages hand them on
`define TGT_SENSE_W 54
`define TGT_SENSE_CODE 15:0 // {ASC, ASCQ}
`define TGT_SENSE_KEY 19:16
`define TGT_SENSE_DEFERRED 20
`define TGT_SENSE_VALID 21 // the information field holds an LBA
`define TGT_SENSE_INFO 53:22

// The caching page (08h) as MODE SENSE returns it and MODE SELECT must repeat it
`define TGT_CACHING_PAGE 8'h08 // byte 0: page code
`define TGT_CACHING_LENGTH 8'h12 // byte 1: bytes that follow
`define TGT_CACHING_WCE 8'h04 // byte 2: the write cache, the only changeable bit
`define TGT_CACHING_RCD 8'h01 // byte 2: reads come from the medium

`endif
