// What follows the end of a connection: completions for the host, entries of the task table; late tasks; everything after RST.
//
// Used by scsi_initiator. A mirrored write gives one completion per participant: at once for those that did not take their copy, with
// their status for the others; the last one of a descriptor is marked. Rules: RST ends every task; a task management function that the
// target has honoured ends the tasks that it names, before its own completion.
`default_nettype none
`include "ini_defs.vh"

module ini_finish #(
    parameter PW = 15
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,

    // from ini_nexus
    input wire                   end_i,
    input wire                   task_i,
    input wire                   table_i,
    input wire                   spread_i,
    input wire                   keep_i,
    input wire                   doomed_i,
    input wire [            3:0] result_i,
    input wire [            3:0] detail_i,
    input wire [            7:0] status_i,
    input wire [            4:0] idx_i,
    input wire [            3:0] rank_i,
    input wire [            2:0] gang_i,
    input wire [`INI_DESC_W-1:0] desc_i,
    input wire [           59:0] ids_i,
    input wire [         PW-1:0] moved_i,
    input wire [         PW-1:0] saved_i,

    // from ini_mirror
    input wire [ 3:0] focus_i,
    input wire [14:0] served_i,
    input wire [14:0] skipped_i,
    input wire [14:0] refused_i,

    // from ini_sched
    input  wire                   fail_i,
    input  wire [            3:0] fail_why_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input  wire [`INI_DESC_W-1:0] fail_desc_i,
    /* verilator lint_on UNUSEDSIGNAL */
    output reg                    fail_done_o,

    // task table
    output reg                   put_o,
    output reg                   put_new_o,
    output reg  [`INI_ENT_W-1:0] put_ent_o,
    output reg                   free_o,
    output reg  [           4:0] idx_o,
    output reg                   find_late_o,
    output reg                   find_any_o,
    output reg                   find_scope_o,
    output reg  [           1:0] scope_o,
    input  wire                  late_ok_i,    // nobody else needs the table
    input  wire                  us_i,
    input  wire                  found_i,
    input  wire                  absent_i,
    input  wire [           4:0] found_idx_i,
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input  wire [`INI_ENT_W-1:0] found_ent_i,
    /* verilator lint_on UNUSEDSIGNAL */

    output wire busy_o,
    output wire ending_o,    // not only looking for a late task
    output wire gang_free_o,

    output reg         post_o,  // pulse: a completion
    output reg  [31:0] cpl0_o,
    output reg  [31:0] cpl1_o
);

  localparam IDLE = 3'd0;  // nothing to finish
  localparam ONE = 3'd1;  // one task: completion, or into the table
  localparam SPREAD = 3'd2;  // a mirrored write: participant by participant
  localparam DRAIN = 3'd3;  // RST: look for any task left
  localparam LATE = 3'd4;  // look for a task whose status is overdue
  localparam PAUSE = 3'd5;  // let the table settle
  localparam SWEEP = 3'd6;  // task management: look for a task that it ended

  reg [2:0] state_q;
  reg       end_q;
  reg       drain_q;
  reg       sweep_q;  // more tasks may have been ended
  reg       rst_q;
  reg [3:0] rank_q;
  reg [2:0] spread_gang_q;
  reg [3:0] left_q        [0:7];  // by gang: completions still to come
  reg [7:0] gang_busy_q;
  integer   g;

  wire [7:0] gang_gap = ~gang_busy_q & (gang_busy_q + 8'd1);
  wire [2:0] gang_new = {|gang_gap[7:4], |(gang_gap & 8'hCC), |(gang_gap & 8'hAA)};
  wire [3:0] opcode = desc_i[`INI_D_OPCODE];
  wire [7:0] tag = desc_i[`INI_D_TAG];
  wire [3:0] why_not = result_i == `INI_RES_NOT_CAPABLE ? detail_i : 4'd0;
  wire [16:0] len = desc_i[`INI_D_LEN_LSB+:17];
  wire [3:0] count = desc_i[`INI_D_COUNT];
  wire [3:0] rank_id = ids_i[{rank_q, 2'd0}+:4];
  wire       swept = opcode == `INI_OP_TASK_MANAGEMENT && result_i == `INI_RES_OK;
  wire       all_same = result_i == `INI_RES_RESET || result_i == `INI_RES_HANG;
  /* verilator lint_off UNUSEDSIGNAL */
  wire [`INI_DESC_W-1:0] found_desc = found_ent_i[`INI_E_DESC];
  /* verilator lint_on UNUSEDSIGNAL */
  wire [2:0] found_gang = found_ent_i[`INI_E_GANG];

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = state_q != IDLE || end_q || end_i || drain_q || rst_q != bus_rst_i || fail_i || (us_i && late_ok_i) || pulsed;
  wire pulsed = fail_done_o || put_o || free_o || find_late_o || find_any_o || find_scope_o || post_o;

  reg [3:0] rank_why;
  reg [23:0] rank_bytes;

  assign busy_o = state_q != IDLE || end_q || drain_q || end_i;
  assign ending_o = (state_q != IDLE && state_q != LATE) || end_q || drain_q || end_i;
  assign gang_free_o = gang_busy_q != 8'hFF;

  always @(*) begin
    if (all_same) rank_why = result_i;
    else if (refused_i[rank_q]) rank_why = `INI_RES_REJECTED;
    else if (skipped_i[rank_q]) rank_why = `INI_RES_SKIPPED;
    else if (served_i[rank_q] || rank_q == focus_i) rank_why = result_i;
    else rank_why = `INI_RES_SKIPPED;
    if (served_i[rank_q]) rank_bytes = desc_i[`INI_D_LEN];
    else if (rank_q == focus_i) rank_bytes = {7'd0, pad(moved_i)};
    else rank_bytes = 24'd0;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {end_q, drain_q, rst_q, sweep_q} <= 4'd0;
      rank_q <= 4'd0;
      spread_gang_q <= 3'd0;
      gang_busy_q <= 8'd0;
      {fail_done_o, put_o, put_new_o, free_o, find_late_o, find_any_o, find_scope_o, post_o} <= 8'd0;
      scope_o <= `INI_SCOPE_NEXUS;
      put_ent_o <= {`INI_ENT_W{1'b0}};
      idx_o <= 5'd0;
      cpl0_o <= 32'd0;
      cpl1_o <= 32'd0;
      for (g = 0; g < 8; g = g + 1) left_q[g] <= 4'd0;
    end else if (awake) begin
      {fail_done_o, put_o, free_o, find_late_o, find_any_o, find_scope_o, post_o} <= 7'd0;
      if (end_i) end_q <= 1'b1;
      rst_q <= bus_rst_i;
      if (bus_rst_i && !rst_q) drain_q <= 1'b1;

      case (state_q)
        IDLE:
        if (end_q) begin
          end_q <= 1'b0;
          rank_q <= 4'd0;
          if (spread_i) begin
            spread_gang_q <= gang_new;
            left_q[gang_new] <= count;
            gang_busy_q[gang_new] <= 1'b1;
            state_q <= SPREAD;
          end else if (task_i && swept) begin
            sweep;
          end else if (task_i) begin
            state_q <= ONE;
          end
        end else if (drain_q && !end_i) begin  // a connection that RST ends has its own say first
          drain_q <= 1'b0;
          find_any_o <= 1'b1;
          state_q <= DRAIN;
        end else if (fail_i && !fail_done_o) begin
          post(fail_desc_i[`INI_D_OPCODE], fail_desc_i[`INI_D_TAG], fail_desc_i[`INI_D_TARGET], 4'd0, 1'b1, 8'd0, fail_why_i, 4'd0, 24'd0);
          fail_done_o <= 1'b1;
        end else if (us_i && late_ok_i) begin
          find_late_o <= 1'b1;
          state_q <= LATE;
        end

        ONE: begin
          idx_o <= idx_i;
          if (keep_i) begin
            put_o <= 1'b1;
            put_new_o <= !table_i;
            put_ent_o <= {25'd0, pad(moved_i), detail_i[2:0], gang_i, rank_i, pad(saved_i), desc_i};
          end else begin
            free_o <= table_i;
            finish_one(opcode, tag, desc_i[`INI_D_TARGET], rank_i, gang_i, status_i, result_i, why_not, {7'd0, pad(moved_i)});
          end
          state_q <= PAUSE;
        end

        SPREAD:
        if (rank_q == count) begin
          state_q <= PAUSE;
        end else begin
          rank_q <= rank_q + 4'd1;
          if (served_i[rank_q] && !doomed_i && !(result_i == `INI_RES_OK && rank_q == focus_i)) begin
            put_o <= 1'b1;
            put_new_o <= 1'b1;
            put_ent_o <= {25'd0, len, 3'd0, spread_gang_q, rank_q, len, desc_i};
            put_ent_o[`INI_D_TARGET] <= rank_id;
          end else begin
            post(opcode, tag, rank_id, rank_q, count_off(spread_gang_q), status_i, rank_why, 4'd0, rank_bytes);
            tick(spread_gang_q);
          end
        end

        DRAIN:
        if (found_i) begin
          end_found(`INI_RES_RESET);
          drain_q <= 1'b1;
        end else if (absent_i) begin
          state_q <= IDLE;
        end

        LATE:
        if (found_i) end_found(`INI_RES_NO_STATUS);
        else if (absent_i) state_q <= IDLE;

        SWEEP:
        if (found_i) begin
          end_found(`INI_RES_ABORTED);
          sweep_q <= 1'b1;
        end else if (absent_i) begin
          state_q <= ONE;
        end

        default:  // PAUSE
        if (sweep_q) sweep;
        else state_q <= IDLE;
      endcase
    end
  end

  task sweep;
    begin
      sweep_q <= 1'b0;
      find_scope_o <= 1'b1;
      case (desc_i[`INI_D_FUNCTION])
        `INI_FN_ABORT_TASK: scope_o <= `INI_SCOPE_NEXUS;
        `INI_FN_TARGET_RESET: scope_o <= `INI_SCOPE_TARGET;
        default: scope_o <= `INI_SCOPE_LUN;
      endcase
      state_q <= SWEEP;
    end
  endtask

  // The task that the table has found ends.
  task end_found;
    input [3:0] why;
    begin
      idx_o <= found_idx_i;
      free_o <= 1'b1;
      finish_one(found_desc[`INI_D_OPCODE], found_desc[`INI_D_TAG], found_desc[`INI_D_TARGET], found_ent_i[`INI_E_RANK], found_gang, 8'd0, why, 4'd0,
                 {7'd0, found_ent_i[`INI_E_MOVED]});
      state_q <= PAUSE;
    end
  endtask

  function [16:0] pad;
    input [PW-1:0] pointer;
    pad = {{(17 - PW) {1'b0}}, pointer};
  endfunction

  function count_off;
    input [2:0] gang;
    count_off = left_q[gang] == 4'd1;
  endfunction

  task tick;
    input [2:0] gang;
    begin
      left_q[gang] <= left_q[gang] - 4'd1;
      if (left_q[gang] == 4'd1) gang_busy_q[gang] <= 1'b0;
    end
  endtask

  // A task on its own, or one participant's part of a mirrored write.
  task finish_one;
    input [3:0] op;
    input [7:0] op_tag;
    input [3:0] target;
    input [3:0] rank;
    input [2:0] gang;
    input [7:0] status;
    input [3:0] result;
    input [3:0] detail;
    input [23:0] bytes;
    if (op == `INI_OP_MIRROR_WRITE) begin
      post(op, op_tag, target, rank, count_off(gang), status, result, detail, bytes);
      tick(gang);
    end else begin
      post(op, op_tag, target, rank, 1'b1, status, result, detail, bytes);
    end
  endtask

  task post;
    input [3:0] op;
    input [7:0] op_tag;
    input [3:0] target;
    input [3:0] rank;
    input last;
    input [7:0] status;
    input [3:0] result;
    input [3:0] detail;
    input [23:0] bytes;
    begin
      post_o <= 1'b1;
      cpl0_o <= {status, rank, target, op_tag, op, 2'd0, last, 1'b1};
      cpl1_o <= {bytes, detail, result};
    end
  endtask

endmodule
`default_nettype wire
