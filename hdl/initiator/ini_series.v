// List of logical blocks that the host is writing for its next mirrored command, block 1 and on.
//
// Used by ini_host. SUBMIT empties it; ini_group reads it within the clocks that follow, faster than the host can write a new one.
`default_nettype none

module ini_series (
    input wire clk_i,
    input wire rst_ni,

    input  wire        push_i,   // pulse
    input  wire [31:0] lba_i,
    input  wire        clear_i,  // pulse
    output reg  [ 4:0] count_o,  // numbers in the list, at most 15
    input  wire [ 3:0] block_i,  // block 1 and on
    output reg  [31:0] lba_o     // its number, a clock after
);

  reg [31:0] lba_mem[0:15];
  wire [3:0] next = count_o[3:0] + 4'd1;
  wire full = count_o == 5'd15;

  // By itself, without a reset, so that it becomes a memory.
  always @(posedge clk_i) begin
    if (push_i && !full) lba_mem[next] <= lba_i;
    lba_o <= lba_mem[block_i];
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_o <= 5'd0;
    else if (clear_i) count_o <= 5'd0;
    else if (push_i && !full) count_o <= count_o + 5'd1;
  end

endmodule
`default_nettype wire
