// Sense data, deferred errors and unit attentions of a disk, for each of 16 initiators.
//
// Used by tgt_disk. Sense data waits until REQUEST SENSE or the next command of that initiator. A condition (unit attention or
// deferred error) waits until it has been told, by CHECK CONDITION or by REQUEST SENSE; resets come before lost tasks, those before
// changed mode parameters, those before deferred errors. Having been told of a reset an initiator expects any mode parameters.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_kinds.vh"

module tgt_sense (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       bus_rst_i,
    input wire       target_reset_i,  // pulse
    input wire [3:0] initiator_i,     // of the command being judged

    // initiators whose tasks another one has had dropped
    input wire        losers_set_i,    // pulse
    input wire [15:0] losers_i,
    input wire        losers_reset_i,  // by LOGICAL UNIT RESET, not by CLEAR TASK SET

    // from outside the disk
    input wire        current_i,          // pulse: sense data of a command that has just ended
    input wire        deferred_i,         // pulse: a deferred error
    input wire [ 3:0] sense_initiator_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [`TGT_SENSE_W-1:0] sense_what_i,
    /* verilator lint_on UNUSEDSIGNAL */

    // from the judge
    input  wire                    look_i,     // pulse: the outputs below are of initiator_i from the next clock on
    input  wire                    fetch_i,    // pulse, later: so is report_o
    input  wire                    absent_i,   // ... but the LUN does not exist
    input  wire                    clear_i,    // pulse: its sense data is no longer wanted
    input  wire                    take_i,     // pulse: its condition_o is being told
    input  wire                    changed_i,  // pulse: it changed mode parameters
    input  wire                    note_i,     // sense data for it, held until noted_o
    input  wire [`TGT_SENSE_W-1:0] note_sense_i,
    output wire                    noted_o,
    output reg                     left_o,     // sense data waits
    output reg                     waiting_o,  // a condition waits
    output reg  [`TGT_SENSE_W-1:0] report_o,   // what REQUEST SENSE returns
    output wire [`TGT_SENSE_W-1:0] condition_o
);

  localparam RESET = 2'd0;
  localparam CHANGED = 2'd1;
  localparam DEFERRED = 2'd2;
  localparam LOST = 2'd3;

  reg  [`TGT_SENSE_W-1:0] store_q    [0:15];
  reg  [            19:0] late_q     [0:15];  // deferred errors
  reg  [            15:0] sensed_q;  // by initiator: sense data waits
  reg  [            15:0] reset_q;  // unit attention: reset_code_q
  reg  [            15:0] lost_q;  // unit attention: lost_code_q
  reg  [            15:0] lost_code_q;
  reg  [            15:0] changed_q;  // unit attention: mode parameters changed
  reg  [            15:0] deferred_q;  // deferred error: in late_q
  reg  [            15:0] reset_code_q;
  reg  [             1:0] which_q;  // what condition_o is
  reg  [            20:0] condition_q;

  wire                    reset = bus_rst_i || target_reset_i;
  wire [             3:0] place = current_i ? sense_initiator_i : initiator_i;

  wire [            15:0] own = 16'd1 << initiator_i;

  assign noted_o = note_i && !current_i;
  assign condition_o = {33'd0, condition_q};

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(reset || current_i || deferred_i || look_i || fetch_i || clear_i || take_i || changed_i || note_i || losers_set_i);

  always @(posedge clk_i) begin
    if (current_i || note_i) store_q[place] <= current_i ? sense_what_i : note_sense_i;
    if (deferred_i) late_q[sense_initiator_i] <= sense_what_i[19:0];
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {left_o, waiting_o, which_q} <= 4'd0;
      report_o <= `TGT_SENSE_W'd0;
      sensed_q <= 16'd0;
      lost_q <= 16'd0;
      changed_q <= 16'd0;
      deferred_q <= 16'd0;
      lost_code_q <= `SCSI_ASC_COMMANDS_CLEARED;
      reset_q <= 16'hFFFF;
      reset_code_q <= `SCSI_ASC_POWER_ON;
      condition_q <= 21'd0;
    end else if (awake) begin
      if (look_i) look;
      if (fetch_i) fetch;
      sensed_q <= (sensed_q & ~(clear_i ? own : 16'd0)) | (current_i || note_i ? 16'd1 << place : 16'd0);
      if (take_i) take;
      if (changed_i) changed_q <= ~own;
      if (reset) begin
        sensed_q <= 16'd0;
        lost_q <= 16'd0;
        changed_q <= 16'd0;
        reset_q <= 16'hFFFF;
        reset_code_q <= bus_rst_i ? `SCSI_ASC_BUS_RESET : `SCSI_ASC_TARGET_RESET;
      end
      if (losers_set_i && losers_i != 16'd0) begin
        lost_q <= lost_q | losers_i;
        lost_code_q <= losers_reset_i ? `SCSI_ASC_TARGET_RESET : `SCSI_ASC_COMMANDS_CLEARED;
      end
      // a reset does not make up for lost data
      deferred_q <= (deferred_q & ~(take_i && which_q == DEFERRED ? own : 16'd0)) | (deferred_i ? 16'd1 << sense_initiator_i : 16'd0);
    end
  end

  task look;
    begin
      left_o <= sensed_q[initiator_i];
      waiting_o <= reset_q[initiator_i] || lost_q[initiator_i] || changed_q[initiator_i] || deferred_q[initiator_i];
      if (reset_q[initiator_i]) begin
        which_q <= RESET;
        condition_q <= {1'b0, `SCSI_SK_UNIT_ATTENTION, reset_code_q};
      end else if (lost_q[initiator_i]) begin
        which_q <= LOST;
        condition_q <= {1'b0, `SCSI_SK_UNIT_ATTENTION, lost_code_q};
      end else if (changed_q[initiator_i]) begin
        which_q <= CHANGED;
        condition_q <= {1'b0, `SCSI_SK_UNIT_ATTENTION, `SCSI_ASC_MODE_PARAMETERS_CHANGED};
      end else begin
        which_q <= DEFERRED;
        condition_q <= {1'b1, late_q[initiator_i]};
      end
    end
  endtask

  // Sense data of the last command first, then what waits.
  task fetch;
    if (absent_i) report_o <= {34'd0, `SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LUN_NOT_SUPPORTED};
    else if (left_o) report_o <= store_q[initiator_i];
    else report_o <= waiting_o ? condition_o : {34'd0, `SCSI_SK_NO_SENSE, `SCSI_ASC_NONE};
  endtask

  task take;
    case (which_q)
      RESET: begin
        reset_q   <= reset_q & ~own;
        changed_q <= changed_q & ~own;
      end
      LOST: lost_q <= lost_q & ~own;
      CHANGED: changed_q <= changed_q & ~own;
      default: ;  // DEFERRED
    endcase
  endtask

endmodule
`default_nettype wire
