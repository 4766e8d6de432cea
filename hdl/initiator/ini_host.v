// Host side of the initiator: registers, streams, block buffer, queue of completions.
//
// Used by scsi_initiator. Runs also while the bus side is held in reset.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_defs.vh"

module ini_host #(
    parameter BUF_BYTES = 16384,
    parameter PW = 15
) (
    input wire clk_i,
    input wire rst_ni,

    input  wire [11:0] s_axil_awaddr,
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

    output wire irq_o,

    // settings, see the register map
    output wire [                3:0] own_id_o,
    output wire                       enable_o,
    output wire                       fair_o,
    output wire                       sel_reset_o,
    output wire [               17:0] ability_o,
    output wire [                1:0] mirror_ext_o,
    output wire                       bus_reset_o,
    output wire [               23:0] sel_timeout_us_o,
    output wire [               23:0] hang_timeout_us_o,
    output wire [               23:0] status_timeout_us_o,
    output wire [               15:0] yield_ns_o,
    output wire [                3:0] retries_o,
    output wire                       submit_o,             // pulse
    output wire [`INI_DESC_W-1:0] desc_o,
    output wire [               15:0] forget_o,             // pulse
    output wire [                4:0] series_count_o,       // blocks listed in SERIES_LBA
    input  wire [                3:0] series_block_i,
    output wire [               31:0] series_lba_o,         // a clock after

    // state of the bus side
    input wire        ready_i,
    input wire        connected_i,
    input wire [ 5:0] outstanding_i,
    input wire        bus_reset_i,    // pulse: RST was seen
    input wire [31:0] agreement_i,
    output wire [3:0] agreed_with_o,
    input wire [18:0] agreed_i,
    input wire [15:0] enrolled_i,
    input wire        post_i,         // pulse: a completion
    input wire [63:0] cpl_i,
    input wire        note_i,         // pulse: a word of members
    input wire [ 2:0] note_word_i,
    input wire [31:0] note_data_i,

    // block buffer
    input  wire          rd_i,
    input  wire [PW-1:0] rd_addr_i,
    output wire [  15:0] rd_data_o,
    input  wire [   1:0] wr_i,
    input  wire [PW-1:0] wr_addr_i,
    input  wire [  15:0] wr_data_i
);

  // of a clock ago
  reg        post_q, note_q;
  reg [63:0] post_cpl_q;
  reg [ 2:0] note_word_q;
  reg [ 6:0] bus_side_q;  // what STATUS tells of the bus side
  reg [31:0] note_data_q;
  wire [2:0] word;
  wire [31:0] members, series_lba;
  wire unload, pop, flush, series, unload_busy, load_busy, lost, axis_rd;
  wire [23:0] load_addr, unload_addr, unload_len;
  wire [7:0] completions;
  wire [63:0] cpl;
  wire [PW-1:0] axis_rd_addr, axis_wr_addr;
  wire [15:0] axis_wr_data;
  wire [1:0] axis_wr;

  always @(posedge clk_i or negedge rst_ni)
    if (!rst_ni) bus_side_q <= 7'd0;
    else if (`SCSI_AWAKE(bus_side_q != {connected_i, outstanding_i})) bus_side_q <= {connected_i, outstanding_i};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {post_q, note_q} <= 2'd0;
      post_cpl_q <= 64'd0;
      note_word_q <= 3'd0;
      note_data_q <= 32'd0;
    end else if (`SCSI_AWAKE(post_i || post_q || note_i || note_q)) begin
      {post_q, note_q} <= {post_i, note_i};
      post_cpl_q <= cpl_i;
      {note_word_q, note_data_q} <= {note_word_i, note_data_i};
    end
  end

  ini_regs #(
      .BUF_BYTES(BUF_BYTES)
  ) u_regs (
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
      .irq_o              (irq_o),
      .own_id_o           (own_id_o),
      .enable_o           (enable_o),
      .fair_o             (fair_o),
      .sel_reset_o        (sel_reset_o),
      .ability_o          (ability_o),
      .mirror_ext_o       (mirror_ext_o),
      .bus_reset_o        (bus_reset_o),
      .sel_timeout_us_o   (sel_timeout_us_o),
      .hang_timeout_us_o  (hang_timeout_us_o),
      .status_timeout_us_o(status_timeout_us_o),
      .yield_ns_o         (yield_ns_o),
      .retries_o          (retries_o),
      .submit_o           (submit_o),
      .desc_o             (desc_o),
      .forget_o           (forget_o),
      .series_o           (series),
      .series_lba_o       (series_lba),
      .load_addr_o        (load_addr),
      .unload_addr_o      (unload_addr),
      .unload_len_o       (unload_len),
      .unload_o           (unload),
      .ready_i            (ready_i),
      .connected_i        (bus_side_q[6]),
      .outstanding_i      (bus_side_q[5:0]),
      .completions_i      (completions),
      .unload_busy_i      (unload_busy),
      .load_busy_i        (load_busy),
      .posted_i           (post_q),
      .bus_reset_i        (bus_reset_i),
      .lost_i             (lost),
      .cpl_i              (cpl),
      .pop_o              (pop),
      .word_o             (word),
      .members_i          (members),
      .flush_o            (flush),
      .agreed_with_o      (agreed_with_o),
      .agreed_i           (agreed_i),
      .agreement_i        (agreement_i),
      .enrolled_i         (enrolled_i)
  );

  ini_axis #(
      .BYTES(BUF_BYTES),
      .PW   (PW)
  ) u_axis (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tkeep (s_axis_tkeep),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast (s_axis_tlast),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tkeep (m_axis_tkeep),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast (m_axis_tlast),
      .load_addr_i  (load_addr),
      .unload_i     (unload),
      .unload_addr_i(unload_addr),
      .unload_len_i (unload_len),
      .load_busy_o  (load_busy),
      .unload_busy_o(unload_busy),
      .wr_busy_i    (|wr_i),
      .wr_o         (axis_wr),
      .wr_addr_o    (axis_wr_addr),
      .wr_data_o    (axis_wr_data),
      .rd_busy_i    (rd_i),
      .rd_o         (axis_rd),
      .rd_addr_o    (axis_rd_addr),
      .rd_data_i    (rd_data_o)
  );

  ini_buffer #(
      .BYTES(BUF_BYTES),
      .PW   (PW)
  ) u_buffer (
      .clk_i    (clk_i),
      .rd_i     (rd_i || axis_rd),
      .rd_addr_i(rd_i ? rd_addr_i : axis_rd_addr),
      .rd_data_o(rd_data_o),
      .wr_i     (|wr_i ? wr_i : axis_wr),
      .wr_addr_i(|wr_i ? wr_addr_i : axis_wr_addr),
      .wr_data_i(|wr_i ? wr_data_i : axis_wr_data)
  );

  ini_series u_series (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .push_i (series),
      .lba_i  (series_lba),
      .clear_i(submit_o),
      .count_o(series_count_o),
      .block_i(series_block_i),
      .lba_o  (series_lba_o)
  );

  ini_completions u_completions (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .post_i (post_q),
      .cpl_i  (post_cpl_q),
      .note_i     (note_q),
      .note_word_i(note_word_q),
      .note_data_i(note_data_q),
      .pop_i  (pop),
      .flush_i(flush),
      .cpl_o  (cpl),
      .word_i     (word),
      .members_o  (members),
      .count_o(completions),
      .lost_o (lost)
  );

endmodule
`default_nettype wire
