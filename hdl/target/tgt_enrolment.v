// The groups in which this drive is enrolled: per (initiator, group) its ID in the group.
//
// Used by scsi_target. One identity per initiator and group; a new QUERY to the same group replaces it, z = Fh leaves, and a member
// that sees another drive accept its identity drops it (docs/protocol.md, enrolment). When all entries are taken a QUERY is declined.
`default_nettype none
`include "scsi_defs.vh"

module tgt_enrolment #(
    parameter ENTRIES = 4
) (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       clear_i,      // RST or TARGET RESET: all enrolments end
    input wire [3:0] initiator_i,
    input wire [7:0] yz_i,
    input wire       set_i,        // pulse: enrol as yz_i, or leave the group when z is Fh
    input wire       drop_i,       // pulse: another drive is drop_yz_i now
    input wire [7:0] drop_yz_i,

    output wire       room_o,   // set_i would succeed
    output wire       group_o,  // enrolled in group y of this initiator
    output wire       named_o   // ... and yz_i is this drive's identity there
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

  reg  [  ENTRIES-1:0] match;  // entry of (initiator, group y)
  reg  [  ENTRIES-1:0] drop;
  reg  [          3:0] own_z;
  wire [  ENTRIES-1:0] vacant = ~valid_q & (valid_q + {{ENTRIES - 1{1'b0}}, 1'b1});  // lowest free entry
  wire [  ENTRIES-1:0] chosen = |match ? match : vacant;
  integer n, k;

  assign group_o = |match;
  assign named_o = group_o && own_z == yz_i[3:0];
  assign room_o  = |chosen || yz_i[3:0] == `MIRROR_Z_LEAVE;

  always @(*) begin
    own_z = 4'd0;
    for (n = 0; n < ENTRIES; n = n + 1) begin
      match[n] = valid_q[n] && initiator_q[4*n+:4] == initiator_i && group_q[4*n+:4] == yz_i[7:4];
      drop[n] = valid_q[n] && initiator_q[4*n+:4] == initiator_i && {group_q[4*n+:4], z_q[4*n+:4]} == drop_yz_i;
      if (match[n]) own_z = own_z | z_q[4*n+:4];
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= {ENTRIES{1'b0}};
      initiator_q <= {4 * ENTRIES{1'b0}};
      group_q <= {4 * ENTRIES{1'b0}};
      z_q <= {4 * ENTRIES{1'b0}};
    end else if (clear_i) begin
      valid_q <= {ENTRIES{1'b0}};
    end else if (drop_i) begin
      valid_q <= valid_q & ~drop;
    end else if (set_i) begin
      if (yz_i[3:0] == `MIRROR_Z_LEAVE) begin
        valid_q <= valid_q & ~match;
      end else begin
        valid_q <= valid_q | chosen;
        for (k = 0; k < ENTRIES; k = k + 1) begin
          if (chosen[k]) begin
            initiator_q[4*k+:4] <= initiator_i;
            group_q[4*k+:4] <= yz_i[7:4];
            z_q[4*k+:4] <= yz_i[3:0];
          end
        end
      end
    end
  end

endmodule
`default_nettype wire
