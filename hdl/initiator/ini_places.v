// Places of the mirrored commands in progress: which are in use, which are new, whose pass has ended.
//
// Used by ini_group. A pass has ended when a note has come for each of its members. A drive that owes a status does not take part in another
// mirrored operation: one that names it waits.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_defs.vh"

module ini_places (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,

    input  wire       take_i,       // pulse: a new command comes to free_o
    input  wire [4:0] list_count_i, // with it: blocks after block 0 whose numbers are listed
    output reg  [2:0] free_o,
    output reg        free_ok_o,
    output reg        new_o,        // there is a new command
    output reg  [2:0] new_gang_o,
    output reg  [4:0] new_count_o,  // of its list
    output reg  [7:0] over_o,       // by place: a pass has ended
    output reg        reset_o,      // RST came to the place that is worked on
    output reg  [3:0] busy_o,       // places in use

    input wire [2:0] gang_i,       // the place that is worked on
    input wire       new_done_i,   // pulse: the new command was fetched
    input wire       over_done_i,  // pulse: the pass that has ended was fetched
    input wire       leave_i,      // pulse: its command is complete
    input wire       hand_i,       // pulse: a pass begins
    input wire [3:0] members_i,    // with it: so many take part
    input wire [3:0] base_i,       // with it: its first block
    input wire [15:0] targets_i,   // SCSI IDs of who is to take part
    output reg        clash_o,     // one of them, a clock ago, takes part in a pass that has not ended
    input wire        short_i,     // pulse: a pass ended before its last block
    input wire [2:0] short_gang_i,
    input wire [3:0] short_blocks_i,
    output wire [3:0] short_o,     // blocks of the last pass of gang_i, if it did; else 0

    input  wire       note_i,       // pulse: a member's part has ended
    input  wire [2:0] note_gang_i,
    input  wire [2:0] look_gang_i,
    output wire [3:0] note_base_o,  // first block of look_gang_i's pass
    input  wire [2:0] bus_gang_i,
    output wire [3:0] bus_base_o
);

  reg [7:0] taken_q;
  reg [7:0] reset_q;  // by place: RST came
  reg [3:0] open_q[0:`INI_GANGS-1];  // members whose part of the pass has not ended
  reg [3:0] base_q[0:`INI_GANGS-1];  // first block of the connection
  reg [3:0] short_q[0:`INI_GANGS-1];  // blocks that it had, if fewer than it should; else 0
  reg [15:0] who_q[0:`INI_GANGS-1];  // SCSI IDs of who takes part, while the pass has not ended
  wire [15:0] engaged = who_q[0] | who_q[1] | who_q[2] | who_q[3] | who_q[4] | who_q[5] | who_q[6] | who_q[7];
  wire        clash = (engaged & targets_i) != 16'd0;
  integer i;

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(take_i || note_i || bus_rst_i || new_done_i || over_done_i || leave_i || hand_i || (!free_ok_o && taken_q != 8'hFF)
      || reset_o != reset_q[gang_i] || clash_o != clash || short_i);

  assign note_base_o = base_q[look_gang_i];
  assign bus_base_o = base_q[bus_gang_i];
  assign short_o = short_q[gang_i];

  function [2:0] lowest;
    input [7:0] v;
    reg [7:0] b;
    begin
      b = v & (~v + 8'd1);
      lowest = {|b[7:4], |(b & 8'hCC), |(b & 8'hAA)};
    end
  endfunction

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {taken_q, over_o, reset_q} <= 24'd0;
      {free_ok_o, new_o, reset_o, clash_o} <= 4'd0;
      {free_o, new_gang_o} <= 6'd0;
      new_count_o <= 5'd0;
      busy_o <= 4'd0;
      for (i = 0; i < `INI_GANGS; i = i + 1) begin
        open_q[i] <= 4'd0;
        base_q[i] <= 4'd0;
        short_q[i] <= 4'd0;
        who_q[i] <= 16'd0;
      end
    end else if (awake) begin
      reset_o <= reset_q[gang_i];
      clash_o <= clash;
      if (bus_rst_i) reset_q <= 8'hFF;
      if (!free_ok_o && taken_q != 8'hFF) begin
        free_o <= lowest(~taken_q);
        free_ok_o <= 1'b1;
      end
      if (take_i) begin
        taken_q[free_o] <= 1'b1;
        reset_q[free_o] <= 1'b0;
        free_ok_o <= 1'b0;
        new_o <= 1'b1;
        new_gang_o <= free_o;
        new_count_o <= list_count_i;
      end else if (new_done_i) begin
        new_o <= 1'b0;
      end
      if (leave_i) taken_q[gang_i] <= 1'b0;
      if (take_i != leave_i) busy_o <= take_i ? busy_o + 4'd1 : busy_o - 4'd1;
      if (over_done_i) over_o[gang_i] <= 1'b0;
      if (note_i) begin
        open_q[note_gang_i] <= open_q[note_gang_i] - 4'd1;
        if (open_q[note_gang_i] == 4'd1) begin
          over_o[note_gang_i] <= 1'b1;
          who_q[note_gang_i] <= 16'd0;
        end
      end
      if (short_i) short_q[short_gang_i] <= short_blocks_i;
      if (hand_i) begin
        open_q[gang_i] <= members_i;
        base_q[gang_i] <= base_i;
        short_q[gang_i] <= 4'd0;
        who_q[gang_i] <= targets_i;
      end
    end
  end

endmodule
`default_nettype wire
