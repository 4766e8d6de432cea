// What the target's messages mean in this connection: which are in order, what they ask for, what counts once it is acknowledged.
//
// Used by scsi_initiator, between ini_msg_in and ini_nexus; negotiation messages are ini_agreement's, MIRROR ACCEPT is judged by
// ini_query too. Rules: message system of SCSI-2 and SPI-3. TASK COMPLETE, DISCONNECT and QAS REQUEST count when they are acknowledged
// with ATN false; QAS REQUEST only by agreement and after one of the other two; what is not known is rejected.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_hear (
    input wire clk_i,
    input wire rst_ni,

    // the connection
    input wire       begin_i,        // pulse: a new one
    input wire       reselected_i,   // it is a reselection
    input wire       known_i,        // its task is known
    input wire       doomed_i,       // nothing that is heard may change what is said
    input wire       spread_i,       // a mirrored operation
    input wire       serving_i,      // ... in which a copy is under way
    input wire       asking_i,       // ... in which a participant that was named for REPORT may answer
    input wire [7:0] leader_i,       // ... its leader's yz
    input wire [7:0] member_i,       // yz of the participant that a FAILED BLOCK would come from
    input wire       owing_i,        // the task of a reselection is a participant's
    input wire       accept_fits_i,  // QUERY, CAPABILITY: an answer that comes now is the one awaited
    input wire       qas_i,          // QAS is agreed with the target

    input wire [2:0] phase_i,
    input wire       phase_new_i,
    input wire       byte_done_i,
    input wire       atn_i,        // own ATN
    input wire       msg_stb_i,
    input wire [4:0] msg_i,
    input wire [7:0] arg_i,
    input wire [15:0] ext_i,       // the latest two bytes of an extended message

    output reg       reject_o,     // pulse: answer MESSAGE REJECT
    output reg       protocol_o,   // pulse: this cannot be
    output reg       save_o,       // pulse: SAVE DATA POINTER
    output reg       restore_o,    // pulse: RESTORE POINTERS
    output reg       residue_o,    // pulse: IGNORE WIDE RESIDUE
    output reg       reclaimed_o,  // pulse: the leader is the current target again
    output reg       put_off_o,    // pulse: DISCONNECT in the place of a status
    output reg       failed_o,     // pulse: FAILED BLOCK
    output reg       flawed_o,     // it came in this connection
    output reg [3:0] block_o,      // what it said
    output reg       refused_o,    // pulse: MESSAGE REJECT
    output reg       named_o,      // pulse: IDENTIFY or a tag of a reselection
    output reg       tagged_o,     // with it: a tag
    output reg [7:0] name_o,       // LUN or tag
    output reg       complete_o,   // TASK COMPLETE counts
    output reg       disc_o,       // DISCONNECT counts
    output reg       over_o        // pulse: QAS REQUEST counts
);

  localparam NO_ACT = 2'd0;  // nothing hangs on the last ACK
  localparam ACT_COMPLETE = 2'd1;  // TASK COMPLETE does
  localparam ACT_DISCONNECT = 2'd2;  // DISCONNECT does
  localparam ACT_QAS = 2'd3;  // QAS REQUEST does

  reg  [1:0] act_q;
  reg        met_q;  // IDENTIFY came
  reg        fresh_q;  // and no other message or phase since
  // the message that has come names
  reg        leader_q;  // the leader
  reg        member_q;  // who FAILED BLOCK would come from, and a block that may be

  wire       in_messages = phase_i == `SCSI_PH_MSG_IN || phase_i == `SCSI_PH_MSG_OUT;
  wire       stranger = reselected_i && !known_i;
  wire       pulsed = reject_o || protocol_o || save_o || restore_o || residue_o || reclaimed_o || refused_o || named_o || over_o
      || put_off_o || failed_o;
  // Nothing to do in a clock should cost a simulation nothing.
  wire       of_leader = arg_i == leader_i;
  wire       of_member = ext_i[15:8] == member_i && ext_i[7:4] == 4'd0;
  wire       awake = `SCSI_AWAKE(pulsed || begin_i || phase_new_i || msg_stb_i || (byte_done_i && act_q != NO_ACT)
      || {leader_q, member_q} != {of_leader, of_member});

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {reject_o, protocol_o, save_o, restore_o, residue_o, reclaimed_o, refused_o, named_o, over_o, put_off_o, failed_o} <= 11'd0;
      {tagged_o, complete_o, disc_o, met_q, fresh_q, flawed_o, leader_q, member_q} <= 8'd0;
      block_o <= 4'd0;
      name_o <= 8'd0;
      act_q <= NO_ACT;
    end else if (awake) begin
      {leader_q, member_q} <= {of_leader, of_member};
      {reject_o, protocol_o, save_o, restore_o, residue_o, reclaimed_o, refused_o, named_o, over_o, put_off_o, failed_o} <= 11'd0;
      if (begin_i) begin
        {complete_o, disc_o, met_q, fresh_q, flawed_o} <= 5'd0;
        act_q <= NO_ACT;
      end
      if (phase_new_i && !in_messages) fresh_q <= 1'b0;
      if (byte_done_i) begin
        act_q <= NO_ACT;
        if (!atn_i) begin
          if (act_q == ACT_COMPLETE) complete_o <= 1'b1;
          if (act_q == ACT_DISCONNECT) disc_o <= 1'b1;
          if (act_q == ACT_QAS) over_o <= 1'b1;
        end
      end
      if (msg_stb_i) begin
        fresh_q <= msg_i == `INI_MSG_IDENTIFY;
        if (stranger && msg_i != `INI_MSG_IDENTIFY && msg_i != `INI_MSG_SIMPLE) protocol_o <= 1'b1;
        else interpret;
      end
    end
  end

  task interpret;
    case (msg_i)
      `INI_MSG_COMPLETE: act_q <= ACT_COMPLETE;
      `INI_MSG_DISCONNECT:
      if (spread_i && asking_i) put_off_o <= !doomed_i;
      else if (spread_i) reject_o <= 1'b1;
      else act_q <= ACT_DISCONNECT;
      `INI_MSG_QAS:
      if (qas_i && (complete_o || disc_o)) act_q <= ACT_QAS;
      else reject_o <= 1'b1;
      `INI_MSG_SAVE: save_o <= 1'b1;
      `INI_MSG_RESTORE:
      if (spread_i && !serving_i && !asking_i) reject_o <= 1'b1;
      else restore_o <= 1'b1;
      `INI_MSG_REJECT: refused_o <= 1'b1;
      `INI_MSG_IDENTIFY:
      if (!reselected_i || (met_q && !fresh_q)) begin
        reject_o <= 1'b1;
      end else begin
        met_q <= 1'b1;
        name(1'b0);
      end
      `INI_MSG_SIMPLE:
      if (fresh_q) name(1'b1);
      else reject_o <= 1'b1;
      `INI_MSG_RESIDUE:
      if (arg_i == 8'd1) residue_o <= 1'b1;
      else reject_o <= 1'b1;
      `INI_MSG_ACCEPT, `INI_MSG_CAPABILITY: reject_o <= !accept_fits_i;
      `INI_MSG_FAILED:
      if ((asking_i || owing_i) && member_q) begin
        failed_o <= 1'b1;
        flawed_o <= 1'b1;
        block_o <= ext_i[3:0];
      end else begin
        reject_o <= 1'b1;
      end
      `INI_MSG_RECLAIMED:
      if (spread_i && leader_q) reclaimed_o <= !doomed_i;
      else reject_o <= 1'b1;
      `INI_MSG_WDTR, `INI_MSG_SDTR, `INI_MSG_PPR: reject_o <= spread_i;
      default: reject_o <= 1'b1;
    endcase
  endtask

  task name;
    input as_tag;
    begin
      named_o <= 1'b1;
      tagged_o <= as_tag;
      name_o <= arg_i;
    end
  endtask

endmodule
`default_nettype wire
