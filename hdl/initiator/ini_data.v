// Data pointers of the current task: which byte of the block buffer moves next, in 8- or 16-bit words; saved pointer; overrun.
//
// Used by scsi_initiator. Rules: SAVE DATA POINTER, RESTORE POINTERS, IGNORE WIDE RESIDUE; the last word of an odd length is padded with
// a zero. A target that wants more than there is gets zeros, or is not listened to, and `overrun_o` says so; so it does in a data phase
// of the kind (ST or DT) that is not agreed. A pointer may be odd in a wide transfer (after IGNORE WIDE RESIDUE). Words go out at up to
// one in two clocks and come in at up to one a clock. The word at the pointer and the one after it are fetched ahead: a memory is slow. A
// further copy of a mirrored read is compared with what the buffer holds, as it comes.
`default_nettype none
`include "scsi_awake.vh"

module ini_data #(
    parameter PW = 15  // width of a byte pointer: one bit more than a buffer address
) (
    input wire clk_i,
    input wire rst_ni,

    input wire          load_i,     // pulse: a task becomes current; pointer from saved_i
    input wire [PW-1:0] saved_i,
    input wire [PW-1:0] moved_i,    // with load_i: bytes moved in earlier connections
    input wire          rewind_i,   // pulse: pointer back to the start (next copy of a mirrored block)
    input wire          advance_i,  // pulse: pointer to the start of the next block of a series
    input wire          save_i,     // pulse: SAVE DATA POINTER
    input wire          restore_i,  // pulse: RESTORE POINTERS
    input wire          residue_i,  // pulse: IGNORE WIDE RESIDUE of one byte
    input wire          dir_in_i,
    input wire          compare_i,  // what comes in is compared, not stored; changes between data phases only
    input wire [PW-1:0] len_i,
    input wire [PW-1:0] addr_i,
    input wire          wide_i,
    input wire          dt_i,

    // the link
    input  wire [ 2:0] phase_i,
    input  wire        tx_take_i,
    output wire [15:0] tx_data_o,  // two clocks after tx_take_i, six after the pointer or wide_i has changed
    output wire        tx_more_o,  // there is something to send
    output wire        tx_end_o,   // the word offered is the last
    input  wire        rx_stb_i,
    input  wire [15:0] rx_data_i,
    output reg         differs_o,  // pulse: compared with a difference, four clocks after rx_stb_i
    output reg         overrun_o,  // pulse: a word too many, or in the wrong direction or kind of phase

    // the block buffer
    output wire          rd_o,     // fetch the bytes at rd_addr_o and after it
    output wire [PW-1:0] rd_addr_o,
    input  wire [  15:0] rd_data_i,  // bits 15:8 are the byte at the odd address
    output reg  [   1:0] wr_o,
    output reg  [PW-1:0] wr_addr_o,
    output reg  [  15:0] wr_data_o,

    output reg [PW-1:0] moved_o,  // bytes moved: the furthest that the pointer has been
    output reg [PW-1:0] saved_o
);

  localparam [PW-1:0] ONE = 1;

  reg  [PW-1:0] ptr_q;
  reg  [PW-1:0] base_q;   // where the block begins in the buffer
  reg  [PW-1:0] at_q;     // where in the buffer it points to; coming in, a clock later
  reg  [PW-1:0] left_q;   // bytes from there to the end
  reg           none_q;   // left_q is 0, 1, 2
  reg           one_q;
  reg           two_q;
  reg  [   1:0] jump_q;   // the pointer was set: what depends on it is worked out
  reg  [   1:0] fill_q;   // the first word is being fetched, it has come
  reg           fetch_q;  // the bytes at fetch_at_q are being fetched
  reg  [PW-1:0] fetch_at_q;
  reg           fresh_q;  // rd_data_i is the answer to rd_o; afterwards the port may serve the host
  reg           load_q;   // word_q has gone
  reg  [  15:0] word_q;   // at the pointer
  reg  [  15:0] next_q;   // behind it, as it came
  reg           odd_q;    // it begins at an odd address
  reg           rd_odd_q;  // so does rd_data_i
  reg           wide_q;   // width for which they were fetched
  reg           ahead_q;  // the pointer is past moved_o
  reg           came_in_q;  // a word has come in and counts; it is rx_q
  reg  [  15:0] rx_q;
  reg           pair_q;   // the latest word moved held two bytes
  reg  [   1:0] look_q;   // the bytes at wr_addr_o are to be compared: they are being fetched
  reg  [   1:0] match_q;  // ... and are there a clock later
  reg  [   1:0] judge_q;  // ... and in next_q
  reg  [  15:0] came_q;   // what they are compared with
  reg  [  15:0] held_q;
  wire [  15:0] next = odd_q ? {next_q[7:0], next_q[15:8]} : next_q;
  wire          pair = wide_i && !one_q;
  wire [PW-1:0] step = pair ? ONE + ONE : ONE;
  wire [PW-1:0] back_one = ptr_q - ONE;
  // phase_i and dt_i are steady for more than a clock before the first word
  wire          data_phase = !phase_i[1];
  wire          agreed = phase_i[2] == dt_i;
  wire          in_data = data_phase && agreed && phase_i[0];
  wire          out_data = data_phase && agreed && !phase_i[0];
  // words that move, that are in the wrong direction, that are in the wrong kind of phase: in, out
  wire [   5:0] kind = {in_data && dir_in_i, out_data && !dir_in_i, in_data && !dir_in_i, out_data && dir_in_i,
                        data_phase && !agreed && phase_i[0], data_phase && !agreed && !phase_i[0]};
  reg  [   5:0] kind_q;
  reg           load_in_q, rewind_q, advance_q, restore_q, save_q, residue_q;
  reg           dir_in_q, compare_q;
  wire          set = load_i || rewind_i || advance_i || restore_i || save_i || residue_i;
  wire          set_q = load_in_q || rewind_q || advance_q || restore_q || save_q || residue_q;
  wire          in_now = rx_stb_i && kind_q[5];
  wire          out_now = tx_take_i && kind_q[4];
  wire          stray = (rx_stb_i && (kind_q[3] || kind_q[1])) || (tx_take_i && (kind_q[2] || kind_q[0]));

  // Nothing to do in a clock should cost a simulation nothing.
  wire          awake = `SCSI_AWAKE(set || set_q || kind_q != kind || dir_in_q != dir_in_i || compare_q != compare_i || out_now || in_now
      || stray || rd_o || fresh_q || wr_o != 2'b00 || match_q[0] || judge_q[0] || differs_o || overrun_o
      || jump_q != 2'd0 || load_q || ahead_q || came_in_q || fill_q != 2'd0 || wide_q != wide_i);

  assign rd_o = fetch_q || look_q[0];
  assign rd_addr_o = compare_q ? wr_addr_o : fetch_at_q;
  assign tx_more_o = !none_q && !dir_in_q;
  assign tx_data_o = tx_more_o ? {pair ? word_q[15:8] : 8'd0, word_q[7:0]} : 16'd0;
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
      {pair_q, ahead_q, came_in_q} <= 3'd0;
      rx_q <= 16'd0;
      {fill_q, fresh_q, load_q, wide_q, fetch_q} <= 6'd0;
      kind_q <= 6'd0;
      {load_in_q, rewind_q, advance_q, restore_q, save_q, residue_q} <= 6'd0;
      {dir_in_q, compare_q} <= 2'd0;
      {word_q, next_q} <= 32'd0;
      {odd_q, rd_odd_q} <= 2'd0;
      {base_q, fetch_at_q} <= {2 * PW{1'b0}};
      {look_q, match_q, judge_q} <= 6'd0;
      {came_q, held_q} <= 32'd0;
      differs_o <= 1'b0;
      wr_o <= 2'b00;
      wr_addr_o <= {PW{1'b0}};
      wr_data_o <= 16'd0;
      overrun_o <= 1'b0;
    end else if (awake) begin
      kind_q <= kind;
      {load_in_q, rewind_q, advance_q, restore_q, save_q, residue_q} <= {load_i, rewind_i, advance_i, restore_i, save_i, residue_i};
      {dir_in_q, compare_q} <= {dir_in_i, compare_i};
      fresh_q <= rd_o;
      fetch_q <= (jump_q[0] && !compare_q) || fill_q[0];
      if (fetch_q) fetch_at_q <= fetch_at_q + (wide_i ? ONE + ONE : ONE);
      rd_odd_q <= rd_addr_o[0];
      if (fresh_q) {odd_q, next_q} <= {rd_odd_q, rd_data_i};
      fill_q <= {fill_q[0], jump_q[0] && !compare_q};
      load_q <= fill_q[1];
      if (load_q) word_q <= next;
      wide_q <= wide_i;
      wr_o <= 2'b00;
      look_q <= 2'b00;
      match_q <= look_q;
      judge_q <= match_q;
      came_q <= wr_data_o;
      held_q <= came_q;
      differs_o <= (judge_q[0] && held_q[7:0] != next[7:0]) || (judge_q[1] && held_q[15:8] != next[15:8]);
      overrun_o <= stray || (none_q && (in_now || out_now));
      jump_q <= {jump_q[0], wide_q != wide_i};
      ahead_q <= !set_q && ptr_q > moved_o;
      if (ahead_q) moved_o <= ptr_q;
      if (jump_q[0]) begin
        at_q <= base_q + ptr_q;
        fetch_at_q <= base_q + ptr_q;
        left_q <= len_i - ptr_q;
      end
      if (jump_q[1]) count(left_q, 2'd0);
      if (load_in_q) begin
        jump(saved_i);
        base_q <= addr_i;
        moved_o <= moved_i;
        saved_o <= saved_i;
      end else if (rewind_q || advance_q) begin
        if (advance_q) base_q <= base_q + len_i;
        jump({PW{1'b0}});
        moved_o <= {PW{1'b0}};
        saved_o <= {PW{1'b0}};
      end else if (restore_q) begin
        jump(saved_o);
      end else if (save_q) begin
        saved_o <= ptr_q;
      end else if (residue_q) begin
        if (pair_q) jump(back_one);
        if (pair_q && moved_o == ptr_q) moved_o <= back_one;
        pair_q <= 1'b0;
      end
      came_in_q <= in_now && !none_q;
      rx_q <= rx_data_i;
      if ((out_now || in_now) && !none_q) move;
      if (came_in_q) begin
        at_q <= at_q + (pair_q ? ONE + ONE : ONE);
        if (compare_q) look_q <= {pair_q, 1'b1};
        else wr_o <= {pair_q, 1'b1};
        wr_addr_o <= at_q;
        wr_data_o <= rx_q;
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
      left_q <= left_q - step;
      count(left_q, pair ? 2'd2 : 2'd1);
      pair_q <= pair;
      if (out_now) {fetch_q, load_q} <= 2'b11;
    end
  endtask

endmodule
`default_nettype wire
