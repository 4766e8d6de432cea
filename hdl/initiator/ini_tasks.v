// Table of tasks that wait for their target: disconnected commands and participants that owe a status.
//
// Used by scsi_initiator. The table is searched one valid entry in two clocks, the first four clocks after the question: by nexus (reselection, duplicate), for what
// a task management function ends, for an entry whose deadline has passed, or for any entry (reset). A search that comes while another runs replaces it; the users take turns by construction (a search
// by nexus happens in a connection or before one, the others only while nobody is connected).
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"
`include "ini_defs.vh"

module ini_tasks #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    input  wire                  find_i,       // pulse: by nexus
    input  wire [`INI_KEY_W-1:0] key_i,        // {tagged, tag, LUN, target}
    input  wire                  find_scope_i, // pulse: as scope_i says
    input  wire [           1:0] scope_i,      // the nexus, any of its LUN, any of its target
    input  wire                  find_late_i,  // pulse: one whose deadline has passed
    input  wire                  find_any_i,   // pulse
    output reg                   busy_o,
    output reg                   found_o,      // pulse
    output reg                   absent_o,     // pulse
    output reg  [           4:0] idx_o,        // the entry found
    output reg  [`INI_ENT_W-1:0] ent_o,

    input wire                  put_i,          // pulse: store; the deadline is filled in here
    input wire                  put_new_i,      // 1: in a free place, 0: at idx_i
    /* verilator lint_off UNUSEDSIGNAL */  // the deadline
    input wire [`INI_ENT_W-1:0] put_ent_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input wire                  free_i,         // pulse: remove idx_i
    input wire                  free_inner_i,   // with it: it is part of a mirrored command
    input wire [           4:0] idx_i,
    input wire [          23:0] status_us_i,    // time from storing to deadline

    output reg  [5:0] used_o,
    output reg  [5:0] plain_o,  // ... that are no part of a mirrored command
    output reg        us_o      // pulse every microsecond while the table is not empty
);

  localparam TASKS = `INI_TASKS;
  localparam US_TICKS = `SCSI_TICKS(1000);
  localparam [31:0] ALL = 32'hFFFFFFFF >> (32 - TASKS);
  localparam BY_KEY = 3'd0;  // search by nexus
  localparam LATE = 3'd1;  // search for a passed deadline
  localparam ANY = 3'd2;  // search for whatever is there
  localparam BY_LUN = 3'd3;  // search for any task of the logical unit
  localparam BY_TARGET = 3'd4;  // search for any task of the target

  reg [`INI_ENT_W-1:0] ent_mem [0:TASKS-1];
  reg [31:0] valid_q;
  reg [31:0] cand_q;  // entries still to look at
  reg [31:0] pick_q;  // the lowest of those before
  reg [4:0] place_q;  // ... before that: to be read next
  reg [1:0] ready_q;  // place_q, pick_q hold one
  reg look_q;  // ent_o is to be looked at
  reg looked_q;  // ... has been, and is the one if
  reg hit_q;
  reg [31:0] free_q;  // places that can be given away after the next two
  reg [31:0] freed_q;  // ... from the next clock on
  reg loose_q;  // there is one
  reg [31:0] gap_q;  // the next but one
  reg [4:0] put_q;  // the next
  reg [31:0] put_hot_q;  // ... its bit
  reg [1:0] gaps_q;  // put_q, gap_q hold one
  reg [`INI_KEY_W-1:0] key_q;
  reg [2:0] mode_q;
  reg [9:0] tick_q;
  reg [24:0] now_q;  // microseconds

  wire [31:0] pick = lowest(cand_q);
  wire [31:0] gap = lowest(free_q);
  /* verilator lint_off UNUSEDSIGNAL */  // the search looks at the fields of the nexus only
  wire [`INI_DESC_W-1:0] desc = ent_o[`INI_E_DESC];
  wire same_tag = desc[`INI_D_TAGGED] ? key_q[15] && desc[`INI_D_TAG] == key_q[14:7] : !key_q[15];
  wire same_target = desc[`INI_D_TARGET] == key_q[3:0];
  wire same_lun = same_target && desc[`INI_D_LUN] == key_q[6:4];
  wire [24:0] ago = now_q - ent_o[`INI_E_DEADLINE];
  /* verilator lint_on UNUSEDSIGNAL */
  reg hit;
  wire [24:0] deadline = now_q + {1'b0, status_us_i};
  wire [4:0] put_idx = put_new_i ? put_q : idx_i;
  wire given = put_i && put_new_i;
  wire put_next = given || !gaps_q[1];
  wire gap_next = put_next || !gaps_q[0];
  wire any = used_o != 6'd0;
  wire find_now = find_i || find_scope_i || find_late_i || find_any_i;
  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(any || find_now || busy_o || found_o || absent_o || us_o || put_i || loose_q);

  function [31:0] lowest;
    input [31:0] v;
    lowest = v & (~v + 32'd1);
  endfunction

  function [4:0] encode;
    input [31:0] one_hot;
    encode = {
      |(one_hot & 32'hFFFF0000), |(one_hot & 32'hFF00FF00), |(one_hot & 32'hF0F0F0F0), |(one_hot & 32'hCCCCCCCC),
      |(one_hot & 32'hAAAAAAAA)
    };
  endfunction

  always @(*) begin
    case (mode_q)
      BY_KEY: hit = same_tag && same_lun;
      BY_LUN: hit = same_lun;
      BY_TARGET: hit = same_target;
      LATE: hit = !ago[24];
      default: hit = 1'b1;
    endcase
  end

  // By itself, without a reset, so that it becomes a memory.
  always @(posedge clk_i) if (put_i) ent_mem[put_idx] <= {deadline, put_ent_i[`INI_E_REST]};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 32'd0;
      {cand_q, pick_q} <= 64'd0;
      place_q <= 5'd0;
      {ready_q, look_q, looked_q, hit_q} <= 5'd0;
      free_q <= ALL & ~32'd3;
      gap_q <= 32'd2;
      put_q <= 5'd0;
      put_hot_q <= 32'd1;
      gaps_q <= 2'b11;
      key_q <= {`INI_KEY_W{1'b0}};
      mode_q <= BY_KEY;
      {busy_o, found_o, absent_o} <= 3'd0;
      idx_o <= 5'd0;
      ent_o <= {`INI_ENT_W{1'b0}};
      {used_o, plain_o} <= 12'd0;
      freed_q <= 32'd0;
      loose_q <= 1'b0;
      us_o <= 1'b0;
      tick_q <= 10'd0;
      now_q <= 25'd0;
    end else if (awake) begin
      {found_o, absent_o, us_o} <= 3'd0;
      if (find_now) begin
        if (find_scope_i) mode_q <= scope_i == `INI_SCOPE_NEXUS ? BY_KEY : scope_i == `INI_SCOPE_LUN ? BY_LUN : BY_TARGET;
        else mode_q <= find_i ? BY_KEY : find_late_i ? LATE : ANY;
        key_q <= key_i;
        cand_q <= valid_q;
        {ready_q, look_q, looked_q} <= 4'd0;
        busy_o <= 1'b1;
      end else if (busy_o) begin
        search;
      end
      if (busy_o && !look_q && !(looked_q && hit_q)) begin
        ent_o <= ent_mem[place_q];
        idx_o <= place_q;
      end
      if (busy_o && (!look_q || !ready_q[1])) begin
        place_q <= encode(pick_q);
        pick_q <= pick;
      end

      // Freed places are given away again behind those that have been picked.
      if (put_next) begin
        put_q <= encode(gap_q);
        put_hot_q <= gap_q;
        gaps_q[1] <= gaps_q[0];
      end
      if (gap_next) begin
        gap_q <= gap;
        gaps_q[0] <= free_q != 32'd0;
      end
      loose_q <= free_i && !put_i;
      freed_q <= free_i && !put_i ? 32'd1 << idx_i : 32'd0;
      free_q <= (gap_next ? free_q & ~gap : free_q) | freed_q;

      if (put_i) begin
        if (put_new_i) valid_q <= valid_q | put_hot_q;
        if (put_new_i) used_o <= used_o + 6'd1;
        if (put_new_i && !put_ent_i[`INI_D_INNER]) plain_o <= plain_o + 6'd1;
      end else if (free_i) begin
        valid_q[idx_i] <= 1'b0;
        used_o <= used_o - 6'd1;
        if (!free_inner_i) plain_o <= plain_o - 6'd1;
      end

      if (any) begin
        if (tick_q == US_TICKS[9:0] - 10'd1) begin
          tick_q <= 10'd0;
          now_q <= now_q + 25'd1;
          us_o <= 1'b1;
        end else begin
          tick_q <= tick_q + 10'd1;
        end
      end
    end
  end

  // The lowest candidate, its place, its entry, the look at it: each takes a clock, and the next entry is read while one is looked at.
  task search;
    begin
      look_q <= ready_q[1] && !look_q;
      looked_q <= look_q;
      hit_q <= hit;
      if (looked_q && hit_q) begin
        found_o <= 1'b1;
        busy_o  <= 1'b0;
        {look_q, looked_q} <= 2'd0;
      end else begin
        if (cand_q == 32'd0 && ready_q == 2'd0 && !look_q && !looked_q) begin
          absent_o <= 1'b1;
          busy_o   <= 1'b0;
        end
      end
      if (!look_q || !ready_q[1]) begin
        cand_q <= cand_q & ~pick;
        ready_q <= {ready_q[0], cand_q != 32'd0};
      end
    end
  endtask

endmodule
`default_nettype wire
