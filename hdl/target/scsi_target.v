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
    parameter ENROLMENTS = 4,
    parameter MSG_QUERY = `MIRROR_MSG_QUERY,
    parameter MSG_SWITCH = `MIRROR_MSG_SWITCH_ROLE,
    parameter MSG_RELEASE = `MIRROR_MSG_RELEASE,
    parameter EXT_WRITE = `MIRROR_EXT_WRITE
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

  generate
    if (MSG_QUERY < 'h25 || MSG_QUERY > 'h2F || MSG_SWITCH < 'h25 || MSG_SWITCH > 'h2F || MSG_RELEASE < 'h25
        || MSG_RELEASE > 'h2F || MSG_QUERY == MSG_SWITCH || MSG_QUERY == MSG_RELEASE || MSG_SWITCH == MSG_RELEASE)
    begin : g_bad_msg
      mirror_messages_must_be_three_different_codes_from_25h_to_2fh u_error ();
    end
    if (EXT_WRITE < 'h80 || EXT_WRITE > 'hFF) begin : g_bad_ext
      mirror_write_must_be_an_extended_code_from_80h_to_ffh u_error ();
    end
  endgenerate

  wire unused = &{1'b0, cfg_period_i, cfg_offset_i, cfg_dt_i, cfg_qas_i, cfg_fair_i};

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
  wire reselect, arb_busy, arb_done, arb_timeout, arb_bsy, arb_io;
  wire [15:0] arb_db;
  wire [ 1:0] arb_dbp;
  wire task_valid, task_ready, task_same, task_tagged;
  wire [3:0] task_initiator;
  wire [5:0] task_lun;
  wire [7:0] task_tag, task_status;
  wire selected, selected_atn, answer_bsy;
  wire [3:0] peer;

  /* verilator lint_off PINCONNECTEMPTY */
  scsi_arbiter #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_arbiter (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .bsy_i(bsy), .sel_i(sel), .db_i(db), .may_arb_i(may_arb),
      .start_i(reselect), .reselect_i(1'b1), .atn_i(1'b0), .own_id_i(cfg_id_i), .peer_id_i(task_initiator),
      .sel_timeout_us_i(cfg_sel_timeout_us_i),
      .busy_o(arb_busy), .won_o(), .lost_o(), .done_o(arb_done), .timeout_o(arb_timeout),
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
  wire over = free || rst || qas;  // no connection: contexts end
  wire msg_byte, msg_end, msg_error, msg_last;
  wire [4:0] event_code;
  wire [7:0] msg_code, msg_arg;
  wire [31:0] msg_lba;
  wire [23:0] msg_len;

  tgt_msg_out #(.MSG_QUERY(MSG_QUERY), .MSG_SWITCH(MSG_SWITCH), .MSG_RELEASE(MSG_RELEASE), .EXT_WRITE(EXT_WRITE)) u_msg_out (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(over), .mirror_i(cfg_mirror_i), .phase_i(phase), .ack_i(ack),
      .atn_i(atn), .db_i(db[7:0]), .dbp_i(dbp[0]),
      .byte_o(msg_byte), .end_o(msg_end), .error_o(msg_error), .event_o(event_code),
      .code_o(msg_code), .arg_o(msg_arg), .last_o(msg_last), .lba_o(msg_lba), .len_o(msg_len)
  );

  wire nexus_known, nexus_reselected, identified, disc_priv, has_tag, complete, accept;
  wire [3:0] nexus_initiator;
  wire [5:0] lun;
  wire [7:0] tag, accept_yz;

  tgt_nexus #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .MSG_QUERY(MSG_QUERY)) u_nexus (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(over), .bsy_i(bsy), .sel_i(sel), .phase_i(phase), .req_i(req),
      .ack_i(ack), .atn_i(atn), .db_i(db), .dbp_i(dbp[0]), .event_i(event_code), .code_i(msg_code), .arg_i(msg_arg),
      .known_o(nexus_known), .reselected_o(nexus_reselected), .initiator_o(nexus_initiator), .lun_o(lun),
      .identified_o(identified), .disc_priv_o(disc_priv), .tagged_o(has_tag), .tag_o(tag), .complete_o(complete),
      .accept_o(accept), .accept_yz_o(accept_yz), .qas_o(qas)
  );

  // ---- silent mirroring
  wire enrol, enrol_room, group, named, target_reset;
  wire [3:0] initiator;
  wire own_connection;
  wire [3:0] about = own_connection ? initiator : nexus_initiator;

  tgt_enrolment #(.ENTRIES(ENROLMENTS)) u_enrolment (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(rst || target_reset), .initiator_i(about), .yz_i(msg_arg),
      .set_i(enrol), .drop_i(accept && nexus_known && !own_connection && !enrol), .drop_yz_i(accept_yz),
      .room_o(enrol_room), .group_o(group), .named_o(named)
  );

  wire take, reclaim, release_bus, discard, leader_wait, first_req, mirrored, op_tagged, blocks_busy;
  wire [3:0] op_initiator, op_rank;
  wire [5:0] op_lun;
  wire [7:0] op_tag;
  wire [31:0] op_lba;
  wire [23:0] op_len;

  tgt_mirror #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_mirror (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(over), .own_i(own_connection), .phase_i(phase), .req_i(req), .ack_i(ack),
      .atn_i(atn), .byte_i(msg_byte), .end_i(msg_end), .error_i(msg_error), .event_i(event_code),
      .last_i(msg_last), .lba_i(msg_lba), .len_i(msg_len),
      .initiator_i(about), .lun_i(lun), .tagged_i(has_tag), .tag_i(tag),
      .group_id_i(msg_arg[7:4]), .group_i(group && (nexus_known || own_connection)),
      .named_i(named), .able_i(!task_valid && !blocks_busy && !own_connection),
      .leader_wait_i(leader_wait), .first_req_i(first_req),
      .initiator_o(op_initiator), .lun_o(op_lun), .tagged_o(op_tagged), .tag_o(op_tag), .lba_o(op_lba),
      .len_o(op_len), .rank_o(op_rank),
      .take_o(take), .reclaim_o(reclaim), .release_o(release_bus), .discard_o(discard)
  );

  // ---- the connection
  wire decode, mirror_decode, sense, data_begin, data_keep, blocks_start, blocks_write, blocks_done, blocks_error;
  wire task_set, task_result, task_ended, task_clear, stall_run, part, stalled;
  wire drive, settled, start, engine_busy, put, got, done, rerror, link_bsy;
  wire [79:0] cdb;
  wire [1:0] kind;
  wire [7:0] disk_status, task_result_status, link_byte;
  wire [23:0] gen_bytes, bytes;
  wire [31:0] disk_lba, blocks_lba;
  wire [15:0] disk_blocks, sense_code, blocks_count, rdata, data_word;
  wire [3:0] sense_initiator, sense_key;
  wire [2:0] link_phase;
  wire [`SCSI_AGR_W-1:0] agree;

  assign own_connection = link_bsy;

  tgt_link #(.MSG_QUERY(MSG_QUERY), .MSG_SWITCH(MSG_SWITCH), .BUF_BYTES(BUF_BYTES)) u_link (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .free_i(free), .atn_i(atn), .cfg_wide_i(cfg_wide_i),
      .selected_i(selected), .selected_atn_i(selected_atn), .peer_i(peer), .reselect_o(reselect),
      .arb_done_i(arb_done), .arb_timeout_i(arb_timeout),
      .byte_i(msg_byte), .end_i(msg_end), .msg_error_i(msg_error), .event_i(event_code), .code_i(msg_code),
      .arg_i(msg_arg), .lun_i(lun), .identified_i(identified), .disc_priv_i(disc_priv), .tagged_i(has_tag),
      .initiator_o(initiator), .enrol_o(enrol), .enrol_room_i(enrol_room), .group_i(group), .named_i(named),
      .take_i(take), .reclaim_i(reclaim), .release_i(release_bus), .discard_i(discard),
      .op_initiator_i(op_initiator), .op_len_i(op_len), .leader_wait_o(leader_wait), .first_req_o(first_req),
      .mirrored_o(mirrored),
      .decode_o(decode), .mirror_o(mirror_decode), .cdb_o(cdb), .kind_i(kind), .disk_status_i(disk_status),
      .gen_bytes_i(gen_bytes), .disk_lba_i(disk_lba), .disk_blocks_i(disk_blocks), .sense_o(sense),
      .sense_initiator_o(sense_initiator), .sense_key_o(sense_key), .sense_code_o(sense_code),
      .target_reset_o(target_reset),
      .block_len_i(med_block_len_i), .data_begin_o(data_begin), .data_keep_o(data_keep),
      .blocks_start_o(blocks_start), .blocks_write_o(blocks_write), .blocks_lba_o(blocks_lba),
      .blocks_count_o(blocks_count), .blocks_busy_i(blocks_busy), .blocks_done_i(blocks_done),
      .blocks_error_i(blocks_error),
      .task_set_o(task_set), .task_result_o(task_result), .task_result_status_o(task_result_status),
      .task_ended_o(task_ended), .task_clear_o(task_clear), .task_valid_i(task_valid), .task_ready_i(task_ready),
      .task_same_i(task_same), .task_initiator_i(task_initiator), .task_lun_i(task_lun), .task_tagged_i(task_tagged), .task_tag_i(task_tag),
      .task_status_i(task_status),
      .stall_run_o(stall_run), .part_o(part), .stalled_i(stalled),
      .drive_o(drive), .settled_o(settled), .phase_o(link_phase), .agree_o(agree), .start_o(start), .bytes_o(bytes),
      .byte_o(link_byte), .engine_busy_i(engine_busy), .put_i(put), .got_i(got), .done_i(done),
      .rdata_i(rdata[7:0]), .error_i(rerror), .bsy_o(link_bsy)
  );

  // A stall is silence: any strobe starts the time again.
  reg  req_q, ack_q;
  wire strobe = req_q != req || ack_q != ack;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {req_q, ack_q} <= 2'd0;
    else if (strobe) {req_q, ack_q} <= {req, ack};
  end

  scsi_us_timer #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_stall (
      .clk_i(clk_i), .rst_ni(rst_ni), .run_i(stall_run), .hold_i(1'b0), .restart_i(strobe),
      .limit_us_i(part ? cfg_part_stall_us_i : cfg_stall_us_i), .expired_o(stalled)
  );

  tgt_task #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_task (
      .clk_i(clk_i), .rst_ni(rst_ni), .clear_i(task_clear), .holdoff_us_i(cfg_holdoff_us_i),
      .set_i(task_set), .initiator_i(initiator), .lun_i(mirrored ? op_lun : lun),
      .tagged_i(mirrored ? op_tagged : has_tag), .tag_i(mirrored ? op_tag : tag), .rank_i(mirrored ? op_rank : 4'd0),
      .result_i(task_result), .status_i(task_result_status), .ended_i(task_ended), .free_i(free),
      .complete_i(complete && nexus_reselected), .nexus_initiator_i(nexus_initiator), .nexus_lun_i(lun),
      .nexus_tagged_i(has_tag), .nexus_tag_i(tag),
      .valid_o(task_valid), .ready_o(task_ready), .same_o(task_same), .initiator_o(task_initiator), .lun_o(task_lun),
      .tagged_o(task_tagged), .tag_o(task_tag), .status_o(task_status)
  );

  // ---- disk, buffer, medium
  wire [5:0] gen_index;
  wire [15:0] gen_data, buf_wdata, buf_rdata;
  wire buf_we;
  wire [14:0] buf_addr;

  tgt_disk u_disk (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .target_reset_i(target_reset),
      .initiator_i(initiator), .lun_i(mirrored ? op_lun : identified ? lun : {3'd0, cdb[71:69]}), .decode_i(decode),
      .cdb_i(cdb), .mirror_i(mirror_decode), .mirror_lba_i(op_lba), .mirror_len_i(op_len), .buf_bytes_i(BUF_SIZE),
      .sense_i(sense), .sense_initiator_i(sense_initiator), .sense_key_i(sense_key), .sense_code_i(sense_code),
      .wide_i(cfg_wide_i), .med_blocks_i(med_blocks_i), .med_block_len_i(med_block_len_i), .med_wprot_i(med_wprot_i),
      .kind_o(kind), .status_o(disk_status), .bytes_o(gen_bytes), .lba_o(disk_lba), .blocks_o(disk_blocks),
      .index_i(gen_index), .data_o(gen_data)
  );

  tgt_data u_data (
      .clk_i(clk_i), .rst_ni(rst_ni), .begin_i(data_begin), .wide_i(agree[`SCSI_AGR_WIDE]), .keep_i(data_keep),
      .got_i(got && link_phase == `SCSI_PH_DATA_OUT), .rdata_i(rdata), .put_i(put && link_phase == `SCSI_PH_DATA_IN),
      .generated_i(kind == `TGT_KIND_GENERATED), .index_o(gen_index), .gen_data_i(gen_data),
      .buf_we_o(buf_we), .buf_addr_o(buf_addr), .buf_wdata_o(buf_wdata), .buf_rdata_i(buf_rdata), .word_o(data_word)
  );

  tgt_medium #(.BUF_BYTES(BUF_BYTES)) u_medium (
      .clk_i(clk_i), .rst_ni(rst_ni), .we_i(buf_we), .addr_i(buf_addr), .wdata_i(buf_wdata),
      .read_i(drive && link_phase == `SCSI_PH_DATA_IN), .rdata_o(buf_rdata),
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

  tgt_phase #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_phase (
      .clk_i(clk_i), .rst_ni(rst_ni), .drive_i(drive), .settled_i(settled), .phase_i(link_phase), .agree_i(agree),
      .start_i(start), .bytes_i(bytes),
      .wdata_i(link_phase == `SCSI_PH_DATA_IN ? data_word : {8'd0, link_byte}),
      .busy_o(engine_busy), .put_o(put), .got_o(got), .done_o(done), .rdata_o(rdata), .error_o(rerror),
      .ack_i(ack), .db_i(db), .dbp_i(dbp),
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
