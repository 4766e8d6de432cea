// A target drive: an ordinary SCSI-2 to SPI-3 disk that can also be a member of silent-mirroring groups.
//
// The device port and the medium port are described in docs/architecture.md, what it does on the bus in docs/protocol.md. This
// module only wires the parts together: conditioned wires -> messages and nexus -> mirror member and link -> phase lines.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "tgt_kinds.vh"

module scsi_target #(
    parameter CLK_PERIOD_PS = 6250,
    parameter BUF_BYTES = 4096,
    parameter ENROLMENTS = 16,
    parameter QUEUE = 4,
    parameter MSG_QUERY = `MIRROR_MSG_QUERY,
    parameter MSG_SWITCH = `MIRROR_MSG_SWITCH_ROLE,
    parameter MSG_REPORT = `MIRROR_MSG_REPORT,
    parameter MSG_RELEASE = `MIRROR_MSG_RELEASE,
    parameter EXT_READ = `MIRROR_EXT_READ,
    parameter EXT_WRITE = `MIRROR_EXT_WRITE,
    parameter EXT_NEXT = `MIRROR_EXT_NEXT,
    parameter EXT_CAPABILITY = `MIRROR_EXT_CAPABILITY,
    parameter EXT_FAILED = `MIRROR_EXT_FAILED,
    parameter CRC_LSB_FIRST = 1,  // see scsi_crc
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
) (
    input wire clk_i,
    input wire rst_ni,

    input wire [ 3:0] cfg_id_i,
    input wire        cfg_wide_i,
    input wire [ 7:0] cfg_period_i,  // fastest transfer period factor it can do, 0 = asynchronous only
    input wire [ 6:0] cfg_offset_i,  // largest REQ/ACK offset
    input wire        cfg_dt_i,      // can do DT data phases
    input wire        cfg_qas_i,     // can take part in QAS
    input wire        cfg_fair_i,    // arbitrates fairly also without QAS
    input wire        cfg_mirror_i,
    input wire [ 1:0] cfg_mirror_ext_i,  // extensions it has: STATUS, SERIES
    input wire [23:0] cfg_stall_us_i,
    input wire [23:0] cfg_part_stall_us_i,
    input wire [23:0] cfg_holdoff_us_i,
    input wire [23:0] cfg_sel_timeout_us_i,

    input  wire        scsi_bsy_i,
    input  wire        scsi_sel_i,
    input  wire        scsi_rst_i,
    input  wire        scsi_msg_i,
    input  wire        scsi_cd_i,
    input  wire        scsi_io_i,
    input  wire        scsi_req_i,
    input  wire        scsi_ack_i,
    input  wire        scsi_atn_i,
    input  wire [15:0] scsi_db_i,
    input  wire [ 1:0] scsi_dbp_i,
    output wire        scsi_bsy_o,
    output wire        scsi_sel_o,
    output wire        scsi_rst_o,
    output wire        scsi_msg_o,
    output wire        scsi_cd_o,
    output wire        scsi_io_o,
    output wire        scsi_req_o,
    output wire        scsi_ack_o,
    output wire        scsi_atn_o,
    output wire [15:0] scsi_db_o,
    output wire [ 1:0] scsi_dbp_o,

    output wire        med_start_o,
    output wire        med_write_o,
    output wire [31:0] med_lba_o,
    output wire        med_wvalid_o,
    output wire [15:0] med_wdata_o,
    input  wire        med_wready_i,
    input  wire        med_rvalid_i,
    input  wire [15:0] med_rdata_i,
    output wire        med_rready_o,
    input  wire        med_done_i,
    input  wire        med_error_i,
    input  wire [31:0] med_blocks_i,
    input  wire [12:0] med_block_len_i,
    input  wire        med_wprot_i
);

  localparam [23:0] BUF_SIZE = BUF_BYTES;

  // Bits of the codes in use: as many as there are codes, if all are different and in their range.
  localparam [15:0] CODES = 16'd1 << (MSG_QUERY - 'h25) | 16'd1 << (MSG_SWITCH - 'h25) | 16'd1 << (MSG_REPORT - 'h25)
      | 16'd1 << (MSG_RELEASE - 'h25);
  localparam [127:0] EXTENDED = 128'd1 << (EXT_READ - 'h80) | 128'd1 << (EXT_WRITE - 'h80) | 128'd1 << (EXT_NEXT - 'h80)
      | 128'd1 << (EXT_CAPABILITY - 'h80) | 128'd1 << (EXT_FAILED - 'h80);

  function integer ones;
    input [127:0] bits;
    integer n;
    begin
      ones = 0;
      for (n = 0; n < 128; n = n + 1) if (bits[n]) ones = ones + 1;
    end
  endfunction

  generate
    if (ones({117'd0, CODES[10:0]}) != 4) begin : g_bad_msg
      mirror_messages_must_be_four_different_codes_from_25h_to_2fh u_error ();
    end
    if (ones(EXTENDED) != 5) begin : g_bad_ext
      extended_mirror_messages_must_be_five_different_codes_from_80h_to_ffh u_error ();
    end
  endgenerate

  // ---- conditioned wires
  wire bsy, sel, rst, req, ack, atn, free, may_arb;
  wire [2:0] phase;
  wire [15:0] db;
  wire [1:0] dbp;

  scsi_sync #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_sync (
      .clk_i(clk_i), .rst_ni(rst_ni),
      .scsi_bsy_i(scsi_bsy_i), .scsi_sel_i(scsi_sel_i), .scsi_rst_i(scsi_rst_i), .scsi_msg_i(scsi_msg_i),
      .scsi_cd_i(scsi_cd_i), .scsi_io_i(scsi_io_i), .scsi_req_i(scsi_req_i), .scsi_ack_i(scsi_ack_i),
      .scsi_atn_i(scsi_atn_i), .scsi_db_i(scsi_db_i), .scsi_dbp_i(scsi_dbp_i),
      .bsy_o(bsy), .sel_o(sel), .rst_o(rst), .phase_o(phase), .req_o(req), .ack_o(ack), .atn_o(atn),
      .db_o(db), .dbp_o(dbp)
  );

  scsi_bus_free #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_bus_free (
      .clk_i(clk_i), .rst_ni(rst_ni), .bsy_i(bsy), .sel_i(sel), .free_o(free), .may_arb_o(may_arb)
  );

  // ---- arbitration, reselection, selection
  wire qas_enable;  // has agreed on QAS with somebody
  wire qas_open, qas_join, qas_look, qas_decide, fair_clear;

  scsi_qas #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_qas (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(qas_enable), .bsy_i(bsy), .sel_i(sel), .phase_i(phase),
      .req_i(req), .ack_i(ack), .atn_i(atn), .db_i(db[7:0]), .dbp_i(dbp[0]),
      .open_o(qas_open), .join_o(qas_join), .look_o(qas_look), .decide_o(qas_decide)
  );

  scsi_fairness #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_fairness (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(qas_enable || cfg_fair_i), .bsy_i(bsy), .sel_i(sel),
      .db_i(db), .free_i(free), .look_i(qas_look), .own_id_i(cfg_id_i), .clear_o(fair_clear)
  );

  wire reselect, arb_busy, arb_done, arb_timeout, arb_bsy, arb_io;
  wire [15:0] arb_db;
  wire [ 1:0] arb_dbp;
  wire task_valid, task_tagged;
  wire [3:0] task_initiator;
  wire [5:0] task_lun;
  wire [7:0] task_tag;
  wire selected, selected_atn, answer_bsy;
  wire [3:0] peer;

  /* verilator lint_off PINCONNECTEMPTY */
  scsi_arbiter #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_arbiter (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .bsy_i(bsy), .sel_i(sel), .db_i(db), .may_arb_i(may_arb),
      .qas_open_i(qas_open), .qas_join_i(qas_join), .qas_decide_i(qas_decide), .clear_i(fair_clear),
      .cfg_fair_i(cfg_fair_i), .sel_reset_i(1'b0),
      .start_i(reselect), .reselect_i(1'b1), .atn_i(1'b0), .own_id_i(cfg_id_i), .peer_id_i(task_initiator),
      .sel_timeout_us_i(cfg_sel_timeout_us_i),
      .busy_o(arb_busy), .won_o(), .lost_o(), .done_o(arb_done), .timeout_o(arb_timeout),
      .reset_o(),
      .drv_bsy_o(arb_bsy), .drv_sel_o(scsi_sel_o), .drv_io_o(arb_io), .drv_atn_o(), .drv_db_o(arb_db),
      .drv_dbp_o(arb_dbp)
  );

  scsi_responder #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .WANT_IO(0)) u_responder (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(!arb_busy), .bsy_i(bsy), .sel_i(sel),
      .io_i(phase[0]), .atn_i(atn), .db_i(db), .dbp_i(dbp), .own_id_i(cfg_id_i),
      .busy_o(), .selected_o(selected), .peer_id_o(peer), .atn_o(selected_atn), .drv_bsy_o(answer_bsy)
  );
  /* verilator lint_on PINCONNECTEMPTY */

  // ---- what is said on the bus, by whom
  wire qas;
  // No connection: contexts end, and with RST or TARGET RESET the drive begins afresh; all a clock later.
  reg over, drive_rst, drive_reset, afresh;
  wire target_reset;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {over, drive_rst, drive_reset, afresh} <= 4'd0;
    else if ({over, drive_rst, drive_reset} != {free || rst || qas, rst, target_reset})
      {over, drive_rst, drive_reset, afresh} <= {free || rst || qas, rst, target_reset, rst || target_reset};
  end
  // What a connection was is forgotten also where it ended in a QAS phase that this drive could not hear of.
  reg sel_q, sel_rise_q;
  always @(posedge clk_i or negedge rst_ni)
    if (!rst_ni) {sel_q, sel_rise_q} <= 2'd0;
    else {sel_q, sel_rise_q} <= {sel, sel && !sel_q};
  wire msg_more, msg_byte, msg_end, msg_error, msg_last;
  wire [4:0] event_code;
  wire [7:0] msg_code, msg_arg;
  wire [55:0] msg_args;

  tgt_msg_out #(
      .MSG_QUERY(MSG_QUERY), .MSG_SWITCH(MSG_SWITCH), .MSG_REPORT(MSG_REPORT), .MSG_RELEASE(MSG_RELEASE),
      .EXT_READ(EXT_READ), .EXT_WRITE(EXT_WRITE), .EXT_NEXT(EXT_NEXT), .EXT_CAPABILITY(EXT_CAPABILITY)
  ) u_msg_out (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(over), .mirror_i(cfg_mirror_i), .extended_i(cfg_mirror_ext_i != 2'd0), .phase_i(phase), .ack_i(ack),
      .atn_i(atn), .db_i(db[7:0]), .dbp_i(dbp[0]),
      .more_o(msg_more), .byte_o(msg_byte), .end_o(msg_end), .error_o(msg_error), .event_o(event_code),
      .code_o(msg_code), .arg_o(msg_arg), .last_o(msg_last), .args_o(msg_args)
  );

  wire nexus_known, nexus_reselected, identified, disc_priv, has_tag, head, complete, disconnect, accept;
  wire [3:0] nexus_initiator;
  wire [5:0] lun;
  wire [7:0] tag, accept_yz;

  tgt_nexus #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .MSG_QUERY(MSG_QUERY)) u_nexus (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(over || sel_rise_q), .bsy_i(bsy), .sel_i(sel), .phase_i(phase), .req_i(req),
      .ack_i(ack), .atn_i(atn), .db_i(db), .dbp_i(dbp[0]), .event_i(event_code), .code_i(msg_code), .arg_i(msg_arg),
      .known_o(nexus_known), .reselected_o(nexus_reselected), .initiator_o(nexus_initiator), .lun_o(lun),
      .identified_o(identified), .disc_priv_o(disc_priv), .tagged_o(has_tag), .head_o(head), .tag_o(tag), .complete_o(complete),
      .disconnect_o(disconnect), .accept_o(accept), .accept_yz_o(accept_yz), .qas_o(qas)
  );

  // ---- silent mirroring
  // A drive that does not know it keeps this part in its reset state: where the strap is a constant, synthesis leaves the part out.
  wire strange = !cfg_mirror_i;
  wire enrol, agree_extensions, enrol_room, group, named, lead;
  wire [1:0] can, can_agreed;
  wire [7:0] op_lead_yz;
  wire [3:0] initiator;
  wire own_connection;
  wire [3:0] about = own_connection ? initiator : nexus_initiator;

  tgt_enrolment #(.ENTRIES(ENROLMENTS)) u_enrolment (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(afresh || strange), .initiator_i(about), .yz_i(msg_arg),
      .lead_yz_i(op_lead_yz),
      .set_i(enrol), .drop_i(accept && nexus_known && !own_connection && !enrol), .drop_yz_i(accept_yz),
      .agree_i(agree_extensions), .can_i(can_agreed),
      .room_o(enrol_room), .group_o(group), .named_o(named), .can_o(can), .lead_o(lead)
  );

  wire take, tell, reclaim, release_bus, discard, leader_wait, first_req, mirrored, op_tagged, able, lead_able, again, told, told_later;
  wire op_read, op_closed, op_reporting, ranked, ahead, copy_ready;
  wire [3:0] op_initiator, op_rank;
  wire [5:0] op_lun;
  wire [7:0] op_tag, op_yz;
  wire [31:0] op_lba, ahead_lba;
  wire [23:0] op_len;

  tgt_mirror #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_mirror (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(over || strange), .own_i(own_connection), .phase_i(phase), .req_i(req), .ack_i(ack),
      .atn_i(atn), .byte_i(msg_byte), .end_i(msg_end), .error_i(msg_error), .event_i(event_code),
      .last_i(msg_last), .yz_i(msg_arg), .lba_i(msg_args[55:24]), .len_i(msg_args[23:0]), .next_lba_i(msg_args[31:0]),
      .disconnect_i(disconnect), .initiator_i(about), .lun_i(lun), .tagged_i(has_tag), .tag_i(tag),
      .group_i(group && (nexus_known || own_connection)), .named_i(named), .can_i(can), .lead_i(lead), .able_i(able),
      .again_i(again), .ready_i(copy_ready),
      .leader_wait_i(leader_wait), .first_req_i(first_req), .told_i(told), .told_later_i(told_later),
      .initiator_o(op_initiator), .lun_o(op_lun), .tagged_o(op_tagged), .tag_o(op_tag), .read_o(op_read), .lba_o(op_lba),
      .len_o(op_len), .lead_yz_o(op_lead_yz), .yz_o(op_yz), .rank_o(op_rank), .ranked_o(ranked), .reporting_o(op_reporting),
      .closed_o(op_closed), .ahead_o(ahead), .ahead_lba_o(ahead_lba),
      .take_o(take), .tell_o(tell), .reclaim_o(reclaim), .release_o(release_bus), .discard_o(discard)
  );

  // ---- the connection
  wire [3:0] verdict;
  wire verdict_end, goes_on, listening, early, resumed, sent, propose, answer_ready, answer_accept, answer_refuse;
  wire capability, redo, claim, failed, data_again, spoiled;
  wire say, listen, talk_over, resent, talk_in, talk_start, cdb_clear;
  wire [7:0] say_code, say_arg, sent_code, answer_byte, mirror_byte, talk_byte, status_byte, order_code;
  wire [2:0] say_length;
  wire [3:0] answer_length, outcome, talk_bytes, cdb_rest;
  wire [2:0] msg_index, link_phase;
  wire [`SCSI_AGR_W-1:0] agree;
  reg want;
  wire idle, begin_task, mirror_task, attached, gave_up, lost, taken, fin, order_in;
  wire [79:0] link_cdb, cdb;
  wire [1:0] order, fin_result;
  wire [2:0] kill_kind;
  wire [23:0] order_bytes, bytes;
  wire offer, answer, room, used, push, kill, link_sense, stall_run, part, stalled, link_bsy;
  wire [15:0] link_sense_code, rdata;
  wire drive, settled, start, engine_busy, put, got, done, rerror, tail, stray, status_next;

  assign own_connection = link_bsy;

  tgt_verdict u_verdict (
      .clk_i(clk_i), .rst_ni(rst_ni), .listening_i(listening),
      .byte_i(msg_byte), .end_i(msg_end), .error_i(msg_error), .event_i(event_code), .code_i(msg_code), .arg_i(msg_arg),
      .length_i(msg_args[23:0]),
      .identified_i(identified), .lun_i(lun), .tagged_i(has_tag), .tag_i(tag), .disc_priv_i(disc_priv), .early_i(early),
      .resumed_i(resumed), .mirrored_i(mirrored), .sent_i(sent), .sent_code_i(sent_code), .enrol_room_i(enrol_room),
      .group_i(group), .named_i(named), .can_i(can), .able_i(lead_able), .lead_i(lead), .reporting_i(op_reporting),
      .verdict_o(verdict), .end_o(verdict_end), .goes_on_o(goes_on)
  );

  tgt_agreement u_agreement (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(afresh), .cfg_wide_i(cfg_wide_i),
      .cfg_period_i(cfg_period_i), .cfg_offset_i(cfg_offset_i), .cfg_dt_i(cfg_dt_i), .cfg_qas_i(cfg_qas_i),
      .initiator_i(initiator), .open_i(link_bsy || part), .event_i(event_code), .args_i(msg_args[39:0]), .propose_i(propose),
      .accept_i(answer_accept), .refuse_i(answer_refuse), .ready_o(answer_ready), .length_o(answer_length),
      .index_i(msg_index), .byte_o(answer_byte), .agree_o(agree), .qas_o(qas_enable)
  );

  tgt_dialog #(.MSG_QUERY(MSG_QUERY)) u_dialog (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(!link_bsy && !part), .atn_i(atn), .hold_i(mirrored), .redo_i(redo),
      .say_i(say), .code_i(say_code), .arg_i(say_arg), .third_i(task_tag), .length_i(say_length), .listen_i(listen),
      .over_o(talk_over), .outcome_o(outcome), .resent_o(resent),
      .verdict_i(verdict), .verdict_end_i(verdict_end), .goes_on_i(goes_on), .yz_i(msg_arg), .listening_o(listening),
      .sent_o(sent), .sent_code_o(sent_code),
      .propose_o(propose), .answer_ready_i(answer_ready), .answer_length_i(answer_length), .index_o(msg_index),
      .answer_byte_i(answer_byte), .accept_o(answer_accept), .refuse_o(answer_refuse),
      .capability_o(capability), .mirror_byte_i(mirror_byte),
      .in_o(talk_in), .start_o(talk_start), .bytes_o(talk_bytes), .byte_o(talk_byte), .put_i(put), .done_i(done)
  );

  wire [7:0] copy_yz, failed_block;

  tgt_extended #(.EXT_CAPABILITY(EXT_CAPABILITY), .EXT_FAILED(EXT_FAILED)) u_extended (
      .clk_i(clk_i), .rst_ni(rst_ni), .cfg_can_i(cfg_mirror_ext_i), .event_i(event_code), .yz_i(msg_arg), .args_i(msg_args[15:0]),
      .own_yz_i(copy_yz), .block_i(failed_block), .answer_i(capability), .index_i(msg_index), .byte_o(mirror_byte),
      .can_o(can_agreed)
  );

  tgt_command u_command (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(cdb_clear), .got_i(got && link_phase == `SCSI_PH_COMMAND),
      .rdata_i(rdata[7:0]), .cdb_o(link_cdb), .rest_o(cdb_rest)
  );

  tgt_link #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .MSG_SWITCH(MSG_SWITCH)) u_link (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .free_i(free), .sel_i(sel), .atn_i(atn),
      .selected_i(selected), .selected_atn_i(selected_atn), .peer_i(peer), .reselect_o(reselect),
      .arb_done_i(arb_done), .arb_timeout_i(arb_timeout),
      .initiator_o(initiator), .identified_i(identified), .disc_priv_i(disc_priv), .tagged_i(has_tag),
      .early_o(early), .resumed_o(resumed), .target_reset_o(target_reset),
      .dt_i(agree[`SCSI_AGR_DT]), .wide_i(agree[`SCSI_AGR_WIDE]), .qas_i(agree[`SCSI_AGR_QAS]),
      .say_o(say), .say_code_o(say_code), .say_arg_o(say_arg), .say_length_o(say_length), .listen_o(listen),
      .talk_over_i(talk_over), .outcome_i(outcome), .resent_i(resent), .talk_in_i(talk_in), .talk_start_i(talk_start),
      .talk_bytes_i(talk_bytes), .code_i(msg_code), .arg_i(msg_arg),
      .mirror_i(cfg_mirror_i), .enrol_o(enrol), .agree_o(agree_extensions), .take_i(take), .tell_i(tell), .reclaim_i(reclaim), .release_i(release_bus), .op_initiator_i(op_initiator),
      .leader_wait_o(leader_wait), .first_req_o(first_req), .mirrored_o(mirrored), .redo_o(redo), .claim_i(claim),
      .ready_i(copy_ready), .failed_i(failed), .told_o(told), .told_later_o(told_later), .again_o(data_again),
      .spoiled_o(spoiled), .part_o(part),
      .idle_i(idle), .begin_o(begin_task), .mirror_o(mirror_task), .want_i(want),
      .attached_o(attached), .gave_up_o(gave_up), .lost_o(lost), .order_i(order), .order_in_i(order_in),
      .order_bytes_i(order_bytes), .order_code_i(order_code), .status_next_i(status_next), .taken_o(taken), .fin_o(fin), .fin_result_o(fin_result),
      .task_initiator_i(task_initiator), .task_lun_i(task_lun), .task_tagged_i(task_tagged),
      .offer_o(offer), .answer_i(answer), .room_i(room), .used_i(used), .push_o(push), .kill_o(kill),
      .kill_kind_o(kill_kind), .sense_o(link_sense), .sense_code_o(link_sense_code),
      .stall_run_o(stall_run), .stalled_i(stalled),
      .drive_o(drive), .settled_o(settled), .phase_o(link_phase), .start_o(start), .bytes_o(bytes),
      .status_o(status_byte), .engine_busy_i(engine_busy), .got_i(got), .done_i(done), .error_i(rerror), .stray_i(stray),
      .cdb_clear_o(cdb_clear), .cdb_rest_i(cdb_rest), .bsy_o(link_bsy)
  );

  // A stall is silence: any strobe starts the time again.
  reg  req_q, ack_q, stall_run_q, strobe_q;
  wire strobe = req_q != req || ack_q != ack;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {req_q, ack_q, stall_run_q, strobe_q} <= 4'd0;
    else if (strobe || strobe_q || stall_run_q != stall_run)
      {req_q, ack_q, stall_run_q, strobe_q} <= {req, ack, stall_run, strobe};
  end

  scsi_us_timer #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_stall (
      .clk_i(clk_i), .rst_ni(rst_ni), .run_i(stall_run_q), .hold_i(1'b0), .restart_i(strobe_q),
      .limit_us_i(part ? cfg_part_stall_us_i : cfg_stall_us_i), .expired_o(stalled)
  );

  // ---- tasks: the one being executed, and those that wait
  wire was_queued;
  wire flow_valid, copy_valid, queue_empty, next_task, pop, drop, losers_set, losers_reset, turn, copied, next_tagged;
  wire [15:0] losers;
  wire [3:0] next_initiator;
  wire [5:0] next_lun;
  wire [7:0] next_tag;
  wire [79:0] next_cdb;
  wire set_task = begin_task || mirror_task || pop;
  wire [5:0] called_lun = identified ? lun : {3'd0, link_cdb[71:69]};  // SCSI-1: in the CDB

  assign task_valid = flow_valid || copy_valid;
  assign idle = !task_valid && queue_empty;
  // A medium that reads ahead for nobody is done soon: data towards the initiator may wait for it. The leader's first block waits for any.
  wire reading_ahead = blocks_busy && !blocks_write;
  wire vacant = !blocks_busy || (reading_ahead && op_read);
  assign able = idle && vacant;
  assign lead_able = idle;
  assign again = copy_ready && vacant;

  tgt_queue #(.QUEUE(QUEUE)) u_queue (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(drive_rst), .initiator_i(initiator), .lun_i(lun), .tagged_i(has_tag), .tag_i(tag),
      .head_i(head), .cdb_i(link_cdb), .offer_i(offer), .answer_o(answer), .room_o(room), .used_o(used), .push_i(push),
      .kill_i(kill), .kill_kind_i(kill_kind),
      .task_valid_i(task_valid), .task_initiator_i(task_initiator), .task_lun_i(task_lun), .task_tagged_i(task_tagged),
      .task_tag_i(task_tag), .drop_o(drop), .losers_o(losers), .losers_set_o(losers_set), .losers_reset_o(losers_reset),
      .empty_o(queue_empty), .next_o(next_task), .initiator_o(next_initiator), .lun_o(next_lun), .tagged_o(next_tagged),
      .tag_o(next_tag), .cdb_o(next_cdb), .pop_i(pop)
  );

  tgt_task #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_task (
      .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(task_valid), .holdoff_us_i(cfg_holdoff_us_i), .set_i(set_task),
      .initiator_i(pop ? next_initiator : mirror_task ? op_initiator : initiator),
      .lun_i(pop ? next_lun : mirror_task ? op_lun : called_lun),
      .tagged_i(pop ? next_tagged : mirror_task ? op_tagged : has_tag),
      .tag_i(pop ? next_tag : mirror_task ? op_tag : tag),
      .rank_set_i(copied || ranked), .rank_i(op_rank), .free_i(free),
      .complete_i(complete && nexus_reselected && cfg_mirror_i), .nexus_initiator_i(nexus_initiator), .nexus_lun_i(lun),
      .nexus_tagged_i(has_tag), .nexus_tag_i(tag),
      .turn_o(turn), .initiator_o(task_initiator), .lun_o(task_lun), .tagged_o(task_tagged), .tag_o(task_tag)
  );

  wire decode, copy_judge, judge_ahead, disk_busy, fua, cache, param_done, data_keep, data_blank, flow_data_begin, copy_data_begin;
  wire flow_sense, flow_deferred, copy_sense;
  wire [3:0] flow_sense_initiator, flow_sense_key, copy_sense_key;
  wire [15:0] flow_sense_code, copy_sense_code;
  wire [31:0] copy_lba;
  wire blocks_start, blocks_write, blocks_busy, blocks_done, blocks_error;
  wire [2:0] kind;
  wire [7:0] disk_status;
  wire [23:0] disk_bytes;
  wire [31:0] disk_lba, blocks_lba;
  wire [15:0] disk_blocks, blocks_count;

  wire data_begin = flow_data_begin || copy_data_begin || data_again;
  wire flow_load, flow_move, flow_move_write, copy_load, copy_move, copy_move_write, drain;
  wire blocks_passed, blocks_save, blocks_rewind, no_block, last_blocks;
  wire [23:0] chunk_bytes;

  tgt_blocks #(.BUF_BYTES(BUF_BYTES)) u_blocks (
      .clk_i(clk_i), .rst_ni(rst_ni), .block_len_i(med_block_len_i), .load_i(flow_load || copy_load), .lba_i(disk_lba),
      .blocks_i(disk_blocks), .move_i(flow_move || copy_move), .write_i(copy_move ? copy_move_write : flow_move_write), .passed_i(blocks_passed), .save_i(blocks_save),
      .rewind_i(blocks_rewind), .none_o(no_block), .last_o(last_blocks), .bytes_o(chunk_bytes),
      .start_o(blocks_start), .write_o(blocks_write), .lba_o(blocks_lba), .count_o(blocks_count)
  );

  // what the two that execute tasks ask of the link
  wire flow_want, copy_want, flow_order_in, copy_order_in;
  wire [1:0] flow_order, copy_order;
  wire [23:0] flow_order_bytes, copy_order_bytes;
  wire [7:0] flow_order_code, copy_order_code;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) want <= 1'b0;
    else if (want != (flow_want || copy_want)) want <= flow_want || copy_want;
  end

  assign order = flow_order | copy_order;
  assign order_in = copy_valid ? copy_order_in : flow_order_in;
  assign order_bytes = copy_valid ? copy_order_bytes : flow_order_bytes;
  assign order_code = copy_valid ? copy_order_code : flow_order_code;

  tgt_flow #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_flow (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(drive_rst),
      .begin_i(begin_task), .cdb_i(link_cdb), .disc_priv_i(disc_priv),
      .next_i(next_task && !copy_valid), .next_cdb_i(next_cdb), .pop_o(pop), .queued_o(was_queued), .valid_o(flow_valid), .drop_i(drop),
      .turn_i(turn), .initiator_i(task_initiator), .drain_i(drain),
      .cdb_o(cdb), .decode_o(decode), .disk_busy_i(disk_busy), .kind_i(kind),
      .disk_status_i(disk_status), .disk_bytes_i(disk_bytes),
      .fua_i(fua), .cache_i(cache), .param_done_o(param_done),
      .sense_o(flow_sense), .deferred_o(flow_deferred), .sense_initiator_o(flow_sense_initiator),
      .sense_key_o(flow_sense_key), .sense_code_o(flow_sense_code), .sense_taken_i(!link_sense && !copy_sense),
      .data_begin_o(flow_data_begin), .load_o(flow_load), .move_o(flow_move), .move_write_o(flow_move_write),
      .passed_o(blocks_passed), .save_o(blocks_save), .rewind_o(blocks_rewind), .none_i(no_block), .last_i(last_blocks),
      .chunk_bytes_i(chunk_bytes),
      .blocks_busy_i(blocks_busy), .blocks_done_i(blocks_done), .blocks_error_i(blocks_error),
      .want_o(flow_want), .attached_i(attached), .gave_up_i(gave_up), .order_o(flow_order), .order_in_o(flow_order_in),
      .order_bytes_o(flow_order_bytes), .order_code_o(flow_order_code), .taken_i(taken), .fin_i(fin), .fin_result_i(fin_result),
      .lost_i(lost), .status_next_o(status_next), .tail_i(tail)
  );

  wire copy_failed;
  assign failed = copy_failed && copy_valid;

  tgt_copy u_copy (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(drive_rst), .drop_i(drop), .discard_i(discard), .closed_i(op_closed),
      .ahead_i(ahead), .ahead_lba_i(ahead_lba), .room_i(!blocks_busy && !flow_valid && queue_empty),
      .begin_i(mirror_task), .read_i(op_read), .lba_i(op_lba), .len_i(op_len),
      .yz_i(op_yz), .turn_i(turn), .valid_o(copy_valid), .ready_o(copy_ready), .copied_o(copied),
      .told_i(told && !told_later), .spoiled_i(spoiled), .yz_o(copy_yz), .block_o(failed_block), .failed_o(copy_failed),
      .judge_o(copy_judge), .lba_o(copy_lba), .judge_ahead_o(judge_ahead), .disk_busy_i(disk_busy), .kind_i(kind),
      .disk_status_i(disk_status), .cache_i(cache), .keep_o(data_keep), .blank_o(data_blank),
      .sense_o(copy_sense), .sense_key_o(copy_sense_key), .sense_code_o(copy_sense_code),
      .sense_taken_i(!link_sense),
      .data_begin_o(copy_data_begin), .load_o(copy_load), .move_o(copy_move), .move_write_o(copy_move_write), .drain_o(drain),
      .blocks_busy_i(blocks_busy), .blocks_done_i(blocks_done), .blocks_error_i(blocks_error),
      .want_o(copy_want), .attached_i(attached), .gave_up_i(gave_up), .order_o(copy_order), .order_in_o(copy_order_in),
      .order_bytes_o(copy_order_bytes), .order_code_o(copy_order_code), .claim_o(claim), .taken_i(taken), .fin_i(fin),
      .fin_result_i(fin_result), .lost_i(lost), .tail_i(tail), .stray_i(stray)
  );

  // ---- disk, buffer, medium
  wire [5:0] gen_index;
  wire [15:0] gen_data, buf_wdata, buf_rdata, data_word;
  wire buf_we;
  wire [14:0] buf_addr;

  wire data_phase = !link_phase[1];  // ST or DT
  wire reading = drive && data_phase && link_phase[0];
  wire parameters = kind == `TGT_KIND_PARAMETERS;

  wire param_we, param_end;
  wire [5:0] param_index;
  wire [15:0] param_data;

  tgt_params u_params (
      .clk_i(clk_i), .rst_ni(rst_ni), .begin_i(data_begin), .we_i(buf_we && parameters && buf_addr[14:5] == 10'd0),
      .word_i(buf_addr[4:0]), .data_i(buf_wdata), .done_i(param_done),
      .we_o(param_we), .index_o(param_index), .data_o(param_data), .done_o(param_end)
  );

  // What is read ahead has no task yet.
  wire [3:0] judge_initiator = task_valid ? task_initiator : op_initiator;
  wire [5:0] judge_lun = task_valid ? task_lun : op_lun;

  tgt_disk u_disk (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(drive_rst), .target_reset_i(drive_reset),
      .initiator_i(judge_initiator), .lun_i(judge_lun), .decode_i(decode), .queued_i(was_queued),
      .cdb_i(cdb), .mirror_i(copy_judge), .mirror_read_i(op_read), .ahead_i(judge_ahead), .mirror_lba_i(copy_lba),
      .mirror_len_i(op_len), .buf_bytes_i(BUF_SIZE),
      .sense_i(link_sense || copy_sense || flow_sense),
      .sense_initiator_i(link_sense ? initiator : copy_sense ? task_initiator : flow_sense_initiator),
      .sense_key_i(link_sense ? `SCSI_SK_ABORTED_COMMAND : copy_sense ? copy_sense_key : flow_sense_key),
      .sense_code_i(link_sense ? link_sense_code : copy_sense ? copy_sense_code : flow_sense_code),
      .sense_valid_i(!link_sense && copy_sense), .sense_lba_i(!link_sense && copy_sense ? copy_lba : 32'd0),
      .deferred_i(!link_sense && !copy_sense && flow_deferred),
      .losers_set_i(losers_set), .losers_i(losers), .losers_reset_i(losers_reset),
      .param_we_i(param_we), .param_index_i(param_index), .param_data_i(param_data), .param_done_i(param_end),
      .wide_i(cfg_wide_i), .period_i(cfg_period_i), .dt_i(cfg_dt_i), .qas_i(cfg_qas_i),
      .med_blocks_i(med_blocks_i), .med_block_len_i(med_block_len_i), .med_wprot_i(med_wprot_i),
      .busy_o(disk_busy), .kind_o(kind), .status_o(disk_status), .bytes_o(disk_bytes), .lba_o(disk_lba),
      .blocks_o(disk_blocks), .fua_o(fua), .cache_o(cache), .index_i(gen_index), .data_o(gen_data)
  );

  tgt_data u_data (
      .clk_i(clk_i), .rst_ni(rst_ni), .begin_i(data_begin), .read_i(reading), .wide_i(agree[`SCSI_AGR_WIDE]),
      .keep_i(data_keep || !copy_valid),
      .got_i(got && data_phase), .rdata_i(rdata), .put_i(put && data_phase),
      .generated_i(kind == `TGT_KIND_GENERATED), .blank_i(data_blank && copy_valid), .index_o(gen_index), .gen_data_i(gen_data),
      .buf_we_o(buf_we), .buf_addr_o(buf_addr), .buf_wdata_o(buf_wdata), .buf_rdata_i(buf_rdata), .word_o(data_word)
  );

  tgt_medium #(.BUF_BYTES(BUF_BYTES)) u_medium (
      .clk_i(clk_i), .rst_ni(rst_ni), .we_i(buf_we && !parameters), .addr_i(buf_addr), .wdata_i(buf_wdata),
      .read_i(reading), .rdata_o(buf_rdata),
      .start_i(blocks_start), .write_i(blocks_write), .lba_i(blocks_lba), .blocks_i(blocks_count),
      .busy_o(blocks_busy), .done_o(blocks_done), .error_o(blocks_error),
      .med_start_o(med_start_o), .med_write_o(med_write_o), .med_lba_o(med_lba_o), .med_wvalid_o(med_wvalid_o),
      .med_wdata_o(med_wdata_o), .med_wready_i(med_wready_i), .med_rvalid_i(med_rvalid_i), .med_rdata_i(med_rdata_i),
      .med_rready_o(med_rready_o), .med_done_i(med_done_i), .med_error_i(med_error_i), .med_block_len_i(med_block_len_i)
  );

  // ---- wires
  // I/O stays true from reselection to the first phase.
  reg io_held_q;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) io_held_q <= 1'b0;
    else if (io_held_q != arb_done) io_held_q <= arb_done;
  end

  wire [2:0] drv_phase;
  wire [15:0] drv_db;
  wire [1:0] drv_dbp;

  tgt_phase #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS), .CRC_LSB_FIRST(CRC_LSB_FIRST), .CRC_SEED(CRC_SEED), .CRC_INVERT(CRC_INVERT)
  ) u_phase (
      .clk_i(clk_i), .rst_ni(rst_ni), .drive_i(drive), .held_i(io_held_q), .settled_i(settled), .phase_i(link_phase), .agree_i(agree),
      .start_i(start), .bytes_i(bytes), .more_i(msg_more && listening),
      .wdata_i(data_phase ? data_word : {8'd0, link_phase == `SCSI_PH_STATUS ? status_byte : talk_byte}),
      .busy_o(engine_busy), .put_o(put), .got_o(got), .done_o(done), .rdata_o(rdata), .error_o(rerror),
      .tail_o(tail), .stray_o(stray),
      .ack_i(ack), .db_i(db), .dbp_i(dbp), .scsi_ack_i(scsi_ack_i), .scsi_db_i(scsi_db_i), .scsi_dbp_i(scsi_dbp_i),
      .drv_phase_o(drv_phase), .drv_req_o(scsi_req_o), .drv_db_o(drv_db), .drv_dbp_o(drv_dbp)
  );

  assign scsi_bsy_o = arb_bsy | answer_bsy | link_bsy;
  assign scsi_rst_o = 1'b0;
  assign scsi_ack_o = 1'b0;
  assign scsi_atn_o = 1'b0;
  assign {scsi_msg_o, scsi_cd_o} = drv_phase[2:1];
  assign scsi_io_o = drv_phase[0] | arb_io | io_held_q;
  assign scsi_db_o = arb_db | drv_db;
  assign scsi_dbp_o = arb_dbp | drv_dbp;

endmodule
`default_nettype wire
