// What tgt_disk says a command is: how its data moves.
`ifndef TGT_KINDS_VH
`define TGT_KINDS_VH

`define TGT_KIND_STATUS 2'd0 // no data: status at once
`define TGT_KIND_GENERATED 2'd1 // a few bytes made up on the spot
`define TGT_KIND_READ 2'd2 // blocks from the medium
`define TGT_KIND_WRITE 2'd3 // blocks to the medium

`endif
