// What has come of a mirrored operation for each participant, by rank: copies, comparison, statuses delivered in the connection.
//
// Used by scsi_initiator: told by ini_mirror, ini_data and ini_hear, read by ini_finish when the connection has ended. Rules:
// docs/protocol.md, mirrored read (the first copy that came whole and unharmed is kept, each further one is compared with it), status in
// the connection, many blocks.
`default_nettype none
`include "scsi_defs.vh"

module ini_tally (
    input wire clk_i,
    input wire rst_ni,

    input wire begin_i,   // pulse: a task begins
    input wire active_i,  // a mirrored operation is connected
    input wire read_i,    // it is a read
    input wire compare_i, // the buffer holds a good copy already

    // data
    input wire [2:0] phase_i,
    input wire       rx_perr_i,     // wrong parity or CRC
    input wire       differs_i,     // pulse: what came is not what the buffer holds
    input wire [3:0] data_rank_i,   // whose data
    input wire       copied_i,      // pulse: its copy is whole
    input wire       said_i,        // pulse: a message went out: the data phase before it is over in every respect
    input wire       advance_i,     // pulse: the next block
    input wire [3:0] next_index_i,  // its number
    input wire       final_i,       // there is none
    input wire       early_i,       // pulse: there is none any more

    // the others
    input wire       skip_i,       // pulse: who_i did not take
    input wire       refuse_i,     // pulse: the switch to who_i was rejected
    input wire       keep_i,       // pulse: status_i is who_i's status
    input wire [7:0] status_i,
    input wire       fault_i,      // pulse: block_i is the first that failed at who_i
    input wire [3:0] block_i,
    input wire [3:0] who_i,
    input wire       deliver_i,    // pulse: the status of told_rank_i is delivered
    input wire [3:0] told_rank_i,

    output wire        compare_o,   // what comes in is to be compared
    output reg  [14:0] served_o,    // has every block of the pass
    output reg  [14:0] holds_o,     // has a copy of a block: owes a status
    output reg  [14:0] skipped_o,   // did not take
    output reg  [14:0] refused_o,   // its switch was rejected
    output reg  [14:0] differs_o,   // sent something else than the first one
    output reg  [14:0] spoilt_o,    // its data came with wrong parity or CRC
    output reg  [14:0] reported_o,  // has delivered its status

    input  wire [3:0] look_rank_i,
    output reg  [7:0] look_status_o,  // a clock later: the status
    output reg  [3:0] look_block_o    // a clock later: the first block that it has not got, or not right, or that it says failed
);

  reg       kept_q;  // the buffer holds a copy of this block
  reg       open_q;  // a copy is whole, and not judged
  reg       bad_q;  // wrong parity or CRC in it
  reg [3:0] block_mem[0:15];
  reg [7:0] status_mem[0:15];

  wire      bad = active_i && rx_perr_i && (phase_i == `SCSI_PH_DATA_IN || phase_i == `SCSI_PH_DT_DATA_IN);
  wire      judge = open_q && said_i;
  wire      right = !differs_o[data_rank_i] && !spoilt_o[data_rank_i];
  wire      note = copied_i ? right || !holds_o[data_rank_i] : judge && right;
  wire [3:0] blocks = copied_i ? next_index_i - 4'd1 : next_index_i;  // that it has for sure
  wire      unknown = keep_i && status_i != `SCSI_ST_GOOD;  // which block failed, unless FAILED BLOCK tells it
  wire [3:0] at = fault_i || unknown ? who_i : data_rank_i;
  // Nothing to do in a clock should cost a simulation nothing.
  wire      awake = begin_i || (active_i && (bad || judge || differs_i || copied_i || advance_i || early_i || skip_i || refuse_i)) || deliver_i;

  assign compare_o = read_i && kept_q;

  // By themselves, without a reset, so that they become memories.
  always @(posedge clk_i) begin
    if (note || fault_i || unknown) block_mem[at] <= fault_i ? block_i : unknown ? 4'd0 : blocks;
    if (keep_i) status_mem[who_i] <= status_i;
    look_status_o <= status_mem[look_rank_i];
    look_block_o <= holds_o[look_rank_i] ? block_mem[look_rank_i] : 4'd0;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      clear;
    end else if (!awake) begin
      // nothing changes
    end else if (begin_i) begin
      clear;
      kept_q <= compare_i;
    end else begin
      if (copied_i) begin
        open_q <= 1'b1;
        holds_o[data_rank_i] <= 1'b1;
        if (final_i) served_o[data_rank_i] <= 1'b1;
      end
      if (bad) begin
        bad_q <= 1'b1;
        spoilt_o[data_rank_i] <= 1'b1;
      end
      if (differs_i) differs_o[data_rank_i] <= 1'b1;
      if (judge) begin
        {open_q, bad_q} <= 2'b00;
        if (read_i && !bad_q) kept_q <= 1'b1;
      end
      if (advance_i) kept_q <= compare_i;
      if (early_i) served_o <= holds_o & ~skipped_o & ~refused_o;
      if (skip_i) skipped_o[who_i] <= 1'b1;
      if (refuse_i) refused_o[who_i] <= 1'b1;
      if (deliver_i) reported_o[told_rank_i] <= 1'b1;
    end
  end

  task clear;
    begin
      {kept_q, open_q, bad_q} <= 3'd0;
      {served_o, holds_o, skipped_o, refused_o} <= 60'd0;
      {differs_o, spoilt_o, reported_o} <= 45'd0;
    end
  endtask

endmodule
`default_nettype wire
