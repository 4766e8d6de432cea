// Data pointers of the current task: which byte of the block buffer moves next, in 8- or 16-bit words; saved pointer; overrun.
//
// Used by scsi_initiator. Rules: SAVE DATA POINTER, RESTORE POINTERS, IGNORE WIDE RESIDUE; the last word of an odd length is padded with
// a zero. A target that wants more than there is gets zeros, or is not listened to, and `overrun_o` says so; so it does in a data phase
// of the kind (ST or DT) that is not agreed. A pointer may be odd in a wide transfer (after IGNORE WIDE RESIDUE). Words go out at up to
// one in two clocks and come in at up to one a clock; nothing is fetched ahead of the pointer.
`default_nettype none

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
    input wire          dt_i,

    // the link
    input  wire [ 2:0] phase_i,
    input  wire        tx_take_i,
    output wire [15:0] tx_data_o,  // two clocks after tx_take_i
    output wire        tx_more_o,  // there is something to send
    output wire        tx_end_o,   // the word offered is the last
    input  wire        rx_stb_i,
    input  wire [15:0] rx_data_i,
    output reg         overrun_o,  // pulse: a word too many, or in the wrong direction or kind of phase

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

  localparam [PW-1:0] ONE = 1;

  reg  [PW-1:0] ptr_q;
  reg  [PW-1:0] at_q;     // where in the buffer it points to
  reg  [PW-1:0] left_q;   // bytes from there to the end
  reg           none_q;   // left_q is 0, 1, 2
  reg           one_q;
  reg           two_q;
  reg  [   1:0] jump_q;   // the pointer was set: what depends on it is worked out
  reg           fresh_q;  // rd_data_i is the answer to rd_o; afterwards the port may serve the host
  reg  [  15:0] word_q;
  reg           pair_q;   // the latest word moved held two bytes
  wire [  15:0] word = fresh_q ? rd_data_i : word_q;
  wire          pair = wide_i && !one_q;
  wire [PW-1:0] step = pair ? ONE + ONE : ONE;
  wire [PW-1:0] back_one = ptr_q - ONE;
  wire          data_phase = !phase_i[1];
  wire          agreed = phase_i[2] == dt_i;
  wire          out_now = tx_take_i && data_phase && agreed && !phase_i[0];
  wire          in_now = rx_stb_i && data_phase && agreed && phase_i[0];
  wire          stray = data_phase && !agreed && (phase_i[0] ? rx_stb_i : tx_take_i);

  // Nothing to do in a clock should cost a simulation nothing.
  wire          awake = load_i || rewind_i || restore_i || save_i || residue_i || out_now || in_now || stray || rd_o || fresh_q
      || wr_o != 2'b00 || overrun_o || jump_q != 2'd0;

  assign rd_addr_o = at_q;
  assign tx_more_o = !none_q && !dir_in_i;
  assign tx_data_o = tx_more_o ? {pair ? word[15:8] : 8'd0, word[7:0]} : 16'd0;
  assign tx_end_o = one_q || (wide_i && two_q);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ptr_q <= {PW{1'b0}};
      at_q <= {PW{1'b0}};
      left_q <= {PW{1'b0}};
      {none_q, one_q, two_q} <= 3'b100;
      jump_q <= 2'd0;
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
      rd_o <= jump_q[0];
      if (fresh_q) word_q <= rd_data_i;
      wr_o <= 2'b00;
      overrun_o <= stray;
      jump_q <= {jump_q[0], 1'b0};
      if (ptr_q > moved_o) moved_o <= ptr_q;
      if (jump_q[0]) begin
        at_q <= addr_i + ptr_q;
        left_q <= len_i - ptr_q;
      end
      if (jump_q[1]) count(left_q, 2'd0);
      if (load_i) begin
        jump(saved_i);
        moved_o <= moved_i;
        saved_o <= saved_i;
      end else if (rewind_i) begin
        jump({PW{1'b0}});
        moved_o <= {PW{1'b0}};
        saved_o <= {PW{1'b0}};
      end else if (restore_i) begin
        jump(saved_o);
      end else if (save_i) begin
        saved_o <= ptr_q;
      end else if (residue_i) begin
        if (pair_q) jump(back_one);
        if (pair_q && moved_o == ptr_q) moved_o <= back_one;
        pair_q <= 1'b0;
      end else if (out_now || in_now) begin
        if (none_q || in_now != dir_in_i) overrun_o <= 1'b1;
        else move;
      end
    end
  end

  task jump;
    input [PW-1:0] ptr;
    begin
      ptr_q <= ptr;
      jump_q[0] <= 1'b1;
    end
  endtask

  // Which of the ends is near, `less` bytes after `left`.
  task count;
    input [PW-1:0] left;
    input [1:0] less;
    begin
      none_q <= left == {{(PW - 2) {1'b0}}, less};
      one_q <= left == {{(PW - 2) {1'b0}}, less} + ONE;
      two_q <= left == {{(PW - 2) {1'b0}}, less} + ONE + ONE;
    end
  endtask

  task move;
    begin
      ptr_q <= ptr_q + step;
      at_q <= at_q + step;
      left_q <= left_q - step;
      count(left_q, pair ? 2'd2 : 2'd1);
      pair_q <= pair;
      rd_o <= out_now;
      if (in_now) begin
        wr_o <= {pair, 1'b1};
        wr_addr_o <= at_q;
        wr_data_o <= rx_data_i;
      end
    end
  endtask

endmodule
`default_nettype wire
