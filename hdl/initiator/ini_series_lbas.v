// Logical blocks of all mirrored commands in progress, 16 each.
//
// Used by ini_group: taken from the host's list at SUBMIT, read when a pass is made, and by the series on the bus.
`default_nettype none
`include "ini_defs.vh"

module ini_series_lbas (
    input wire clk_i,
    input wire rst_ni,

    input  wire        take_i,        // pulse: a command comes to place gang_i; lba_i is its block 0, the list has the others
    input  wire [ 2:0] gang_i,
    input  wire [31:0] lba_i,
    output reg  [ 3:0] list_block_o,
    input  wire [31:0] list_lba_i,    // a clock after

    input  wire [ 2:0] pass_gang_i,
    input  wire [ 3:0] pass_block_i,
    output reg  [31:0] pass_lba_o,    // two clocks after

    input  wire [ 2:0] bus_gang_i,
    input  wire [ 3:0] bus_base_i,   // first block of the connection
    input  wire [ 3:0] bus_index_i,  // block in it
    output reg  [31:0] bus_lba_o     // three clocks after
);

  (* no_rw_check *)  // a command is read when all of its blocks are there
  reg [31:0] mem[0:16*`INI_GANGS-1];
  reg [2:0] gang_q;
  reg [3:0] wr_block_q;
  reg       copy_q;  // the list is read
  reg       wr_q;  // what was read is written
  reg [6:0] bus_at_q;
  reg [31:0] pass_lba_q, bus_lba_q;

  wire       wr = take_i || wr_q;
  wire [6:0] wr_at = take_i ? {gang_i, 4'd0} : {gang_q, wr_block_q};

  wire awake = take_i || copy_q || wr_q;

  // By themselves, without a reset, so that they become memories.
  always @(posedge clk_i) begin
    if (wr) mem[wr_at] <= take_i ? lba_i : list_lba_i;
    pass_lba_q <= mem[{pass_gang_i, pass_block_i}];
    pass_lba_o <= pass_lba_q;
  end

  always @(posedge clk_i) begin
    bus_at_q <= {bus_gang_i, bus_base_i + bus_index_i};
    bus_lba_q <= mem[bus_at_q];
    bus_lba_o <= bus_lba_q;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      gang_q <= 3'd0;
      {list_block_o, wr_block_q} <= 8'd0;
      {copy_q, wr_q} <= 2'd0;
    end else if (awake) begin
      wr_q <= copy_q;
      wr_block_q <= list_block_o;
      if (take_i) begin
        gang_q <= gang_i;
        list_block_o <= 4'd1;
        copy_q <= 1'b1;
        wr_q <= 1'b0;
      end else if (copy_q) begin
        list_block_o <= list_block_o + 4'd1;
        if (list_block_o == 4'd15) copy_q <= 1'b0;
      end
    end
  end

endmodule
`default_nettype wire
