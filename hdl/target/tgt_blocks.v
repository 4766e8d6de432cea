// Which blocks of a command come next: as many as the sector buffer takes, from where the last ones ended or were saved.
//
// Used by scsi_target between tgt_flow, which says what has happened, and the block engine of tgt_medium. What is shown of the next blocks is
// right three clocks after a change.
`default_nettype none

module tgt_blocks #(
    parameter BUF_BYTES = 4096
) (
    input wire        clk_i,
    input wire        rst_ni,
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [12:0] block_len_i,  // 512, 1024, 2048 or 4096
    /* verilator lint_on UNUSEDSIGNAL */

    // pulses of tgt_flow
    input wire        load_i,    // a command's blocks
    input wire [31:0] lba_i,
    input wire [15:0] blocks_i,
    input wire        move_i,    // to the medium or from it; what is written is passed with that
    input wire        write_i,
    input wire        passed_i,  // the initiator has what was read
    input wire        save_i,    // the initiator saves its pointer
    input wire        rewind_i,  // ... and goes back to it

    output reg        none_o,   // no block is left
    output reg        last_o,   // the next blocks are all that are left
    output reg [23:0] bytes_o,  // of the next blocks

    output reg        start_o,  // pulse
    output reg        write_o,
    output reg [31:0] lba_o,
    output reg [15:0] count_o
);

  reg [31:0] lba_q, saved_lba_q;
  reg [15:0] left_q, saved_left_q;
  reg [15:0] chunk_q;
  reg [ 1:0] fresh_q;  // left_q, chunk_q has changed

  // Blocks that the sector buffer takes at a time.
  function [15:0] chunk_of;
    input [15:0] left;
    input [2:0] block_len;  // bits 12:10
    reg [15:0] room;
    begin
      room = block_len[2] ? BUF_BYTES / 4096 : block_len[1] ? BUF_BYTES / 2048 : block_len[0] ? BUF_BYTES / 1024
           : BUF_BYTES / 512;
      chunk_of = left < room ? left : room;
    end
  endfunction

  function [23:0] bytes_of;
    input [15:0] blocks;
    input [2:0] block_len;  // bits 12:10
    bytes_of = {8'd0, blocks} << (block_len[2] ? 4'd12 : block_len[1] ? 4'd11 : block_len[0] ? 4'd10 : 4'd9);
  endfunction

  wire pass = passed_i || (move_i && write_i);

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = load_i || move_i || passed_i || save_i || rewind_i || start_o || fresh_q != 2'd0;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {lba_q, saved_lba_q, lba_o} <= 96'd0;
      {left_q, saved_left_q, chunk_q, count_o} <= 64'd0;
      bytes_o <= 24'd0;
      fresh_q <= 2'd0;
      {none_o, last_o, start_o, write_o} <= 4'd0;
    end else if (awake) begin
      start_o <= move_i;
      if (move_i) begin
        write_o <= write_i;
        lba_o   <= lba_q;
        count_o <= chunk_q;
      end
      if (save_i) {saved_lba_q, saved_left_q} <= {lba_q, left_q};
      if (load_i) begin
        {lba_q, saved_lba_q} <= {lba_i, lba_i};
        {left_q, saved_left_q} <= {blocks_i, blocks_i};
      end else if (rewind_i) begin
        {lba_q, left_q} <= {saved_lba_q, saved_left_q};
      end else if (pass) begin
        lba_q  <= lba_q + {16'd0, chunk_q};
        left_q <= left_q - chunk_q;
      end
      fresh_q <= {fresh_q[0], load_i || rewind_i || pass};
      if (fresh_q[0]) chunk_q <= chunk_of(left_q, block_len_i[12:10]);
      if (fresh_q[1]) begin
        bytes_o <= bytes_of(chunk_q, block_len_i[12:10]);
        last_o  <= left_q == chunk_q;
        none_o  <= left_q == 16'd0;
      end
    end
  end

endmodule
`default_nettype wire
