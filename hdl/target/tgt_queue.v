// The tasks that wait for their turn, in the order in which they will be executed.
//
// Used by scsi_target between tgt_link, which brings commands, and tgt_flow, which executes one at a time. Rules: HEAD OF QUEUE goes before
// everything that has not started; all others keep the order in which they came, which gives ORDERED what it asks for (docs/protocol.md,
// queue of a drive). Here too is found out whether a nexus is in use and which tasks a kill concerns, one task a clock pair,
// beginning with the one being executed.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_events.vh"

module tgt_queue #(
    parameter QUEUE = 4  // tasks of the drive, the one being executed included
) (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,  // RST

    // from tgt_link: the nexus that the bus is about, and its command
    input  wire [ 3:0] initiator_i,
    input  wire [ 5:0] lun_i,
    input  wire        tagged_i,
    input  wire [ 7:0] tag_i,
    input  wire        head_i,         // HEAD OF QUEUE
    input  wire [79:0] cdb_i,
    input  wire        offer_i,        // pulse: is there room, is the nexus in use?
    output reg         answer_o,       // pulse: room_o and used_o tell
    output reg         room_o,
    output reg         used_o,
    input  wire        push_i,         // pulse, room was there
    input  wire        kill_i,         // pulse
    input  wire [ 2:0] kill_kind_i,    // tgt_events.vh

    // the task being executed
    input  wire       task_valid_i,
    input  wire [3:0] task_initiator_i,
    input  wire [5:0] task_lun_i,
    input  wire       task_tagged_i,
    input  wire [7:0] task_tag_i,
    output reg        drop_o,            // pulse: a kill concerns it

    // initiators that lost a task to CLEAR TASK SET or LOGICAL UNIT RESET of another one
    output reg  [15:0] losers_o,
    output reg         losers_set_o,    // pulse
    output wire        losers_reset_o,  // it was a reset

    // to tgt_flow: the next task
    output wire        empty_o,
    output reg         next_o,        // the fields below are of the first task that waits
    output wire [ 3:0] initiator_o,
    output wire [ 5:0] lun_o,
    output wire        tagged_o,
    output wire [ 7:0] tag_o,
    output wire [79:0] cdb_o,
    input  wire        pop_i          // pulse: it is being executed
);

  localparam NEXUS_W = 19;
  localparam WIDTH = NEXUS_W + 80;
  localparam [4:0] DEPTH = QUEUE - 1;

  generate
    if (QUEUE < 1 || QUEUE > 16) begin : g_bad_queue
      queue_must_be_1_to_16 u_error ();
    end
  endgenerate

  localparam IDLE = 2'd0;
  localparam CURRENT = 2'd1;  // the task being executed is compared
  localparam FETCH = 2'd2;  // what came of that counts; the next waiting task is read
  localparam COMPARE = 2'd3;  // it is compared

  reg [1:0] state_q;
  reg [WIDTH-1:0] mem[0:15];
  reg [3:0] first_q;  // place of the first task
  reg [4:0] count_q;
  reg [WIDTH-1:0] entry_q;  // while idle and next_o: the first one
  reg [NEXUS_W-1:0] key_q;  // nexus that is looked for
  reg killing_q;
  reg [2:0] kind_q;
  reg [4:0] look_q;  // tasks looked at
  reg [4:0] kept_q;  // ... that stay
  reg hit_q;  // the one looked at last is meant ...
  reg other_q;  // ... and not of the initiator that is looked for
  reg [3:0] whose_q;  // ... but of this one
  reg queued_q;  // it waits in the queue

  wire [NEXUS_W-1:0] seen = state_q == CURRENT ? {task_initiator_i, task_lun_i, task_tagged_i, task_tag_i}
      : entry_q[WIDTH-1:80];
  wire [3:0] fetch_place = state_q == IDLE ? first_q : first_q + look_q[3:0];
  wire keep = state_q == FETCH && killing_q && queued_q && !hit_q;
  wire write = push_i || keep;
  wire [3:0] write_place = !push_i ? first_q + kept_q[3:0] : head_i ? first_q - 4'd1 : first_q + count_q[3:0];

  assign losers_reset_o = kind_q == `TGT_KILL_LUN_RESET;
  assign empty_o = count_q == 5'd0;
  assign {initiator_o, lun_o, tagged_o, tag_o, cdb_o} = entry_q;

  // Tags count only where both tasks have one.
  function concerns;
    input [2:0] kind;
    input [NEXUS_W-1:0] one;
    input [NEXUS_W-1:0] key;
    case (kind)
      `TGT_KILL_TASK: concerns = one[18:8] == key[18:8] && (!key[8] || one[7:0] == key[7:0]);
      `TGT_KILL_INITIATOR: concerns = one[18:9] == key[18:9];
      `TGT_KILL_LUN, `TGT_KILL_LUN_RESET: concerns = one[14:9] == key[14:9];
      default: concerns = 1'b1;
    endcase
  endfunction

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(clear_i || offer_i || push_i || kill_i || pop_i || state_q != IDLE || answer_o || drop_o || losers_set_o
      || next_o != (count_q != 5'd0));

  always @(posedge clk_i) if (write) mem[write_place] <= push_i ? {initiator_i, lun_i, tagged_i, tag_i, cdb_i} : entry_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      first_q <= 4'd0;
      {count_q, look_q, kept_q} <= 15'd0;
      {hit_q, other_q, queued_q, room_o} <= 4'd0;
      whose_q <= 4'd0;
      entry_q <= {WIDTH{1'b0}};
      key_q <= {NEXUS_W{1'b0}};
      kind_q <= `TGT_KILL_TASK;
      {killing_q, answer_o, used_o, drop_o, losers_set_o, next_o} <= 6'd0;
      losers_o <= 16'd0;
    end else if (awake) begin
      {answer_o, drop_o, losers_set_o} <= 3'd0;
      if (clear_i) begin
        state_q <= IDLE;
        count_q <= 5'd0;
        next_o <= 1'b0;
      end else begin
        case (state_q)
          IDLE: idle;
          CURRENT: begin
            compare(task_valid_i);
            queued_q <= 1'b0;
          end
          FETCH: begin
            if (hit_q) used_o <= 1'b1;
            if (hit_q && other_q) losers_o <= losers_o | 16'd1 << whose_q;
            drop_o <= killing_q && hit_q && !queued_q;
            if (keep) kept_q <= kept_q + 5'd1;
            if (look_q == count_q) begin
              if (killing_q) count_q <= kept_q + {4'd0, keep};
              losers_set_o <= killing_q && (kind_q == `TGT_KILL_LUN || losers_reset_o);
              answer_o <= !killing_q;
              state_q <= IDLE;
            end else begin
              entry_q <= mem[fetch_place];
              state_q <= COMPARE;
            end
          end
          default: begin  // COMPARE
            compare(1'b1);
            queued_q <= 1'b1;
            look_q   <= look_q + 5'd1;
          end
        endcase
      end
    end
  end

  task compare;
    input there;
    begin
      hit_q <= there && concerns(killing_q ? kind_q : `TGT_KILL_TASK, seen, key_q);
      other_q <= seen[18:15] != key_q[18:15];
      whose_q <= seen[18:15];
      state_q <= FETCH;
    end
  endtask

  task idle;
    begin
      next_o  <= 1'b0;
      entry_q <= mem[fetch_place];
      if (offer_i || kill_i) begin
        key_q <= {initiator_i, lun_i, tagged_i, tag_i};
        killing_q <= kill_i;
        kind_q <= kill_kind_i;
        {look_q, kept_q} <= 10'd0;
        used_o <= 1'b0;
        room_o <= count_q < DEPTH;
        losers_o <= 16'd0;
        state_q <= CURRENT;
      end else if (push_i) begin
        count_q <= count_q + 5'd1;
        if (head_i) first_q <= first_q - 4'd1;
      end else if (pop_i) begin
        count_q <= count_q - 5'd1;
        first_q <= first_q + 4'd1;
      end else begin
        next_o <= count_q != 5'd0;
      end
    end
  endtask

endmodule
`default_nettype wire
