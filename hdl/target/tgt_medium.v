// The sector buffer, and the engine that moves whole blocks between it and the medium.
//
// Used by scsi_target: DATA OUT fills the buffer and a write empties it to the medium, a read fills it and DATA IN empties it.
// 16-bit words, byte 2n in bits 7:0. One direction at a time; the link sees to that. Words for the medium are read one ahead, since a
// memory is slow.
`default_nettype none
`include "scsi_awake.vh"

module tgt_medium #(
    parameter BUF_BYTES = 4096
) (
    input wire clk_i,
    input wire rst_ni,

    // bus side
    input  wire        we_i,
    input  wire [14:0] addr_i,   // word; bits above the buffer's size are zero
    input  wire [15:0] wdata_i,
    input  wire        read_i,   // towards the bus
    output reg  [15:0] rdata_o,  // word addr_i of one clock ago, while read_i and no blocks move

    // block engine
    input  wire        start_i,     // pulse
    input  wire        write_i,
    input  wire [31:0] lba_i,
    input  wire [15:0] blocks_i,
    output reg         busy_o,
    output reg         done_o,      // pulse
    output reg         error_o,     // with done_o

    output reg         med_start_o,
    output reg         med_write_o,
    output reg  [31:0] med_lba_o,
    output reg         med_wvalid_o,
    output reg  [15:0] med_wdata_o,
    input  wire        med_wready_i,
    input  wire        med_rvalid_i,
    input  wire [15:0] med_rdata_i,
    output wire        med_rready_o,
    input  wire        med_done_i,
    input  wire        med_error_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [12:0] med_block_len_i  // even
    /* verilator lint_on UNUSEDSIGNAL */
);

  localparam WORDS = BUF_BYTES / 2;
  localparam TOP = $clog2(WORDS) - 1;

  generate
    if (BUF_BYTES < 4096 || BUF_BYTES > 65536 || BUF_BYTES % 4096 != 0) begin : g_bad_buf
      buf_bytes_must_be_a_multiple_of_4096_up_to_65536 u_error ();
    end
  endgenerate

  (* no_rw_check *)  // nobody reads what is written in the same clock
  reg  [15:0] mem[0:WORDS-1];
  reg  [14:0] word_q;  // next word of the buffer to move; in a write that in rdata_o, behind the one offered
  reg  [11:0] left_q;  // words of this block to move
  reg  [15:0] blocks_q;
  reg         first_q;  // a block has been started, its first word is being fetched
  reg         fill_q;  // ... it is in rdata_o
  reg         last_q;  // one word is left

  wire        sent = med_wvalid_o && med_wready_i;
  wire        received = med_rvalid_i && med_rready_o;
  wire        step = fill_q || (sent && !last_q);
  /* verilator lint_off UNUSEDSIGNAL */
  wire [14:0] read_word = busy_o ? word_q + {14'd0, step} : addr_i;
  /* verilator lint_on UNUSEDSIGNAL */

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(busy_o || start_i || done_o || med_start_o);

  assign med_rready_o = busy_o && !med_write_o && left_q != 12'd0;

  always @(posedge clk_i) begin
    if (we_i) mem[addr_i[TOP:0]] <= wdata_i;
    else if (received) mem[word_q[TOP:0]] <= med_rdata_i;
    if (busy_o || read_i) rdata_o <= mem[read_word[TOP:0]];
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {busy_o, done_o, error_o, med_start_o, med_write_o, med_wvalid_o, first_q, fill_q, last_q} <= 9'd0;
      med_wdata_o <= 16'd0;
      med_lba_o <= 32'd0;
      word_q <= 15'd0;
      left_q <= 12'd0;
      blocks_q <= 16'd0;
    end else if (awake) begin
      done_o <= 1'b0;
      med_start_o <= 1'b0;
      if (!busy_o) begin
        if (start_i) begin
          busy_o <= 1'b1;
          error_o <= 1'b0;
          med_write_o <= write_i;
          med_lba_o <= lba_i;
          blocks_q <= blocks_i;
          word_q <= 15'd0;
          begin_block;
        end
      end else begin
        first_q <= 1'b0;
        fill_q <= first_q && med_write_o;
        if (fill_q) med_wvalid_o <= 1'b1;
        if (step) med_wdata_o <= rdata_o;
        if (step || received) word_q <= word_q + 15'd1;
        if (sent || received) begin
          left_q <= left_q - 12'd1;
          last_q <= left_q == 12'd2;
          if (last_q) med_wvalid_o <= 1'b0;
        end
        if (med_done_i) begin
          {med_wvalid_o, fill_q} <= 2'd0;
          if (med_error_i || blocks_q == 16'd1) begin
            busy_o <= 1'b0;
            done_o <= 1'b1;
            error_o <= med_error_i;
          end else begin
            blocks_q <= blocks_q - 16'd1;
            med_lba_o <= med_lba_o + 32'd1;
            begin_block;
          end
        end
      end
    end
  end

  task begin_block;
    begin
      med_start_o <= 1'b1;
      left_q <= med_block_len_i[12:1];
      last_q <= 1'b0;
      first_q <= 1'b1;
    end
  endtask

endmodule
`default_nettype wire
