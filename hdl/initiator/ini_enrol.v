// Who is enrolled: (group, ID in the group) -> SCSI ID, and the extensions agreed with that member.
//
// Used by scsi_initiator: written at the end of a QUERY, read when a mirrored write is checked and by the ENROLLED register. Rule: an
// enrolment of a target in a group ends with a new QUERY to it for that group, all of a target with TARGET RESET, all with RST. Extensions
// end with the enrolment (docs/protocol.md, extensions).
`default_nettype none
`include "scsi_awake.vh"

module ini_enrol (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,

    input wire       update_i,  // pulse: drop the target's enrolment in the group
    input wire       enrol_i,   // with it: and enrol it anew as z
    input wire [3:0] group_i,
    input wire [3:0] z_i,
    input wire [3:0] target_i,
    input wire       gone_i,    // pulse: drop the target from all groups, which takes a clock each; target_i holds that long

    input wire       agree_i,   // pulse: these are the extensions of (group_i, z_i), if that is target_i
    input wire [1:0] flags_i,   // SERIES, STATUS
    input wire [4:0] blocks_i,

    input  wire [ 3:0] find_group_i,
    input  wire [ 3:0] find_z_i,
    output reg         found_o,       // three clocks later
    output reg  [ 3:0] target_o,
    output reg  [ 1:0] flags_o,       // ... with it
    output reg  [ 4:0] blocks_o,
    input  wire [ 3:0] show_group_i,
    output reg  [15:0] show_o         // a clock later
);

  reg [15:0] member_mem[0:15];  // by group: bit z
  reg [15:0] valid_q;  // by group: member_mem counts, else there is no member
  reg [63:0] who_q[0:15];  // by group: SCSI ID of z in bits 4z+3:4z
  (* no_rw_check *)  // nobody looks while they change (ini_settled)
  reg [6:0] extra_mem[0:255];  // by group and z: what is agreed; counts only for members
  reg [15:0] same;  // members of the group that are this target
  // A change of member_mem: what it is, what comes of it
  reg        mark_q, put_q;
  reg [ 3:0] mark_group_q, put_group_q;
  reg [15:0] leave_q, join_q, put_members_q;
  integer z;

  reg       walk_q;
  reg [3:0] walk_group_q;
  wire [3:0] group = walk_q ? walk_group_q : group_i;
  wire [63:0] who = who_q[group];
  reg [3:0] find_group_q, find_z_q;
  // a clock after them
  reg [63:0] find_who_q;
  reg [15:0] find_members_q;
  reg [3:0] find_at_q;
  reg [6:0] extra_q;
  // what is to be kept in extra_mem
  reg [15:0] members_q, same_q;
  reg [15:0] own_q;  // what target_i is in group_i; both have been as they are for long when agree_i comes
  reg       note_q;
  reg [7:0] note_at_q;
  reg [6:0] note_extra_q;

  wire enrolling = update_i && enrol_i && !clear_i && !gone_i && !walk_q;
  wire awake = `SCSI_AWAKE(clear_i || update_i || gone_i || walk_q || mark_q || put_q);

  always @(*) for (z = 0; z < 16; z = z + 1) same[z] = who[4*z+:4] == target_i;

  wire [15:0] members = valid_q[group_i] ? member_mem[group_i] : 16'd0;
  wire [15:0] marked = valid_q[mark_group_q] ? member_mem[mark_group_q] : 16'd0;

  // By themselves, without a reset, so that they become memories.
  always @(posedge clk_i) begin
    if (note_q) extra_mem[note_at_q] <= note_extra_q;
    extra_q <= extra_mem[{find_group_q, find_z_q}];
  end

  always @(posedge clk_i) begin
    {find_group_q, find_z_q} <= {find_group_i, find_z_i};
    find_members_q <= valid_q[find_group_q] ? member_mem[find_group_q] : 16'd0;
    find_who_q <= who_q[find_group_q];
    find_at_q <= find_z_q;
    found_o <= find_members_q[find_at_q];
    target_o <= find_who_q[{find_at_q, 2'd0}+:4];
    {blocks_o, flags_o} <= extra_q;
    show_o <= valid_q[show_group_i] ? member_mem[show_group_i] : 16'd0;
    {members_q, same_q} <= {members, same};
    own_q <= members_q & same_q;
    note_q <= enrolling || (agree_i && own_q[z_i]);
    note_at_q <= {group_i, z_i};
    note_extra_q <= enrolling ? 7'd0 : {blocks_i, flags_i};
  end

  always @(posedge clk_i) if (put_q) member_mem[put_group_q] <= put_members_q;

  always @(posedge clk_i)
    if (enrolling) who_q[group_i] <= (who & ~(64'hF << {z_i, 2'd0})) | ({60'd0, target_i} << {z_i, 2'd0});

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {walk_q, mark_q, put_q} <= 3'd0;
      {walk_group_q, mark_group_q, put_group_q} <= 12'd0;
      {leave_q, join_q, put_members_q} <= 48'd0;
      valid_q <= 16'd0;
    end else if (!awake) begin
      // nothing changes
    end else if (clear_i) begin
      {walk_q, mark_q, put_q} <= 3'd0;
      valid_q <= 16'd0;
    end else begin
      mark_q <= walk_q || (update_i && !gone_i);
      mark_group_q <= group;
      leave_q <= same;
      join_q <= enrol_i && !walk_q ? 16'd1 << z_i : 16'd0;
      put_q <= mark_q;
      put_group_q <= mark_group_q;
      put_members_q <= (marked & ~leave_q) | join_q;
      if (put_q) valid_q[put_group_q] <= 1'b1;
      if (gone_i) begin
        walk_q <= 1'b1;
        walk_group_q <= 4'd0;
      end else if (walk_q) begin
        walk_group_q <= walk_group_q + 4'd1;
        if (walk_group_q == 4'd15) walk_q <= 1'b0;
      end
    end
  end

endmodule
`default_nettype wire
