// Table of tasks that wait for their target: disconnected commands and participants that owe a status.
//
// Used by scsi_initiator. The table is searched one valid entry a clock: by nexus (reselection, duplicate), for what
// a task management function ends, for an entry whose deadline has passed, or for any entry (reset). A search that comes while another runs replaces it; the users take turns by construction (a search
// by nexus happens in a connection or before one, the others only while nobody is connected).
`default_nettype none
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
    input wire [           4:0] idx_i,
    input wire [          23:0] status_us_i,    // time from storing to deadline

    output reg  [5:0] used_o,
    output reg        us_o      // pulse every microsecond while the table is not empty
);

  localparam TASKS = `INI_TASKS;
  localparam US_TICKS = `SCSI_TICKS(1000);
  localparam BY_KEY = 3'd0;  // search by nexus
  localparam LATE = 3'd1;  // search for a passed deadline
  localparam ANY = 3'd2;  // search for whatever is there
  localparam BY_LUN = 3'd3;  // search for any task of the logical unit
  localparam BY_TARGET = 3'd4;  // search for any task of the target

  reg [`INI_ENT_W-1:0] ent_mem [0:TASKS-1];
  reg [TASKS-1:0] valid_q;
  reg [TASKS-1:0] cand_q;  // entries still to look at
  reg [2:0] mode_q;
  reg [9:0] tick_q;
  reg [24:0] now_q;  // microseconds

  wire [4:0] pick = lowest(cand_q);
  wire [4:0] gap = lowest(~valid_q);
  wire [`INI_ENT_W-1:0] ent = ent_mem[pick];
  /* verilator lint_off UNUSEDSIGNAL */  // the search looks at the fields of the nexus only
  wire [`INI_DESC_W-1:0] desc = ent[`INI_E_DESC];
  wire same_tag = desc[`INI_D_TAGGED] ? key_i[15] && desc[`INI_D_TAG] == key_i[14:7] : !key_i[15];
  wire same_target = desc[`INI_D_TARGET] == key_i[3:0];
  wire same_lun = same_target && desc[`INI_D_LUN] == key_i[6:4];
  wire [24:0] ago = now_q - ent[`INI_E_DEADLINE];
  /* verilator lint_on UNUSEDSIGNAL */
  reg hit;
  wire [24:0] deadline = now_q + {1'b0, status_us_i};
  wire [4:0] put_idx = put_new_i ? gap : idx_i;
  wire any = used_o != 6'd0;
  wire find_now = find_i || find_scope_i || find_late_i || find_any_i;
  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = any || find_now || busy_o || found_o || absent_o || us_o || put_i;

  function [4:0] lowest;
    input [31:0] v;
    reg [31:0] b;
    begin
      b = v & (~v + 32'd1);
      lowest = {
        |(b & 32'hFFFF0000), |(b & 32'hFF00FF00), |(b & 32'hF0F0F0F0), |(b & 32'hCCCCCCCC), |(b & 32'hAAAAAAAA)
      };
    end
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
      valid_q <= {TASKS{1'b0}};
      cand_q <= {TASKS{1'b0}};
      mode_q <= BY_KEY;
      {busy_o, found_o, absent_o} <= 3'd0;
      idx_o <= 5'd0;
      ent_o <= {`INI_ENT_W{1'b0}};
      used_o <= 6'd0;
      us_o <= 1'b0;
      tick_q <= 10'd0;
      now_q <= 25'd0;
    end else if (awake) begin
      {found_o, absent_o, us_o} <= 3'd0;
      if (find_now) begin
        if (find_scope_i) mode_q <= scope_i == `INI_SCOPE_NEXUS ? BY_KEY : scope_i == `INI_SCOPE_LUN ? BY_LUN : BY_TARGET;
        else mode_q <= find_i ? BY_KEY : find_late_i ? LATE : ANY;
        cand_q <= valid_q;
        busy_o <= 1'b1;
      end else if (busy_o) begin
        if (cand_q == {TASKS{1'b0}}) begin
          absent_o <= 1'b1;
          busy_o <= 1'b0;
        end else if (hit) begin
          found_o <= 1'b1;
          busy_o <= 1'b0;
          idx_o <= pick;
          ent_o <= ent;
        end else begin
          cand_q[pick] <= 1'b0;
        end
      end

      if (put_i) begin
        valid_q[put_idx] <= 1'b1;
        if (put_new_i) used_o <= used_o + 6'd1;
      end else if (free_i) begin
        valid_q[idx_i] <= 1'b0;
        used_o <= used_o - 6'd1;
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

endmodule
`default_nettype wire
