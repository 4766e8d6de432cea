// Takes a descriptor in, checks it, and asks for the bus when it may.
//
// Used by scsi_initiator, after ini_group, which has checked what is mirrored and knows the participants. A descriptor waits here while
// the bus is busy; it is checked meanwhile, so that it can start at once, by QAS too. Rules: one task a nexus; an initiator with an ID
// above 7 forms no group with 8-bit members; while statuses are owed, a BUS FREE is left to the targets before something new starts, but
// if a device other than them took it, the next one is not.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_defs.vh"

module ini_sched #(
    parameter CLK_PERIOD_PS = 6250,
    parameter BUF_BYTES = 16384
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,

    input wire [ 3:0] own_id_i,
    input wire [15:0] yield_ns_i,
    input wire [15:0] wide_i,      // agreements

    input  wire                   submit_i,  // pulse
    input  wire [`INI_DESC_W-1:0] desc_i,
    input  wire [           59:0] ids_i,     // mirrored: SCSI IDs by rank
    output wire                   empty_o,   // a descriptor can be handed over

    // enrolment that the descriptor names, looked up while there is one
    input wire       unsettled_i,     // it may be changing
    input wire       enrol_found_i,
    input wire [3:0] enrol_target_i,

    // state of the others
    input wire       conn_i,        // connected
    input wire       started_i,     // the task on the bus is not in the table
    input wire       spread_i,      // ... it is a mirrored command
    input wire       finding_i,     // the connection needs the table
    input wire       bus_free_i,
    input wire       closing_i,     // ini_finish is at work
    input wire       ending_i,      // ... not only looking for a late task
    input wire [5:0] used_i,        // places in the task table taken

    output reg                   find_o,
    output wire [`INI_KEY_W-1:0] key_o,
    input  wire [`INI_KEY_W-1:0] cur_key_i,  // the task on the bus
    input  wire                  found_i,
    input  wire                  absent_i,

    output wire       quiet_o,  // the table is not searched now, nor in the next clock

    output reg                    start_o,  // arbitrate
    output reg  [`INI_DESC_W-1:0] desc_o,
    output reg  [           59:0] ids_o,    // SCSI IDs by rank
    input  wire                   won_i,

    output wire       fail_o,      // the descriptor cannot be started: a completion is due
    output reg  [3:0] fail_why_o,
    input  wire       fail_done_i
);

  localparam EMPTY = 3'd0;  // no descriptor
  localparam WAIT = 3'd1;  // wait until nobody else uses the table and there is room in it
  localparam SEARCH = 3'd2;  // has the nexus (mirrored: of this rank) a task already?
  localparam ASK = 3'd3;  // arbitrate when allowed
  localparam FAIL = 3'd4;  // report the descriptor as it cannot be started

  localparam [25:0] PS_A_CLOCK = CLK_PERIOD_PS;

  reg  [ 2:0] state_q;
  reg  [ 3:0] rank_q;
  reg  [25:0] yielded_ps_q;
  reg         taken_q;  // somebody took the bus that was left to the targets
  reg         yielded_q;
  reg  [ 3:0] check_q;  // clocks in which the descriptor has been looked at; in the last one bad_q is of it
  reg         bad_q;
  reg         misplaced_q, self_q, narrow_q;
  reg         away_q;
  reg  [ 5:0] room_q;
  reg         full_q;  // no room, or away_q
  reg         seek_q;  // key_o is the one to look for from the next clock on
  reg  [ 3:0] who_q;
  reg         same_q;  // it is that of the task on the bus
  reg         more_q;  // there is another rank
  reg  [25:0] less_q, limit_q;  // 1000 ps are 1024 less 24: two adders are quicker than a multiplier
  reg         over_q;  // yielded_ps_q has reached it
  reg         owed_q, free_q;  // of a clock ago: tasks wait for their targets; BUS FREE
  reg         may_q;  // nothing is left to others any longer
  reg         looked_q;  // MIRROR_CAPABILITY: the member was looked up
  reg         member_q;  // ... and is there
  reg         clash_q;  // the nexus is on the bus: wait for its end

  wire [ 3:0] opcode = desc_o[`INI_D_OPCODE];
  wire        mirror = opcode == `INI_OP_MIRROR_WRITE || opcode == `INI_OP_MIRROR_READ;
  wire [ 3:0] target = desc_o[`INI_D_TARGET];
  wire [ 3:0] count = desc_o[`INI_D_COUNT];
  wire [24:0] data_end = {1'b0, desc_o[`INI_D_ADDR]} + {1'b0, desc_o[`INI_D_LEN]};
  wire        misplaced = desc_o[`INI_D_ADDR_LSB] || data_end_q > BUF_BYTES;
  reg  [24:0] data_end_q;
  wire [ 5:0] room = 6'd`INI_TASKS - used_i - {5'd0, started_i};
  wire        capability = opcode == `INI_OP_MIRROR_CAPABILITY;
  wire        manage = opcode == `INI_OP_TASK_MANAGEMENT;
  wire        new_manage = desc_i[`INI_D_OPCODE] == `INI_OP_TASK_MANAGEMENT;
  wire        tag_function = desc_o[`INI_D_FUNCTION] == `INI_FN_ABORT_TASK;
  wire        odd_tag = desc_o[`INI_D_TAGGED] && desc_o[`INI_D_ATTR] > `INI_ATTR_ORDERED;
  wire        full = room_q == 6'd0 || (mirror && room_q < {2'd0, count});
  wire        away = finding_i || closing_i || (started_i && spread_i);  // the table is not to be searched
  reg         bad;

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(state_q != EMPTY || submit_i || find_o || start_o);

  assign empty_o = state_q == EMPTY;
  assign quiet_o = state_q != SEARCH && (state_q != WAIT || full_q);
  assign fail_o = state_q == FAIL;
  assign key_o = {
    desc_o[`INI_D_TAGGED], desc_o[`INI_D_TAG], desc_o[`INI_D_LUN], who_q
  };

  always @(*) begin
    case (opcode)
      `INI_OP_QUERY, `INI_OP_MIRROR_CAPABILITY: bad = self_q || narrow_q;
      `INI_OP_COMMAND: bad = self_q || misplaced_q || odd_tag;
      `INI_OP_MIRROR_WRITE, `INI_OP_MIRROR_READ: bad = 1'b0;
      `INI_OP_TASK_MANAGEMENT: bad = self_q || desc_o[`INI_D_FUNCTION] > `INI_FN_TARGET_RESET
          || (tag_function && !desc_o[`INI_D_TAGGED]);
      default: bad = 1'b1;
    endcase
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= EMPTY;
      rank_q <= 4'd0;
      yielded_ps_q <= 26'd0;
      {taken_q, yielded_q, clash_q, looked_q, member_q} <= 5'd0;
      check_q <= 4'd0;
      {bad_q, full_q, may_q, misplaced_q, self_q, narrow_q, away_q, seek_q, same_q, more_q, over_q, start_o} <= 12'd0;
      {owed_q, free_q} <= 2'd0;
      data_end_q <= 25'd0;
      room_q <= 6'd0;
      who_q <= 4'd0;
      {less_q, limit_q} <= 52'd0;
      find_o <= 1'b0;
      desc_o <= {`INI_DESC_W{1'b0}};
      ids_o <= 60'd0;
      fail_why_o <= `INI_RES_OK;
    end else if (awake) begin
      find_o <= seek_q && state_q == SEARCH && !away_q;
      seek_q <= 1'b0;
      start_o <= state_q == ASK && !conn_i && !started_i && !ending_i && may_q;
      {misplaced_q, self_q, narrow_q} <= {misplaced, target == own_id_i, own_id_i[3] && !wide_i[target]};
      data_end_q <= data_end;
      bad_q <= bad;
      away_q <= away;
      room_q <= room;
      who_q <= mirror ? ids_o[{rank_q, 2'd0}+:4] : target;
      same_q <= started_i && key_o == cur_key_i;
      more_q <= mirror && rank_q + 4'd1 != count;
      less_q <= {6'd0, yield_ns_i, 4'd0} + {7'd0, yield_ns_i, 3'd0};
      limit_q <= {yield_ns_i, 10'd0} - less_q;
      over_q <= yielded_ps_q >= limit_q;
      {owed_q, free_q} <= {used_i != 6'd0, bus_free_i};
      full_q <= (full && !manage) || away_q;  // a place is counted by the time the end of its connection is over
      may_q  <= state_q == ASK && (used_i == 6'd0 || yielded_q || yield_ns_i == 16'd0);
      if (state_q == ASK) yield;
      if (bus_rst_i && state_q != EMPTY && state_q != FAIL) begin
        fail(`INI_RES_RESET);
      end else if (away_q && state_q == SEARCH) begin
        check_afresh;  // others use the table first
      end else begin
        case (state_q)
          EMPTY:
          if (submit_i) begin
            desc_o <= desc_i;
            ids_o <= ids_i;
            if (new_manage || desc_i[`INI_D_OPCODE] == `INI_OP_QUERY || desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_CAPABILITY) begin
              desc_o[`INI_D_TAGGED] <= new_manage && desc_i[`INI_D_FUNCTION] == `INI_FN_ABORT_TASK && desc_i[`INI_D_TAGGED];
              desc_o[`INI_D_ATTR] <= `INI_ATTR_SIMPLE;
              desc_o[`INI_D_LEN] <= 24'd0;
              desc_o[`INI_D_CDB] <= 128'd0;  // TEST UNIT READY, if the target wants a command
            end
            clash_q <= 1'b0;
            check_afresh;
          end

          WAIT: begin
            check_q <= {check_q[2:0], 1'b1};
            {taken_q, yielded_q} <= 2'd0;
            yielded_ps_q <= 26'd0;
            looked_q <= !unsettled_i;
            member_q <= enrol_found_i && enrol_target_i == target;
            if (!check_q[3]) begin
              // not yet
            end else if (bad_q || (capability && looked_q && !member_q)) begin
              fail(`INI_RES_BAD_DESCRIPTOR);
            end else if (capability && !looked_q) begin
              // not yet
            end else if (!conn_i && clash_q) begin
              clash_q <= 1'b0;
            end else if (!away_q && !full_q && !clash_q) begin
              if (manage) state_q <= ASK;
              else search;
            end
          end

          SEARCH:
          if (found_i) begin
            fail(`INI_RES_BAD_DESCRIPTOR);
          end else if (absent_i && same_q) begin
            clash_q <= 1'b1;
            check_afresh;
          end else if (absent_i) begin
            rank_q <= rank_q + 4'd1;
            if (more_q) search;
            else state_q <= ASK;
          end

          ASK: if (won_i) state_q <= EMPTY;

          default:  // FAIL
          if (fail_done_i) state_q <= EMPTY;
        endcase
      end
    end
  end

  task search;
    begin
      seek_q <= 1'b1;
      state_q <= SEARCH;
    end
  endtask

  task check_afresh;
    begin
      looked_q <= 1'b0;
      rank_q <= 4'd0;
      check_q <= 4'd0;
      state_q <= WAIT;
    end
  endtask

  task fail;
    input [3:0] why;
    begin
      fail_why_o <= why;
      state_q <= FAIL;
    end
  endtask

  task yield;
    if (conn_i) begin
      {taken_q, yielded_q} <= 2'd0;
      yielded_ps_q <= 26'd0;
    end else if (owed_q && !yielded_q) begin
      if (!free_q) begin
        taken_q <= yielded_ps_q != 26'd0;
      end else begin
        yielded_ps_q <= yielded_ps_q + PS_A_CLOCK;
        if (taken_q || over_q) yielded_q <= 1'b1;
      end
    end
  endtask

endmodule
`default_nettype wire
