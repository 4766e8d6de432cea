// SCSI initiator (host adapter): AXI4-Lite registers and AXI4-Stream data on one side, a parallel SCSI port on the other; ordinary
// commands, discovery and mirrored writes of silent mirroring.
//
// Used by the bench and by any design that wants a host adapter; docs/host-interface.md tells how to program it. Pads, polarity and
// open drain belong outside. The bus side is held in reset while CONFIG.ENABLE is 0.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module scsi_initiator #(
    parameter CLK_PERIOD_PS = 6250,
    parameter BUF_BYTES = 16384,  // block buffer: a power of two, 512 to 65536
    parameter [7:0] MSG_QUERY = `MIRROR_MSG_QUERY,
    parameter [7:0] MSG_SWITCH_ROLE = `MIRROR_MSG_SWITCH_ROLE,
    parameter [7:0] MSG_RELEASE = `MIRROR_MSG_RELEASE,
    parameter [7:0] MSG_REPORT = `MIRROR_MSG_REPORT,
    parameter [7:0] EXT_WRITE = `MIRROR_EXT_WRITE,
    parameter [7:0] EXT_READ = `MIRROR_EXT_READ,
    parameter [7:0] EXT_NEXT = `MIRROR_EXT_NEXT,
    parameter [7:0] EXT_CAPABILITY = `MIRROR_EXT_CAPABILITY,
    parameter [7:0] EXT_FAILED = `MIRROR_EXT_FAILED,
    parameter CRC_LSB_FIRST = 1,  // see scsi_crc
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
) (
    input wire clk_i,
    input wire rst_ni,

    // bus port: what the wires say, what this device asserts
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

    input  wire [11:0] s_axil_awaddr,
    input  wire [ 2:0] s_axil_awprot,
    input  wire        s_axil_awvalid,
    output wire        s_axil_awready,
    input  wire [31:0] s_axil_wdata,
    input  wire [ 3:0] s_axil_wstrb,
    input  wire        s_axil_wvalid,
    output wire        s_axil_wready,
    output wire [ 1:0] s_axil_bresp,
    output wire        s_axil_bvalid,
    input  wire        s_axil_bready,
    input  wire [11:0] s_axil_araddr,
    input  wire [ 2:0] s_axil_arprot,
    input  wire        s_axil_arvalid,
    output wire        s_axil_arready,
    output wire [31:0] s_axil_rdata,
    output wire [ 1:0] s_axil_rresp,
    output wire        s_axil_rvalid,
    input  wire        s_axil_rready,

    input  wire [15:0] s_axis_tdata,
    input  wire [ 1:0] s_axis_tkeep,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    output wire [15:0] m_axis_tdata,
    output wire [ 1:0] m_axis_tkeep,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast,

    output wire irq_o
);

  localparam PW = $clog2(BUF_BYTES) + 1;

  generate
    if (BUF_BYTES < 512 || BUF_BYTES > 65536 || (BUF_BYTES & (BUF_BYTES - 1)) != 0) begin : g_bad_buffer
      buf_bytes_must_be_a_power_of_two_512_to_65536 u_error ();
    end
    // The two-byte range that SCSI-2 reserves holds no standard message; so does the vendor range of extended codes.
    if (MSG_QUERY < 8'h25 || MSG_QUERY > 8'h2F || MSG_SWITCH_ROLE < 8'h25 || MSG_SWITCH_ROLE > 8'h2F
        || MSG_RELEASE < 8'h25 || MSG_RELEASE > 8'h2F || MSG_REPORT < 8'h25 || MSG_REPORT > 8'h2F || EXT_WRITE < 8'h80
        || EXT_READ < 8'h80 || EXT_NEXT < 8'h80 || EXT_CAPABILITY < 8'h80 || EXT_FAILED < 8'h80) begin : g_bad_code
      mirror_message_code_is_a_standard_code u_error ();
    end
    if (MSG_QUERY == MSG_SWITCH_ROLE || MSG_QUERY == MSG_RELEASE || MSG_SWITCH_ROLE == MSG_RELEASE || MSG_REPORT == MSG_QUERY
        || MSG_REPORT == MSG_SWITCH_ROLE || MSG_REPORT == MSG_RELEASE || EXT_WRITE == EXT_READ || EXT_WRITE == EXT_NEXT
        || EXT_WRITE == EXT_CAPABILITY || EXT_WRITE == EXT_FAILED || EXT_READ == EXT_NEXT || EXT_READ == EXT_CAPABILITY
        || EXT_READ == EXT_FAILED || EXT_NEXT == EXT_CAPABILITY || EXT_NEXT == EXT_FAILED
        || EXT_CAPABILITY == EXT_FAILED) begin : g_same_code
      mirror_message_codes_must_differ u_error ();
    end
  endgenerate

  // Host side
  wire [3:0] own_id, retries;
  wire cfg_fair, sel_reset, enable, bus_reset, submit;
  wire [`SCSI_AGR_W-1:0] ability;
  wire msg_more, cdb_more;
  wire [3:0] agreed_with;
  wire [23:0] sel_timeout_us, hang_us, status_us;
  wire [15:0] yield_ns, forget, enrolled;
  wire [`INI_DESC_W-1:0] host_desc;
  wire [1:0] mirror_ext;  // extensions to offer: SERIES, STATUS
  wire [4:0] list_count;
  wire [3:0] list_block;
  wire [31:0] list_lba;

  // Bus port; the bus side is in reset while it is not enabled
  reg  bus_rst_n;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bus_rst_n <= 1'b0;
    else bus_rst_n <= enable;
  end

  wire bus_rst, bus_rst_rise, bus_free, req;
  wire [ 2:0] wire_phase;
  wire steady, wire_io;
  wire [15:0] db;
  wire [ 1:0] dbp;
  wire start, won, selected, sel_timeout, reselected, port_busy, hang, port_atn;
  wire [ 3:0] caller;
  wire [15:0] port_db;
  wire [ 1:0] port_dbp;

  // Link, messages
  wire [ 2:0] phase;
  wire phase_new, byte_req, tx_take, rx_stb, rx_perr, byte_done, link_rest;
  wire [15:0] rx_data, link_db;
  wire [ 1:0] link_dbp;
  wire        link_atn;
  wire [ 7:0] msg_byte, cdb_byte;
  wire msg_last, out_atn, resend, give_up, said, say_rest, offering;
  wire [4:0] said_kind;
  wire bad, msg_stb;
  wire [4:0] msg;
  wire [7:0] msg_arg;
  wire [39:0] msg_ext;

  // Nexus
  wire nx_open, conn, stall, nx_say, drop_rest, retry_ok, begin_task, again;
  wire accept_fits, accepted, declined, cdb_over, gone, resel;
  wire hear_reject, hear_protocol, hear_refused, named, name_tag, complete, disc, over;
  wire [7:0] name;
  wire [2:0] again_detail;
  wire [4:0] nx_kind;
  wire nx_find, load, save, restore, residue, overrun, mirror, reclaimed, rejected;
  wire enrol_update, enrol;
  wire neg_say, neg_took, qas_enable;
  wire [1:0] offer;
  wire [4:0] neg_kind;
  wire [`SCSI_AGR_W-1:0] tell, shown;
  wire doomed, ended, has_task, in_table, spread, keep;
  wire [3:0] result, detail;
  wire [7:0] status;
  wire [4:0] task_idx;
  wire [`INI_DESC_W-1:0] desc;
  wire [59:0] ids;
  wire [15:0] agreed_wide, negotiated;
  wire [3:0] data_target;
  wire [`SCSI_AGR_W-1:0] agree;
  wire [`INI_KEY_W-1:0] nx_key;

  // Data
  wire [15:0] data_word;
  wire data_more, data_end, data_rd;
  wire [PW-1:0] load_saved, load_moved, moved, saved, data_rd_addr, data_wr_addr;
  wire [15:0] buf_rd_data, data_wr_data;
  wire [1:0] data_wr;

  // Mirror
  wire mr_say, name_last, rewind, mr_abort, serving;
  wire [4:0] mr_kind;
  wire [3:0] name_z, mr_why, data_rank, who, told_rank, next_index;
  wire advance, asking, put_off, failed, flawed, copied, skip, refuse, status_kept, fault, deliver, final_block, series, early, ended_early, told_report;
  wire read, compare, differ, agree_caps;
  wire [14:0] served, holds, skipped, refused, differs, spoilt, reported;
  wire [3:0] failed_block, look_block;
  wire [7:0] look_status, told_status;
  wire [1:0] offered = {&mirror_ext, mirror_ext[0]};  // no SERIES without STATUS
  wire [1:0] caps_flags, enrol_flags;
  wire [4:0] caps_blocks, enrol_blocks;

  // Scheduler, table, finish
  wire sched_empty, sched_quiet, sched_find, start_fail, fail_done, closing, ending;
  wire [3:0] fail_why;
  wire [`INI_KEY_W-1:0] sched_key;
  wire [`INI_DESC_W-1:0] start_desc;
  wire [59:0] start_ids;
  wire put, put_new, task_free, free_inner, find_late, find_any, find_scope, table_busy, found, absent, us_pulse;
  wire [4:0] found_idx, put_idx;
  wire [`INI_ENT_W-1:0] found_ent, put_ent;
  wire [5:0] used, plain;
  wire [1:0] scope;
  wire post;
  wire [31:0] cpl0, cpl1;

  // Mirrored commands
  wire group_ready, sched_submit, enrol_found, unsettled, word_put, group_post;
  wire [3:0] mirrored, enrol_group, enrol_z, enrol_target;
  wire [`INI_DESC_W-1:0] sched_desc;
  wire [59:0] sched_ids;
  wire note;
  wire short;
  wire [2:0] short_gang;
  wire [3:0] short_blocks;
  wire [2:0] note_gang, word_index;
  wire [3:0] note_z, note_block, note_result;
  wire [7:0] note_status;
  wire [31:0] word_data, group_cpl0, group_cpl1, series_lba;
  wire [3:0] look_rank;

  wire ready = enable && group_ready && !bus_rst;
  wire plain_waits = !sched_empty && !start_desc[`INI_D_INNER];
  wire plain_started = started && !desc[`INI_D_INNER];
  wire late_ok = !conn && !port_busy && sched_quiet && status_us != 24'd0;
  wire started = nx_open && has_task && !in_table;

  assign scsi_msg_o = 1'b0;
  assign scsi_cd_o = 1'b0;
  assign scsi_req_o = 1'b0;
  assign scsi_db_o = port_db | link_db;
  assign scsi_dbp_o = port_dbp | link_dbp;

  ini_host #(
      .BUF_BYTES(BUF_BYTES),
      .PW       (PW)
  ) u_host (
      .clk_i              (clk_i),
      .rst_ni             (rst_ni),
      .s_axil_awaddr      (s_axil_awaddr),
      .s_axil_awvalid     (s_axil_awvalid),
      .s_axil_awready     (s_axil_awready),
      .s_axil_wdata       (s_axil_wdata),
      .s_axil_wstrb       (s_axil_wstrb),
      .s_axil_wvalid      (s_axil_wvalid),
      .s_axil_wready      (s_axil_wready),
      .s_axil_bresp       (s_axil_bresp),
      .s_axil_bvalid      (s_axil_bvalid),
      .s_axil_bready      (s_axil_bready),
      .s_axil_araddr      (s_axil_araddr),
      .s_axil_arvalid     (s_axil_arvalid),
      .s_axil_arready     (s_axil_arready),
      .s_axil_rdata       (s_axil_rdata),
      .s_axil_rresp       (s_axil_rresp),
      .s_axil_rvalid      (s_axil_rvalid),
      .s_axil_rready      (s_axil_rready),
      .s_axis_tdata       (s_axis_tdata),
      .s_axis_tkeep       (s_axis_tkeep),
      .s_axis_tvalid      (s_axis_tvalid),
      .s_axis_tready      (s_axis_tready),
      .s_axis_tlast       (s_axis_tlast),
      .m_axis_tdata       (m_axis_tdata),
      .m_axis_tkeep       (m_axis_tkeep),
      .m_axis_tvalid      (m_axis_tvalid),
      .m_axis_tready      (m_axis_tready),
      .m_axis_tlast       (m_axis_tlast),
      .irq_o              (irq_o),
      .own_id_o           (own_id),
      .enable_o           (enable),
      .fair_o             (cfg_fair),
      .sel_reset_o        (sel_reset),
      .ability_o          (ability),
      .mirror_ext_o       (mirror_ext),
      .bus_reset_o        (bus_reset),
      .sel_timeout_us_o   (sel_timeout_us),
      .hang_timeout_us_o  (hang_us),
      .status_timeout_us_o(status_us),
      .yield_ns_o         (yield_ns),
      .retries_o          (retries),
      .submit_o           (submit),
      .desc_o             (host_desc),
      .forget_o           (forget),
      .series_count_o     (list_count),
      .series_block_i     (list_block),
      .series_lba_o       (list_lba),
      .ready_i            (ready),
      .connected_i        (conn),
      .outstanding_i      (plain + {2'd0, mirrored} + {5'd0, plain_waits} + {5'd0, plain_started}),
      .bus_reset_i        (bus_rst_rise),
      .agreement_i        ({negotiated, agreed_wide}),
      .agreed_with_o      (agreed_with),
      .agreed_i           ({negotiated[agreed_with], shown}),
      .enrolled_i         (enrolled),
      .post_i             (post || group_post),
      .cpl_i              (post ? {cpl1, cpl0} : {group_cpl1, group_cpl0}),
      .note_i             (word_put),
      .note_word_i        (word_index),
      .note_data_i        (word_data),
      .rd_i               (data_rd),
      .rd_addr_i          (data_rd_addr),
      .rd_data_o          (buf_rd_data),
      .wr_i               (data_wr),
      .wr_addr_i          (data_wr_addr),
      .wr_data_i          (data_wr_data)
  );

  ini_port #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_port (
      .clk_i            (clk_i),
      .rst_ni           (bus_rst_n),
      .scsi_bsy_i        (scsi_bsy_i),
      .scsi_sel_i        (scsi_sel_i),
      .scsi_rst_i        (scsi_rst_i),
      .scsi_msg_i        (scsi_msg_i),
      .scsi_cd_i         (scsi_cd_i),
      .scsi_io_i         (scsi_io_i),
      .scsi_req_i        (scsi_req_i),
      .scsi_ack_i        (scsi_ack_i),
      .scsi_atn_i        (scsi_atn_i),
      .scsi_db_i         (scsi_db_i),
      .scsi_dbp_i        (scsi_dbp_i),
      .phase_o          (wire_phase),
      .steady_o         (steady),
      .io_o             (wire_io),
      .req_o            (req),
      .db_o             (db),
      .dbp_o            (dbp),
      .bus_rst_o        (bus_rst),
      .bus_rst_rise_o   (bus_rst_rise),
      .bus_free_o       (bus_free),
      .own_id_i         (own_id),
      .sel_timeout_us_i (sel_timeout_us),
      .hang_timeout_us_i(hang_us),
      .qas_enable_i     (qas_enable),
      .cfg_fair_i       (cfg_fair),
      .sel_reset_i      (sel_reset),
      .start_i          (start),
      .peer_id_i        (spread ? ids[3:0] : desc[`INI_D_TARGET]),
      .won_o            (won),
      .selected_o       (selected),
      .timeout_o        (sel_timeout),
      .reselected_o     (reselected),
      .caller_o         (caller),
      .busy_o           (port_busy),
      .host_reset_i     (bus_reset),
      .conn_i           (conn),
      .alive_i          (!doomed && (phase_new || tx_take || rx_stb)),
      .hang_o           (hang),
      .drv_bsy_o        (scsi_bsy_o),
      .drv_sel_o        (scsi_sel_o),
      .drv_rst_o        (scsi_rst_o),
      .drv_io_o         (scsi_io_o),
      .drv_atn_o        (port_atn),
      .drv_db_o         (port_db),
      .drv_dbp_o        (port_dbp)
  );

  ini_link #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS),
      .CRC_LSB_FIRST(CRC_LSB_FIRST),
      .CRC_SEED(CRC_SEED),
      .CRC_INVERT(CRC_INVERT)
  ) u_link (
      .clk_i      (clk_i),
      .rst_ni     (bus_rst_n),
      .phase_i    (wire_phase),
      .steady_i   (steady),
      .io_i       (wire_io),
      .req_i      (req),
      .db_i       (db),
      .dbp_i      (dbp),
      .scsi_req_i (scsi_req_i),
      .scsi_db_i  (scsi_db_i),
      .scsi_dbp_i (scsi_dbp_i),
      .conn_i     (conn),
      .attn_i     (selected && !bus_rst),
      .stall_i    (stall),
      .agree_i    (agree),
      .tx_word_i  (data_word),
      .tx_byte_i  (wire_phase[2] ? msg_byte : cdb_byte),
      .tx_last_i  (msg_last && wire_phase == `SCSI_PH_MSG_OUT),
      .tx_atn_i   (mirror && serving && data_end && !wire_phase[1]),
      .tx_more_i  (!wire_phase[1] ? data_more : wire_phase[2] ? msg_more : cdb_more),
      .mirror_i   (mirror),
      .qas_i      (ability[`SCSI_AGR_QAS]),
      .say_i      (nx_say || (mr_say && !doomed) || out_atn),
      .phase_o    (phase),
      .phase_new_o(phase_new),
      .byte_req_o (byte_req),
      .tx_take_o  (tx_take),
      .rx_stb_o   (rx_stb),
      .rx_data_o  (rx_data),
      .rx_perr_o  (rx_perr),
      .done_o     (byte_done),
      .rest_o     (link_rest),
      .drv_ack_o  (scsi_ack_o),
      .drv_atn_o  (link_atn),
      .drv_db_o   (link_db),
      .drv_dbp_o  (link_dbp)
  );

  assign scsi_atn_o = port_atn | link_atn;

  ini_msg_out #(
      .MSG_QUERY      (MSG_QUERY),
      .MSG_SWITCH_ROLE(MSG_SWITCH_ROLE),
      .MSG_RELEASE    (MSG_RELEASE),
      .MSG_REPORT     (MSG_REPORT),
      .EXT_WRITE      (EXT_WRITE),
      .EXT_READ       (EXT_READ),
      .EXT_NEXT       (EXT_NEXT),
      .EXT_CAPABILITY (EXT_CAPABILITY)
  ) u_msg_out (
      .clk_i       (clk_i),
      .rst_ni      (bus_rst_n),
      .conn_i      (conn),
      .say_i       (nx_say || (mr_say && !doomed)),  // nothing replaces an ABORT
      .kind_i      (nx_say ? nx_kind : mr_kind),
      .drop_rest_i (drop_rest),
      .desc_i      (desc),
      .offer_i     (offer),
      .tell_i      (tell),
      .name_z_i    (name_z),
      .name_last_i (name_last),
      .next_lba_i  (series_lba),
      .flags_i     (offered),
      .retry_ok_i  (retry_ok),
      .phase_i     (phase),
      .phase_new_i (phase_new),
      .byte_req_i  (byte_req),
      .tx_take_i   (tx_take),
      .done_i      (byte_done),
      .byte_o      (msg_byte),
      .last_o      (msg_last),
      .atn_o       (out_atn),
      .resend_o    (resend),
      .give_up_o   (give_up),
      .said_o      (said),
      .kind_o      (said_kind),
      .rest_o      (say_rest),
      .more_o      (msg_more),
      .offering_o  (offering)
  );

  ini_msg_in #(
      .MSG_QUERY      (MSG_QUERY),
      .MSG_SWITCH_ROLE(MSG_SWITCH_ROLE),
      .EXT_CAPABILITY (EXT_CAPABILITY),
      .EXT_FAILED     (EXT_FAILED)
  ) u_msg_in (
      .clk_i      (clk_i),
      .rst_ni     (bus_rst_n),
      .phase_i    (phase),
      .phase_new_i(phase_new),
      .rx_stb_i   (rx_stb),
      .rx_data_i  (rx_data[7:0]),
      .rx_perr_i  (rx_perr),
      .bad_o      (bad),
      .stb_o      (msg_stb),
      .msg_o      (msg),
      .arg_o      (msg_arg),
      .ext_o      (msg_ext)
  );

  ini_data #(
      .PW(PW)
  ) u_data (
      .clk_i    (clk_i),
      .rst_ni   (bus_rst_n),
      .load_i   (load),
      .saved_i  (load_saved),
      .moved_i  (load_moved),
      .rewind_i (rewind),
      .advance_i(advance),
      .save_i   (save),
      .restore_i(restore),
      .residue_i(residue),
      .dir_in_i (spread ? read : desc[`INI_D_DIR_IN]),
      .compare_i(compare),
      .len_i    (desc[`INI_D_LEN_LSB+:PW]),
      .addr_i   (desc[`INI_D_ADDR_LSB+:PW]),
      .wide_i   (agree[`SCSI_AGR_WIDE]),
      .dt_i     (agree[`SCSI_AGR_DT]),
      .phase_i  (phase),
      .tx_take_i(tx_take),
      .tx_data_o(data_word),
      .tx_more_o(data_more),
      .tx_end_o (data_end),
      .rx_stb_i (rx_stb),
      .rx_data_i(rx_data),
      .differs_o(differ),
      .overrun_o(overrun),
      .rd_o     (data_rd),
      .rd_addr_o(data_rd_addr),
      .rd_data_i(buf_rd_data),
      .wr_o     (data_wr),
      .wr_addr_o(data_wr_addr),
      .wr_data_o(data_wr_data),
      .moved_o  (moved),
      .saved_o  (saved)
  );

  ini_hear u_hear (
      .clk_i        (clk_i),
      .rst_ni       (bus_rst_n),
      .begin_i      (begin_task),
      .reselected_i (resel),
      .known_i      (has_task),
      .doomed_i     (doomed),
      .spread_i     (spread),
      .serving_i    (serving),
      .asking_i     (asking),
      .leader_i     ({desc[`INI_D_GROUP], desc[`INI_D_LEADER]}),
      .member_i     ({desc[`INI_D_GROUP], spread ? name_z : desc[`INI_D_Z]}),
      .owing_i      (in_table && (desc[`INI_D_OPCODE] == `INI_OP_MIRROR_WRITE || desc[`INI_D_OPCODE] == `INI_OP_MIRROR_READ)),
      .accept_fits_i(accept_fits),
      .qas_i        (agree[`SCSI_AGR_QAS]),
      .phase_i      (phase),
      .phase_new_i  (phase_new),
      .byte_done_i  (byte_done),
      .atn_i        (link_atn),
      .msg_stb_i    (msg_stb),
      .msg_i        (msg),
      .arg_i        (msg_arg),
      .ext_i        (msg_ext[15:0]),
      .reject_o     (hear_reject),
      .protocol_o   (hear_protocol),
      .save_o       (save),
      .restore_o    (restore),
      .residue_o    (residue),
      .reclaimed_o  (reclaimed),
      .put_off_o    (put_off),
      .failed_o     (failed),
      .flawed_o     (flawed),
      .block_o      (failed_block),
      .refused_o    (hear_refused),
      .named_o      (named),
      .tagged_o     (name_tag),
      .name_o       (name),
      .complete_o   (complete),
      .disc_o       (disc),
      .over_o       (over)
  );

  ini_agreement u_agreement (
      .clk_i        (clk_i),
      .rst_ni       (bus_rst_n),
      .clear_i      (bus_rst),
      .cfg_i        (ability),
      .forget_i     (forget),
      .gone_i       (gone),
      .begin_i      (begin_task),
      .conn_i       (conn),
      .command_i    (desc[`INI_D_OPCODE] == `INI_OP_COMMAND),
      .deaf_i       (spread || (resel && !has_task)),
      .target_i     (desc[`INI_D_TARGET]),
      .phase_i      (phase),
      .phase_new_i  (phase_new),
      .msg_stb_i    (msg_stb),
      .msg_i        (msg),
      .ext_i        (msg_ext),
      .said_i       (said),
      .said_kind_i  (said_kind),
      .say_rest_i   (say_rest),
      .offering_i   (offering),
      .offer_o      (offer),
      .tell_o       (tell),
      .say_o        (neg_say),
      .kind_o       (neg_kind),
      .took_o       (neg_took),
      .data_target_i(data_target),
      .agree_o      (agree),
      .qas_enable_o (qas_enable),
      .show_target_i(agreed_with),
      .show_o       (shown),
      .wide_o       (agreed_wide),
      .known_o      (negotiated)
  );

  ini_query u_query (
      .clk_i      (clk_i),
      .rst_ni     (bus_rst_n),
      .begin_i    (begin_task),
      .conn_i     (conn),
      .query_i    (desc[`INI_D_OPCODE] == `INI_OP_QUERY),
      .ability_i  (desc[`INI_D_OPCODE] == `INI_OP_MIRROR_CAPABILITY),
      .offered_i  (offered),
      .again_i    (again),
      .again_how_i({1'b0, again_detail}),
      .identity_i ({desc[`INI_D_GROUP], desc[`INI_D_Z]}),
      .phase_i    (phase),
      .phase_new_i(phase_new),
      .done_i     (byte_done),
      .atn_i      (link_atn),
      .msg_stb_i  (msg_stb),
      .msg_i      (msg),
      .arg_i      (msg_arg),
      .ext_i      (msg_ext[23:0]),
      .said_kind_i(said_kind),
      .say_rest_i (say_rest),
      .give_up_i  (give_up),
      .doomed_i   (doomed),
      .fits_o     (accept_fits),
      .accepted_o (accepted),
      .declined_o (declined),
      .flags_o    (caps_flags),
      .blocks_o   (caps_blocks),
      .detail_o   (detail)
  );

  ini_cdb u_cdb (
      .clk_i    (clk_i),
      .rst_ni   (bus_rst_n),
      .restart_i(load || restore),
      .cdb_i    (desc[`INI_D_CDB]),
      .phase_i  (phase),
      .tx_take_i(tx_take),
      .byte_o   (cdb_byte),
      .more_o   (cdb_more),
      .overrun_o(cdb_over)
  );

  ini_enrol u_enrol (
      .clk_i       (clk_i),
      .rst_ni      (bus_rst_n),
      .clear_i     (bus_rst),
      .update_i    (enrol_update),
      .enrol_i     (enrol),
      .group_i     (desc[`INI_D_GROUP]),
      .z_i         (desc[`INI_D_Z]),
      .target_i    (desc[`INI_D_TARGET]),
      .gone_i      (gone),
      .agree_i     (agree_caps),
      .flags_i     (accepted ? caps_flags : 2'd0),
      .blocks_i    (accepted ? caps_blocks : 5'd0),
      .find_group_i(sched_empty ? enrol_group : start_desc[`INI_D_GROUP]),
      .find_z_i    (sched_empty ? enrol_z : start_desc[`INI_D_Z]),
      .found_o     (enrol_found),
      .target_o    (enrol_target),
      .flags_o     (enrol_flags),
      .blocks_o    (enrol_blocks),
      .show_group_i(host_desc[`INI_D_GROUP]),
      .show_o      (enrolled)
  );

  ini_nexus #(
      .PW(PW)
  ) u_nexus (
      .clk_i         (clk_i),
      .rst_ni        (bus_rst_n),
      .bus_rst_i     (bus_rst),
      .hang_i        (hang),
      .cfg_retries_i (retries),
      .won_i         (won),
      .done_i        (selected),
      .timeout_i     (sel_timeout),
      .reselected_i  (reselected),
      .peer_i        (caller),
      .bus_free_i    (bus_free),
      .start_desc_i  (start_desc),
      .start_ids_i   (start_ids),
      .find_o        (nx_find),
      .key_o         (nx_key),
      .found_i       (found),
      .absent_i      (absent),
      .found_idx_i   (found_idx),
      .found_ent_i   (found_ent),
      .phase_i       (phase),
      .phase_new_i   (phase_new),
      .rx_stb_i      (rx_stb),
      .rx_data_i     (rx_data[7:0]),
      .rx_perr_i     (rx_perr),
      .stall_o       (stall),
      .data_target_o (data_target),
      .cdb_over_i    (cdb_over),
      .bad_i         (bad),
      .reject_i      (hear_reject),
      .protocol_i    (hear_protocol),
      .save_i        (save),
      .restore_i     (restore),
      .refused_i     (hear_refused),
      .named_i       (named),
      .tagged_i      (name_tag),
      .name_i        (name),
      .complete_i    (complete),
      .disc_i        (disc),
      .over_i        (over),
      .neg_say_i     (neg_say),
      .neg_kind_i    (neg_kind),
      .neg_took_i    (neg_took),
      .say_o         (nx_say),
      .kind_o        (nx_kind),
      .drop_rest_o   (drop_rest),
      .retry_ok_o    (retry_ok),
      .say_rest_i    (say_rest),
      .said_kind_i   (said_kind),
      .resend_i      (resend),
      .give_up_i     (give_up),
      .load_o        (load),
      .load_saved_o  (load_saved),
      .load_moved_o  (load_moved),
      .overrun_i     (overrun),
      .mirror_o      (mirror),
      .asking_i      (asking),
      .rejected_o    (rejected),
      .data_rank_i   (data_rank),
      .abort_i       (mr_abort),
      .abort_why_i   (mr_why),
      .accepted_i    (accepted),
      .declined_i    (declined),
      .begin_o       (begin_task),
      .again_o       (again),
      .again_detail_o(again_detail),
      .enrol_update_o(enrol_update),
      .enrol_o       (enrol),
      .agree_o       (agree_caps),
      .gone_o        (gone),
      .open_o        (nx_open),
      .conn_o        (conn),
      .resel_o       (resel),
      .doomed_o      (doomed),
      .end_o         (ended),
      .task_o        (has_task),
      .table_o       (in_table),
      .spread_o      (spread),
      .read_o        (read),
      .keep_o        (keep),
      .result_o      (result),
      .status_o      (status),
      .idx_o         (task_idx),
      .desc_o        (desc),
      .ids_o         (ids)
  );

  ini_mirror #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_mirror (
      .clk_i        (clk_i),
      .rst_ni       (bus_rst_n),
      .begin_i      (begin_task),
      .active_i     (mirror),
      .count_i      (desc[`INI_D_COUNT]),
      .order_i      (desc[`INI_D_ORDER]),
      .blocks_i     (desc[`INI_D_BLOCKS]),
      .report_i     (desc[`INI_D_REPORT]),
      .short_i      (desc[`INI_D_SHORT]),
      .retries_i    (retries),
      .phase_i      (phase),
      .phase_new_i  (phase_new),
      .tx_take_i    (tx_take),
      .rx_stb_i     (rx_stb),
      .status_bad_i (rx_perr),
      .rx_data_i    (rx_data[7:0]),
      .data_end_i   (data_end),
      .said_i       (said),
      .said_kind_i  (said_kind),
      .reclaimed_i  (reclaimed),
      .rejected_i   (rejected),
      .put_off_i    (put_off),
      .failed_i     (failed),
      .bad_i        (bad),
      .bus_free_i   (bus_free),
      .holds_i      (holds),
      .say_o        (mr_say),
      .kind_o       (mr_kind),
      .name_z_o     (name_z),
      .name_last_o  (name_last),
      .rewind_o     (rewind),
      .advance_o    (advance),
      .next_index_o (next_index),
      .abort_o      (mr_abort),
      .abort_why_o  (mr_why),
      .data_rank_o  (data_rank),
      .serving_o    (serving),
      .asking_o     (asking),
      .copied_o     (copied),
      .skip_o       (skip),
      .refuse_o     (refuse),
      .keep_o       (status_kept),
      .status_o     (told_status),
      .fault_o      (fault),
      .deliver_o    (deliver),
      .who_o        (who),
      .told_rank_o  (told_rank),
      .final_o      (final_block),
      .series_o     (series),
      .early_o      (early),
      .ended_o      (ended_early),
      .reported_o   (told_report)
  );

  ini_tally u_tally (
      .clk_i        (clk_i),
      .rst_ni       (bus_rst_n),
      .begin_i      (begin_task),
      .active_i     (mirror),
      .read_i       (read),
      .compare_i    (desc[`INI_D_COMPARE]),
      .phase_i      (phase),
      .rx_perr_i    (rx_perr),
      .differs_i    (differ),
      .data_rank_i  (data_rank),
      .copied_i     (copied),
      .said_i       (said),
      .advance_i    (advance),
      .next_index_i (next_index),
      .final_i      (final_block),
      .early_i      (early),
      .skip_i       (skip),
      .refuse_i     (refuse),
      .keep_i       (status_kept),
      .status_i     (told_status),
      .fault_i      (fault),
      .block_i      (failed_block),
      .who_i        (who),
      .deliver_i    (deliver),
      .told_rank_i  (told_rank),
      .compare_o    (compare),
      .served_o     (served),
      .holds_o      (holds),
      .skipped_o    (skipped),
      .refused_o    (refused),
      .differs_o    (differs),
      .spoilt_o     (spoilt),
      .reported_o   (reported),
      .look_rank_i  (look_rank),
      .look_status_o(look_status),
      .look_block_o (look_block)
  );

  ini_settled u_settled (
      .clk_i    (clk_i),
      .rst_ni   (bus_rst_n),
      .open_i   (nx_open),
      .opcode_i (desc[`INI_D_OPCODE]),
      .closing_i(closing),
      .unsettled_o(unsettled)
  );

  ini_group #(
      .BUF_BYTES(BUF_BYTES)
  ) u_group (
      .clk_i         (clk_i),
      .rst_ni        (bus_rst_n),
      .bus_rst_i     (bus_rst),
      .submit_i      (submit),
      .desc_i        (host_desc),
      .list_count_i  (list_count),
      .list_block_o  (list_block),
      .list_lba_i    (list_lba),
      .ready_o       (group_ready),
      .busy_o        (mirrored),
      .sched_empty_i (sched_empty),
      .submit_o      (sched_submit),
      .desc_o        (sched_desc),
      .ids_o         (sched_ids),
      .unsettled_i   (unsettled),
      .find_group_o  (enrol_group),
      .find_z_o      (enrol_z),
      .found_i       (enrol_found),
      .target_i      (enrol_target),
      .flags_i       (enrol_flags),
      .blocks_i      (enrol_blocks),
      .note_i        (note),
      .note_gang_i   (note_gang),
      .note_z_i      (note_z),
      .note_block_i  (note_block),
      .note_result_i (note_result),
      .note_status_i (note_status),
      .short_i       (short),
      .short_gang_i  (short_gang),
      .short_blocks_i(short_blocks),
      .series_gang_i (desc[`INI_D_GANG]),
      .series_index_i(next_index),
      .series_lba_o  (series_lba),
      .word_o        (word_put),
      .word_index_o  (word_index),
      .word_data_o   (word_data),
      .post_o        (group_post),
      .post_taken_i  (!post),
      .cpl0_o        (group_cpl0),
      .cpl1_o        (group_cpl1)
  );

  ini_sched #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS),
      .BUF_BYTES    (BUF_BYTES)
  ) u_sched (
      .clk_i         (clk_i),
      .rst_ni        (bus_rst_n),
      .bus_rst_i     (bus_rst),
      .own_id_i      (own_id),
      .yield_ns_i    (yield_ns),
      .wide_i        (agreed_wide),
      .submit_i      (sched_submit),
      .desc_i        (sched_desc),
      .ids_i         (sched_ids),
      .empty_o       (sched_empty),
      .unsettled_i   (unsettled),
      .enrol_found_i (enrol_found),
      .enrol_target_i(enrol_target),
      .conn_i        (conn),
      .started_i     (started),
      .spread_i      (spread),
      .finding_i     (stall),
      .bus_free_i    (bus_free),
      .closing_i     (closing),
      .ending_i      (ending),
      .used_i        (used),
      .find_o        (sched_find),
      .key_o         (sched_key),
      .cur_key_i     (nx_key),
      .found_i       (found),
      .absent_i      (absent),
      .quiet_o       (sched_quiet),
      .start_o       (start),
      .desc_o        (start_desc),
      .ids_o         (start_ids),
      .won_i         (won),
      .fail_o        (start_fail),
      .fail_why_o    (fail_why),
      .fail_done_i   (fail_done)
  );

  ini_tasks #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_tasks (
      .clk_i      (clk_i),
      .rst_ni     (bus_rst_n),
      .find_i     (nx_find || sched_find),
      .key_i      (stall || closing ? nx_key : sched_key),
      .find_late_i(find_late),
      .find_any_i (find_any),
      .find_scope_i(find_scope),
      .scope_i    (scope),
      .busy_o     (table_busy),
      .found_o    (found),
      .absent_o   (absent),
      .idx_o      (found_idx),
      .ent_o      (found_ent),
      .put_i      (put),
      .put_new_i  (put_new),
      .put_ent_i  (put_ent),
      .free_i     (task_free),
      .free_inner_i(free_inner),
      .idx_i      (put_idx),
      .status_us_i(status_us),
      .used_o     (used),
      .plain_o    (plain),
      .us_o       (us_pulse)
  );

  ini_finish #(
      .PW(PW)
  ) u_finish (
      .clk_i      (clk_i),
      .rst_ni     (bus_rst_n),
      .bus_rst_i  (bus_rst),
      .end_i      (ended),
      .task_i     (has_task),
      .table_i    (in_table),
      .spread_i   (spread),
      .keep_i     (keep),
      .doomed_i   (doomed),
      .result_i   (result),
      .detail_i   (detail),
      .status_i   (status),
      .idx_i      (task_idx),
      .desc_i     (desc),
      .ids_i      (ids),
      .moved_i    (moved),
      .saved_i    (saved),
      .focus_i    (who),
      .served_i   (served),
      .skipped_i  (skipped),
      .refused_i  (refused),
      .holds_i    (holds),
      .differs_i  (differs),
      .spoilt_i   (spoilt),
      .reported_i (reported),
      .cut_i      (series && !told_report),
      .ended_i    (ended_early),
      .blocks_i   (next_index),
      .look_rank_o(look_rank),
      .look_status_i(look_status),
      .look_block_i(look_block),
      .failed_i   (flawed),
      .block_i    (failed_block),
      .fail_i     (start_fail),
      .fail_why_i (fail_why),
      .fail_desc_i(start_desc),
      .fail_done_o(fail_done),
      .put_o      (put),
      .put_new_o  (put_new),
      .put_ent_o  (put_ent),
      .free_o     (task_free),
      .free_inner_o(free_inner),
      .idx_o      (put_idx),
      .find_late_o(find_late),
      .find_any_o (find_any),
      .find_scope_o(find_scope),
      .scope_o    (scope),
      .late_ok_i  (late_ok),
      .conn_i     (conn),
      .us_i       (us_pulse),
      .found_i    (found),
      .absent_i   (absent),
      .found_idx_i(found_idx),
      .found_ent_i(found_ent),
      .busy_o     (closing),
      .ending_o   (ending),
      .post_o     (post),
      .cpl0_o     (cpl0),
      .cpl1_o     (cpl1),
      .short_o      (short),
      .short_gang_o (short_gang),
      .short_blocks_o(short_blocks),
      .note_o       (note),
      .note_gang_o  (note_gang),
      .note_z_o     (note_z),
      .note_block_o (note_block),
      .note_result_o(note_result),
      .note_status_o(note_status)
  );

  wire unused = &{1'b0, s_axil_awprot, s_axil_arprot, link_rest, table_busy};

endmodule
`default_nettype wire
