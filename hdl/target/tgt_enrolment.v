// The groups in which this drive is enrolled: per (initiator, group) its ID in the group and the extensions agreed on.
//
// Used by scsi_target. One identity per initiator and group; a new QUERY to the same group replaces it, z = Fh leaves, and a member
// that sees another drive accept its identity drops it (docs/protocol.md, enrolment). When all entries are taken a QUERY is declined.
// What is said of yz_i is right two clocks after it.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"

module tgt_enrolment #(
    parameter ENTRIES = 16
) (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       clear_i,      // RST or TARGET RESET: all enrolments end
    input wire [3:0] initiator_i,
    input wire [7:0] yz_i,
    input wire [7:0] lead_yz_i,    // leader of the operation under way
    input wire       set_i,        // pulse: enrol as yz_i, or leave the group when z is Fh
    input wire       drop_i,       // pulse: another drive is drop_yz_i now
    input wire [7:0] drop_yz_i,
    input wire       agree_i,      // pulse: the extensions of can_i have been agreed on for yz_i
    input wire [1:0] can_i,        // flags of CAPABILITY

    output reg       room_o,   // set_i would succeed
    output reg       group_o,  // enrolled in group y of this initiator
    output reg       named_o,  // ... and yz_i is this drive's identity there
    output reg [1:0] can_o,    // ... with these extensions
    output reg       lead_o    // yz_i is the leader's identity
);

  generate
    if (ENTRIES < 1 || ENTRIES > 16) begin : g_bad_entries
      entries_must_be_1_to_16 u_error ();
    end
  endgenerate

  reg  [  ENTRIES-1:0] valid_q;
  reg  [4*ENTRIES-1:0] initiator_q;
  reg  [4*ENTRIES-1:0] group_q;
  reg  [4*ENTRIES-1:0] z_q;
  reg  [2*ENTRIES-1:0] can_q;

  reg  [  ENTRIES-1:0] same;  // entry of (initiator, group y)
  reg  [  ENTRIES-1:0] match_q;
  reg  [  ENTRIES-1:0] drop;
  reg  [  ENTRIES-1:0] vacant_q;  // lowest free entry
  reg                  full_q;
  reg  [          3:0] own_z;
  reg  [          1:0] can;
  wire                 matched = |match_q;
  wire [  ENTRIES-1:0] chosen = matched ? match_q : vacant_q;
  integer n, k;

  // Nothing to do in a clock should cost a simulation nothing.
  reg  [         19:0] asked_q;
  reg  [          1:0] fresh_q;  // the question or the table has changed
  wire                 changes = clear_i || drop_i || set_i || agree_i;
  wire                 awake = `SCSI_AWAKE(changes || fresh_q != 2'd0 || asked_q != {lead_yz_i, initiator_i, yz_i});

  always @(*) begin
    own_z = 4'd0;
    can   = 2'd0;
    for (n = 0; n < ENTRIES; n = n + 1) begin
      same[n] = valid_q[n] && initiator_q[4*n+:4] == initiator_i && group_q[4*n+:4] == yz_i[7:4];
      drop[n] = valid_q[n] && initiator_q[4*n+:4] == initiator_i && {group_q[4*n+:4], z_q[4*n+:4]} == drop_yz_i;
      own_z = own_z | (z_q[4*n+:4] & {4{match_q[n]}});
      can   = can | (can_q[2*n+:2] & {2{match_q[n]}});
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= {ENTRIES{1'b0}};
      initiator_q <= {4 * ENTRIES{1'b0}};
      group_q <= {4 * ENTRIES{1'b0}};
      z_q <= {4 * ENTRIES{1'b0}};
      can_q <= {2 * ENTRIES{1'b0}};
      {match_q, vacant_q} <= {2 * ENTRIES{1'b0}};
      {full_q, room_o, group_o, named_o, lead_o} <= 5'd0;
      can_o <= 2'd0;
      asked_q <= 20'd0;
      fresh_q <= 2'b01;
    end else if (awake) begin
      asked_q <= {lead_yz_i, initiator_i, yz_i};
      fresh_q <= {fresh_q[0], changes || asked_q != {lead_yz_i, initiator_i, yz_i}};
      match_q <= same;
      vacant_q <= ~valid_q & (valid_q + {{ENTRIES - 1{1'b0}}, 1'b1});
      full_q <= &valid_q;
      group_o <= matched;
      named_o <= matched && own_z == yz_i[3:0];
      can_o <= can;
      lead_o <= yz_i == lead_yz_i;
      room_o <= matched || !full_q || yz_i[3:0] == `MIRROR_Z_LEAVE;
      if (clear_i) valid_q <= {ENTRIES{1'b0}};
      else if (drop_i) valid_q <= valid_q & ~drop;
      else if (set_i) enrol;
      else if (agree_i) begin
        for (k = 0; k < ENTRIES; k = k + 1) if (match_q[k]) can_q[2*k+:2] <= can_i;
      end
    end
  end

  task enrol;
    if (yz_i[3:0] == `MIRROR_Z_LEAVE) begin
      valid_q <= valid_q & ~match_q;
    end else begin
      valid_q <= valid_q | chosen;
      for (k = 0; k < ENTRIES; k = k + 1) begin
        if (chosen[k]) begin
          initiator_q[4*k+:4] <= initiator_i;
          group_q[4*k+:4] <= yz_i[7:4];
          z_q[4*k+:4] <= yz_i[3:0];
          can_q[2*k+:2] <= 2'd0;
        end
      end
    end
  endtask

endmodule
`default_nettype wire
