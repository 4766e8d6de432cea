// Queue of completions for the host.
//
// Used by scsi_initiator. A completion that finds the queue full is lost and reported as such.
`default_nettype none

module ini_completions (
    input wire clk_i,
    input wire rst_ni,

    input  wire        post_i,  // pulse
    input  wire [63:0] cpl_i,
    input  wire        pop_i,   // pulse: drop the oldest
    input  wire        flush_i, // pulse: drop all
    output wire [63:0] cpl_o,   // the oldest; zero when there is none
    output reg  [ 7:0] count_o,
    output reg         lost_o   // pulse
);

  localparam DEPTH = 64;

  reg  [63:0] mem[0:DEPTH-1];
  reg [5:0] head_q, tail_q;
  wire full = count_o == DEPTH;
  wire any = count_o != 8'd0;
  wire take = pop_i && any;
  wire put = post_i && !full;

  wire awake = post_i || pop_i || flush_i || lost_o;

  assign cpl_o = any ? mem[tail_q] : 64'd0;

  // By itself, without a reset, so that it becomes a memory.
  always @(posedge clk_i) if (put) mem[head_q] <= cpl_i;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q <= 6'd0;
      tail_q <= 6'd0;
      count_o <= 8'd0;
      lost_o <= 1'b0;
    end else if (awake) begin
      lost_o <= post_i && full;
      if (put) head_q <= head_q + 6'd1;
      if (flush_i) begin
        tail_q <= put ? head_q + 6'd1 : head_q;
        count_o <= 8'd0;
      end else if (put || take) begin
        if (take) tail_q <= tail_q + 6'd1;
        if (put != take) count_o <= put ? count_o + 8'd1 : count_o - 8'd1;
      end
    end
  end

endmodule
`default_nettype wire
