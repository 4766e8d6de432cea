// Results of the members of all mirrored commands in progress: {dropped, first block that failed, result, status}, by command and z.
//
// Used by ini_group. What ends a member's part of a connection (ini_finish) has the right of way over what ini_group writes itself.
`default_nettype none
`include "ini_defs.vh"

module ini_members (
    input wire clk_i,

    // a member's part of a connection has ended
    input wire       note_i,         // pulse
    input wire [2:0] note_gang_i,
    input wire [3:0] note_z_i,
    input wire [3:0] note_block_i,
    input wire [3:0] note_result_i,
    input wire [7:0] note_status_i,

    input wire        wr_i,    // counts unless note_i
    input wire [ 2:0] gang_i,
    input wire [ 3:0] z_i,
    input wire [16:0] word_i,
    output reg [16:0] word_o   // of gang_i and z_i, two clocks after
);

  // Of LUTs: a block memory's output would come too late in the clock for what is decided from it.
  (* ram_style = "distributed" *)
  reg [16:0] mem[0:16*`INI_GANGS-1];

  reg [6:0] look_q;
  reg wr_q;
  reg [6:0] wr_at_q;
  reg [16:0] wr_word_q;

  // Without a reset, so that it becomes a memory.
  always @(posedge clk_i) begin
    wr_q <= note_i || wr_i;
    wr_at_q <= note_i ? {note_gang_i, note_z_i} : {gang_i, z_i};
    wr_word_q <= note_i ? {1'b0, note_block_i, note_result_i, note_status_i} : word_i;
    if (wr_q) mem[wr_at_q] <= wr_word_q;
    look_q <= {gang_i, z_i};
    word_o <= mem[look_q];
  end

endmodule
`default_nettype wire
