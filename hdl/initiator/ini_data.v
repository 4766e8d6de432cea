// Data pointers of the current task: which byte of the block buffer moves next, in 8- or 16-bit words; saved pointer; overrun.
//
// Used by scsi_initiator. Rules: SAVE DATA POINTER, RESTORE POINTERS, IGNORE WIDE RESIDUE; the last word of an odd length is padded with
// a zero. A target that wants more than there is gets zeros, or is not listened to, and `overrun_o` says so. A pointer may be odd in a
// wide transfer (after IGNORE WIDE RESIDUE).
`default_nettype none
`include "scsi_defs.vh"

module ini_data #(
    parameter PW = 15  // width of a byte pointer: one bit more than a buffer address
) (
    input wire clk_i,
    input wire rst_ni,

    input wire          load_i,     // pulse: a task becomes current; pointer from saved_i
    input wire [PW-1:0] saved_i,
    input wire [PW-1:0] moved_i,    // with load_i: bytes moved in earlier connections
    input wire          rewind_i,   // pulse: pointer back to the start (next copy of a mirrored block)
    input wire          save_i,     // pulse: SAVE DATA POINTER
    input wire          restore_i,  // pulse: RESTORE POINTERS
    input wire          residue_i,  // pulse: IGNORE WIDE RESIDUE of one byte
    input wire          dir_in_i,
    input wire [PW-1:0] len_i,
    input wire [PW-1:0] addr_i,
    input wire          wide_i,

    // the link
    input  wire [ 2:0] phase_i,
    input  wire        tx_take_i,
    output wire [15:0] tx_data_o,
    output wire        tx_more_o,  // there is something to send
    output wire        tx_end_o,   // the word offered is the last
    input  wire        rx_stb_i,
    input  wire [15:0] rx_data_i,
    output reg         overrun_o,  // pulse: a word too many, or in the wrong direction

    // the block buffer
    output reg           rd_o,     // fetch the bytes at rd_addr_o and after it
    output wire [PW-1:0] rd_addr_o,
    input  wire [  15:0] rd_data_i,
    output reg  [   1:0] wr_o,
    output reg  [PW-1:0] wr_addr_o,
    output reg  [  15:0] wr_data_o,

    output reg [PW-1:0] moved_o,  // bytes moved: the furthest that the pointer has been
    output reg [PW-1:0] saved_o
);

  reg  [PW-1:0] ptr_q;
  reg           fresh_q;  // rd_data_i is the answer to rd_o; afterwards the port may serve the host
  reg  [  15:0] word_q;
  wire [  15:0] word = fresh_q ? rd_data_i : word_q;
  reg           pair_q;  // the latest word moved held two bytes
  wire [PW-1:0] left = len_i - ptr_q;
  wire          two = wide_i && left != {{(PW - 1) {1'b0}}, 1'b1};
  wire          empty = left == {PW{1'b0}};
  wire [PW-1:0] step = two ? {{(PW - 2) {1'b0}}, 2'd2} : {{(PW - 1) {1'b0}}, 1'b1};
  wire [PW-1:0] after = ptr_q + step;
  wire [PW-1:0] back_one = ptr_q - {{(PW - 1) {1'b0}}, 1'b1};
  wire          out_now = tx_take_i && phase_i == `SCSI_PH_DATA_OUT;
  wire          in_now = rx_stb_i && phase_i == `SCSI_PH_DATA_IN;
  wire          stray = (tx_take_i && phase_i == `SCSI_PH_DT_DATA_OUT) || (rx_stb_i && phase_i == `SCSI_PH_DT_DATA_IN);

  // Nothing to do in a clock should cost a simulation nothing.
  wire          awake = load_i || rewind_i || restore_i || save_i || residue_i || out_now || in_now || stray || rd_o || fresh_q
      || wr_o != 2'b00 || overrun_o;

  assign rd_addr_o = addr_i + ptr_q;
  assign tx_more_o = !empty && !dir_in_i;
  assign tx_data_o = tx_more_o ? {two ? word[15:8] : 8'd0, word[7:0]} : 16'd0;
  assign tx_end_o = !empty && left == step;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ptr_q <= {PW{1'b0}};
      moved_o <= {PW{1'b0}};
      saved_o <= {PW{1'b0}};
      pair_q <= 1'b0;
      fresh_q <= 1'b0;
      word_q <= 16'd0;
      rd_o <= 1'b0;
      wr_o <= 2'b00;
      wr_addr_o <= {PW{1'b0}};
      wr_data_o <= 16'd0;
      overrun_o <= 1'b0;
    end else if (awake) begin
      fresh_q <= rd_o;
      rd_o <= 1'b0;
      if (fresh_q) word_q <= rd_data_i;
      wr_o <= 2'b00;
      overrun_o <= stray;
      if (load_i) begin
        ptr_q <= saved_i;
        moved_o <= moved_i;
        saved_o <= saved_i;
        rd_o <= 1'b1;
      end else if (rewind_i) begin
        ptr_q <= {PW{1'b0}};
        moved_o <= {PW{1'b0}};
        saved_o <= {PW{1'b0}};
        rd_o <= 1'b1;
      end else if (restore_i) begin
        ptr_q <= saved_o;
        rd_o <= 1'b1;
      end else if (save_i) begin
        saved_o <= ptr_q;
      end else if (residue_i) begin
        if (pair_q) ptr_q <= back_one;
        if (pair_q && moved_o == ptr_q) moved_o <= back_one;
        pair_q <= 1'b0;
        rd_o <= 1'b1;
      end else if (out_now || in_now) begin
        if (empty || in_now != dir_in_i) begin
          overrun_o <= 1'b1;
        end else begin
          ptr_q <= after;
          if (after > moved_o) moved_o <= after;
          pair_q <= two;
          rd_o <= out_now;
          if (in_now) begin
            wr_o <= {two, 1'b1};
            wr_addr_o <= rd_addr_o;
            wr_data_o <= rx_data_i;
          end
        end
      end
    end
  end

endmodule
`default_nettype wire
