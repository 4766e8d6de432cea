// The connection: which task it belongs to, what the target's phases mean for it, what is said, and how it ends.
//
// Used by scsi_initiator; ini_hear tells what the target's messages ask for. Whatever order of phases the target chooses is followed; what must not be (too much data, a COMMAND phase in a
// mirrored operation, too many errors) is answered with ATN and ABORT TASK (SET). Rules: message system and attention condition of SCSI-2 and
// SPI-3; implied RESTORE POINTERS at reselection; outcomes of QUERY and CAPABILITY: docs/protocol.md, discovery and extensions. In a
// mirrored read wrong data is its sender's failure, and nothing is said about it; errors of what answers REPORT are ini_mirror's.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_nexus #(
    parameter PW = 15
) (
    input wire clk_i,
    input wire rst_ni,
    input wire bus_rst_i,
    input wire hang_i,     // the reset that comes is due to a hanging connection

    // configuration
    input wire [ 3:0] cfg_retries_i,

    // arbitration, reselection, bus free
    input wire       won_i,
    input wire       done_i,
    input wire       timeout_i,
    input wire       reselected_i,
    input wire [3:0] peer_i,
    input wire       bus_free_i,

    // descriptor to be started, with the SCSI IDs of its participants by rank
    input wire [`INI_DESC_W-1:0] start_desc_i,
    input wire [           59:0] start_ids_i,

    // task table
    output reg                   find_o,
    output wire [`INI_KEY_W-1:0] key_o,
    input  wire                  found_i,
    input  wire                  absent_i,
    input  wire [           4:0] found_idx_i,
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input  wire [`INI_ENT_W-1:0] found_ent_i,
    /* verilator lint_on UNUSEDSIGNAL */

    // link
    input  wire [2:0] phase_i,
    input  wire       phase_new_i,
    input  wire       rx_stb_i,
    input  wire [7:0] rx_data_i,
    input  wire       rx_perr_i,
    output wire       stall_o,
    output wire [3:0] data_target_o,  // the target that the data phases are with
    input  wire       cdb_over_i,   // the target asks for more command bytes than there are

    // messages in: what they ask for
    input wire       bad_i,       // one with wrong parity
    input wire       reject_i,
    input wire       protocol_i,
    input wire       save_i,
    input wire       restore_i,
    input wire       refused_i,
    input wire       named_i,
    input wire       tagged_i,
    input wire [7:0] name_i,
    input wire       complete_i,
    input wire       disc_i,
    input wire       over_i,

    // negotiation: what it asks to be said, MESSAGE REJECT that was meant for it
    input wire       neg_say_i,
    input wire [4:0] neg_kind_i,
    input wire       neg_took_i,

    // messages out
    output reg        say_o,
    output reg  [4:0] kind_o,
    output reg        drop_rest_o,
    output wire       retry_ok_o,
    input  wire       say_rest_i,   // something is still to be said
    input  wire [4:0] said_kind_i,
    input  wire       resend_i,
    input  wire       give_up_i,

    // data
    output reg           load_o,
    output reg  [PW-1:0] load_saved_o,
    output reg  [PW-1:0] load_moved_o,
    input  wire          overrun_i,

    // mirror
    output wire       mirror_o,     // a mirrored operation is connected
    input  wire       asking_i,     // a participant that was named for REPORT may answer
    output reg        rejected_o,
    input  wire [3:0] data_rank_i,  // participant of a data phase
    input  wire       abort_i,
    input  wire [3:0] abort_why_i,

    // outcome of a QUERY or a CAPABILITY, enrolment, a target that was reset
    input  wire       accepted_i,
    input  wire       declined_i,
    output reg        begin_o,         // pulse: a task of a new connection becomes current
    output reg        again_o,         // pulse: the task of a reselection was found
    output reg  [2:0] again_detail_o,
    output reg        enrol_update_o,
    output reg        enrol_o,
    output reg        agree_o,         // pulse: CAPABILITY has ended
    output reg        gone_o,          // pulse: TARGET RESET went to the target

    // state and end; what describes the task holds until the next connection
    output wire                   open_o,         // conn_o, and the selection before it
    output reg                    conn_o,
    output reg                    resel_o,        // it is a reselection
    output reg                    doomed_o,
    output reg                    end_o,       // pulse
    output reg                    task_o,      // there is a task
    output reg                    table_o,     // it stands in the table
    output reg                    spread_o,    // it is a mirrored operation: one outcome a participant
    output reg                    read_o,      // ... a read
    output reg                    keep_o,      // it was disconnected
    output reg  [            3:0] result_o,
    output reg  [            7:0] status_o,
    output reg  [            4:0] idx_o,
    output reg  [`INI_DESC_W-1:0] desc_o,
    output reg  [           59:0] ids_o
);

  reg        open_q;  // from a won arbitration or a reselection to the end
  reg        finding_q;
  reg        wrong_q;  // a word of data, a status came wrong; what is said about it is there before its ACK is negated
  reg        lost_q;  // the task that was named is not known
  reg        status_ok_q;  // a status byte came in good order
  reg        data_bad_q;  // DATA IN with wrong parity, not repeated
  reg        asking_q;  // asking_i a clock ago; it is steady for long when it counts
  reg        retry_ok_q;  // errors may still be answered by a repetition
  reg        told_q;  // INITIATOR DETECTED ERROR is on its way for this phase
  reg  [3:0] tries_q;

  wire [3:0] opcode = desc_o[`INI_D_OPCODE];
  wire [3:0] target = desc_o[`INI_D_TARGET];
  wire       stranger = resel_o && !task_o;  // a nexus that is not known here, or not yet
  wire       in_messages = phase_i == `SCSI_PH_MSG_IN || phase_i == `SCSI_PH_MSG_OUT;
  wire       query = opcode == `INI_OP_QUERY;
  wire       ability = opcode == `INI_OP_MIRROR_CAPABILITY;
  wire       manage = opcode == `INI_OP_TASK_MANAGEMENT;
  wire       managed = said_kind_i == `INI_SAY_MANAGE && !say_rest_i && !disc_i;
  // DATA IN came wrong: a word, or in a DT phase the CRC of a data group
  wire       bad_data = rx_perr_i && !spread_o && (phase_i == `SCSI_PH_DATA_IN || phase_i == `SCSI_PH_DT_DATA_IN);
  wire       wrong = bad_data || (rx_stb_i && rx_perr_i && phase_i == `SCSI_PH_STATUS && !asking_q);
  wire       heard = reject_i || protocol_i || save_i || restore_i || refused_i || named_i || over_i || neg_say_i;
  assign data_target_o = spread_o ? ids_o[{data_rank_i, 2'd0}+:4] : target;

  // Nothing to do in a clock should cost a simulation nothing.
  wire       pulsed = end_o || find_o || say_o || drop_rest_o || load_o || rejected_o || begin_o || again_o || enrol_update_o || agree_o || gone_o;
  wire       event_now = finding_q || lost_q || wrong_q || phase_new_i || rx_stb_i || bad_data || bad_i || heard || resend_i || give_up_i || overrun_i
      || cdb_over_i || abort_i;
  wire       retry_ok = tries_q != cfg_retries_i;
  wire       awake = `SCSI_AWAKE(pulsed || retry_ok_q != retry_ok || asking_q != asking_i || bus_rst_i || won_i || timeout_i || done_i || reselected_i
      || (conn_o && (bus_free_i || event_now)));

  assign stall_o = finding_q;
  assign retry_ok_o = retry_ok_q;
  assign open_o = open_q;
  assign mirror_o = conn_o && spread_o;
  assign key_o = {desc_o[`INI_D_TAGGED], desc_o[`INI_D_TAG], desc_o[`INI_D_LUN], target};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {open_q, conn_o, end_o, keep_o, task_o, table_o, spread_o, find_o, say_o, drop_rest_o} <= 10'd0;
      {load_o, rejected_o, begin_o, again_o, enrol_update_o, enrol_o, agree_o, gone_o, resel_o, read_o} <= 10'd0;
      again_detail_o <= 3'd0;
      kind_o <= `INI_SAY_NOP;
      {retry_ok_q, asking_q, lost_q, wrong_q} <= 4'b1000;
      load_saved_o <= {PW{1'b0}};
      load_moved_o <= {PW{1'b0}};
      idx_o <= 5'd0;
      desc_o <= {`INI_DESC_W{1'b0}};
      ids_o <= 60'd0;
      start_afresh;
    end else if (awake) begin
      {end_o, find_o, say_o, drop_rest_o, load_o, rejected_o, begin_o, again_o, enrol_update_o, agree_o, gone_o} <= 11'd0;
      {retry_ok_q, asking_q} <= {retry_ok, asking_i};
      lost_q <= 1'b0;
      wrong_q <= wrong;
      if (timeout_i) begin
        doomed_o <= 1'b1;
        close(`INI_RES_SEL_TIMEOUT);
      end
      if (done_i) begin
        conn_o <= 1'b1;
        say(query ? `INI_SAY_QUERY : ability ? `INI_SAY_CAPABILITY : spread_o ? `INI_SAY_WRITE : manage ? `INI_SAY_MANAGE : `INI_SAY_IDENTIFY);
      end
      if (reselected_i && !bus_rst_i) begin
        start_afresh;
        open_q <= 1'b1;
        conn_o <= 1'b1;
        task_o <= 1'b0;
        table_o <= 1'b0;
        spread_o <= 1'b0;
        resel_o <= 1'b1;
        begin_o <= 1'b1;
        desc_o[`INI_D_OPCODE] <= 4'd0;
        desc_o[`INI_D_TAGGED] <= 1'b0;
        desc_o[`INI_D_TARGET] <= peer_i;
      end
      if (finding_q && !find_o && found_i) begin  // not by the end of somebody else's search
        idx_o <= found_idx_i;
        desc_o <= found_ent_i[`INI_E_DESC];
        again_detail_o <= found_ent_i[`INI_E_DETAIL];
        load_saved_o <= found_ent_i[`INI_E_SAVED_LSB+:PW];
        load_moved_o <= found_ent_i[`INI_E_MOVED_LSB+:PW];
      end
      if (conn_o) begin
        if (bus_free_i || over_i) judge;
        else if (`SCSI_AWAKE(event_now)) follow;
      end
      // what begins a connection does not come while there is one
      if (won_i && !bus_rst_i) begin
        start_afresh;
        open_q <= 1'b1;
        task_o <= 1'b1;
        table_o <= 1'b0;
        spread_o <= start_desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_WRITE || start_desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_READ;
        read_o <= start_desc_i[`INI_D_OPCODE] == `INI_OP_MIRROR_READ;
        resel_o <= 1'b0;
        desc_o <= start_desc_i;
        ids_o <= start_ids_i;
        begin_o <= 1'b1;
        load_o <= 1'b1;
        load_saved_o <= {PW{1'b0}};
        load_moved_o <= {PW{1'b0}};
      end
      // last: whatever else has happened
      if (bus_rst_i) begin
        {finding_q, keep_o, gone_o} <= 3'd0;
        if (open_q) begin
          doomed_o <= 1'b1;
          close(hang_i ? `INI_RES_HANG : `INI_RES_RESET);
        end
      end
    end
  end

  // Everything that may happen while connected. Events do not coincide, but for the end of a search.
  task follow;
    begin
      if (finding_q && !find_o) search_ended;
      if (lost_q) doom(`INI_RES_PROTOCOL);
      if (phase_new_i) enter_phase;
      if (bad_data) begin
        data_bad_q <= 1'b1;
      end
      if (rx_stb_i && phase_i == `SCSI_PH_STATUS) begin
        status_ok_q <= !rx_perr_i;
        status_o <= rx_data_i;
      end
      if (wrong_q) complain;
      if (bad_i && !asking_q) retry(`INI_SAY_PARITY);
      if (protocol_i) doom(`INI_RES_PROTOCOL);
      if (reject_i) answer(`INI_SAY_REJECT);
      if (neg_say_i) answer(neg_kind_i);
      if (refused_i) refused;
      if (named_i) identified;
      if (save_i && data_bad_q) doom(`INI_RES_PARITY);  // it takes for good what was not
      if (restore_i) begin
        data_bad_q <= 1'b0;
        status_ok_q <= 1'b0;
      end
      if (resend_i) tries_q <= tries_q + 4'd1;
      if (give_up_i) begin
        if (!(query || ability) || declined_i) condemn(`INI_RES_PARITY);
      end
      if (overrun_i || cdb_over_i) doom(`INI_RES_PROTOCOL);
      if (abort_i) doom(abort_why_i);
    end
  endtask

  task search_ended;
    if (found_i) begin
      finding_q <= 1'b0;
      task_o <= 1'b1;
      table_o <= 1'b1;
      again_o <= 1'b1;
      load_o <= 1'b1;
    end else if (absent_i) begin
      finding_q <= 1'b0;
      lost_q <= desc_o[`INI_D_TAGGED];
    end
  endtask

  task enter_phase;
    begin
      told_q <= 1'b0;
      if (stranger && !in_messages) begin
        doom(`INI_RES_PROTOCOL);
      end else if (phase_i == `SCSI_PH_COMMAND && (opcode == `INI_OP_MIRROR_WRITE || opcode == `INI_OP_MIRROR_READ)) begin
        doom(`INI_RES_PROTOCOL);
      end else if (manage && !in_messages) begin
        condemn(`INI_RES_PROTOCOL);  // a target that goes on gets its command, TEST UNIT READY
      end
    end
  endtask

  // MESSAGE REJECT: of what was said last.
  task refused;
    if (neg_took_i) begin
      drop_rest_o <= say_rest_i && !neg_say_i;
    end else begin
      case (said_kind_i)
        `INI_SAY_QUERY, `INI_SAY_CAPABILITY: drop_rest_o <= say_rest_i;
        `INI_SAY_MANAGE: begin
          drop_rest_o <= say_rest_i;
          condemn(`INI_RES_REJECTED);
        end
        // A target that knows no SIMPLE knows no ABORT TASK.
        `INI_SAY_IDENTIFY: begin
          condemn(`INI_RES_REJECTED);
          answer(desc_o[`INI_D_ATTR] == `INI_ATTR_SIMPLE ? `INI_SAY_ABORT_SET : `INI_SAY_ABORT);
        end
        `INI_SAY_ABORT: say(`INI_SAY_ABORT_SET);
        `INI_SAY_WRITE, `INI_SAY_SWITCH, `INI_SAY_NEXT, `INI_SAY_REPORT, `INI_SAY_RELEASE: rejected_o <= !doomed_o;
        `INI_SAY_ERROR, `INI_SAY_PARITY: rejected_o <= asking_q && !doomed_o;
        default: ;
      endcase
    end
  endtask

  // IDENTIFY of a reselection, and then perhaps the tag.
  task identified;
    begin
      task_o <= 1'b0;
      desc_o[`INI_D_TAGGED] <= tagged_i;
      if (tagged_i) desc_o[`INI_D_TAG] <= name_i;
      else desc_o[`INI_D_LUN] <= name_i[2:0];
      look_up;
    end
  endtask

  task look_up;
    begin
      find_o <= 1'b1;
      finding_q <= 1'b1;
    end
  endtask

  task say;
    input [4:0] kind;
    begin
      say_o <= 1'b1;
      kind_o <= kind;
    end
  endtask

  // Not after ABORT has been decided: nothing may replace it.
  task answer;
    input [4:0] kind;
    if (!doomed_o) say(kind);
  endtask

  task complain;
    if (!told_q) begin
      told_q <= 1'b1;
      retry(`INI_SAY_ERROR);
    end
  endtask

  task retry;
    input [4:0] kind;
    if (!doomed_o) begin
      if (retry_ok_q) begin
        tries_q <= tries_q + 4'd1;
        say(kind);
      end else begin
        doom(`INI_RES_PARITY);
      end
    end
  endtask

  task condemn;
    input [3:0] why;
    if (!doomed_o) begin
      doomed_o <= 1'b1;
      result_o <= why;
    end
  endtask

  task doom;
    input [3:0] why;
    begin
      condemn(why);
      answer(`INI_SAY_ABORT);
    end
  endtask

  // BUS FREE ended the connection.
  task judge;
    begin
      keep_o <= disc_i && !doomed_o && !spread_o && !manage;
      if ((query || ability) && !(doomed_o && result_o == `INI_RES_PARITY)) begin
        close(accepted_i && !doomed_o ? `INI_RES_OK : `INI_RES_NOT_CAPABLE);
      end else if (doomed_o) begin
        close(result_o);
      end else if (manage) begin
        close(managed ? `INI_RES_OK : `INI_RES_BUS_FREE);
        gone_o <= managed && desc_o[`INI_D_FUNCTION] == `INI_FN_TARGET_RESET;
      end else if (!complete_i) begin
        close(`INI_RES_BUS_FREE);
      end else if (!status_ok_q) begin
        close(`INI_RES_PROTOCOL);
      end else begin
        close(data_bad_q && status_o == `SCSI_ST_GOOD ? `INI_RES_PARITY : `INI_RES_OK);
      end
    end
  endtask

  task close;
    input [3:0] why;
    begin
      open_q <= 1'b0;
      conn_o <= 1'b0;
      finding_q <= 1'b0;
      end_o <= 1'b1;
      result_o <= why;
      enrol_update_o <= query && !bus_rst_i && !disc_i;
      agree_o <= ability && !bus_rst_i && !disc_i;
      enrol_o <= accepted_i && !doomed_o && desc_o[`INI_D_Z] != `MIRROR_Z_LEAVE;
    end
  endtask

  task start_afresh;
    begin
      {open_q, conn_o, keep_o, finding_q, status_ok_q, data_bad_q, told_q, doomed_o} <= 8'd0;
      result_o <= `INI_RES_OK;
      status_o <= 8'd0;
      tries_q <= 4'd0;
    end
  endtask

endmodule
`default_nettype wire
