// Queue of completions for the host, and beside it the results by member of those that are of mirrored commands.
//
// Used by ini_host. The words of a mirrored command's members are written before its completion is posted. A completion that finds the
// queue full is lost and reported as such.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_defs.vh"

module ini_completions (
    input wire clk_i,
    input wire rst_ni,

    input  wire        post_i,   // pulse
    input  wire [63:0] cpl_i,
    input  wire        note_i,   // pulse: a word of members for the next mirrored completion
    input  wire [ 2:0] note_word_i,
    input  wire [31:0] note_data_i,
    input  wire        pop_i,    // pulse: drop the oldest
    input  wire        flush_i,  // pulse: drop all
    output reg  [63:0] cpl_o,    // the oldest, two clocks after a change; zero when there is none
    input  wire [ 2:0] word_i,
    output reg  [31:0] members_o,  // word_i of the oldest one's members, two clocks after; zero when there is none
    output reg  [ 7:0] count_o,
    output reg         lost_o    // pulse
);

  localparam DEPTH = 64;

  // What is read counts a clock after it was written at the earliest.
  (* no_rw_check *)
  reg [63:0] mem[0:DEPTH-1];
  (* no_rw_check *)
  reg [31:0] members_mem[0:8*DEPTH-1];
  reg [31:0] members_q;
  reg [5:0] head_q, tail_q;
  reg [5:0] members_head_q, members_tail_q;
  wire full = count_o[6];  // DEPTH, and never more
  wire any = count_o != 8'd0;
  reg [2:0] shown_q;  // cpl_o is one, and mirrored_q says of it; cpl_o, cpl_q is one
  reg [63:0] cpl_q;
  reg mirrored_q;  // cpl_o is of a mirrored command
  wire take = pop_i && any && shown_q[2];
  wire put = post_i && !full;
  wire put_mirror = put && mirrored(cpl_i[`INI_CPL_OPCODE]);
  wire take_mirror = take && mirrored_q;

  wire awake = `SCSI_AWAKE(post_i || pop_i || flush_i || lost_o);

  function mirrored;
    input [3:0] opcode;
    mirrored = opcode == `INI_OP_MIRROR_WRITE || opcode == `INI_OP_MIRROR_READ;
  endfunction

  // By themselves, without a reset, so that they become memories.
  always @(posedge clk_i) if (put) mem[head_q] <= cpl_i;

  always @(posedge clk_i) begin
    shown_q <= {shown_q[1:0], any};
    cpl_q <= mem[tail_q];
    mirrored_q <= mirrored(cpl_o[`INI_CPL_OPCODE]);
    cpl_o <= shown_q[0] ? cpl_q : 64'd0;
  end

  always @(posedge clk_i) begin
    if (note_i) members_mem[{members_head_q, note_word_i}] <= note_data_i;
    members_q <= members_mem[{members_tail_q, word_i}];
    members_o <= any ? members_q : 32'd0;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {head_q, tail_q, members_head_q, members_tail_q} <= 24'd0;
      count_o <= 8'd0;
      lost_o <= 1'b0;
    end else if (awake) begin
      lost_o <= post_i && full;
      if (put) head_q <= head_q + 6'd1;
      if (put_mirror) members_head_q <= members_head_q + 6'd1;
      if (flush_i) begin
        tail_q <= put ? head_q + 6'd1 : head_q;
        members_tail_q <= put_mirror ? members_head_q + 6'd1 : members_head_q;
        count_o <= 8'd0;
      end else if (put || take) begin
        if (take) tail_q <= tail_q + 6'd1;
        if (take_mirror) members_tail_q <= members_tail_q + 6'd1;
        if (put != take) count_o <= put ? count_o + 8'd1 : count_o - 8'd1;
      end
    end
  end

endmodule
`default_nettype wire
