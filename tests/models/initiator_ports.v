// Test top with two RTL initiators and four Python ports on one wired-OR bus, no cable delay. Simulation only.
// The initiators' host sides are ini0_* and ini1_* as in the bench; the test sets clock offset and phase, then lets the clock run.
`default_nettype none
`include "python_port.vh"

`define INITIATOR(N) \
    reg [31:0] ini``N``_ppb, ini``N``_phase_ps; \
    reg ini``N``_rst_n, ini``N``_run; \
    reg [26:0] ini``N``_flip; \
    wire [26:0] ini``N``_says; \
    wire [26:0] ini``N``_hears = bus_all ^ ini``N``_flip; \
    initial begin \
        {ini``N``_ppb, ini``N``_phase_ps, ini``N``_rst_n, ini``N``_run, ini``N``_flip} = 0; \
    end \
    ppm_clock u_clock``N ( \
        .run_i(ini``N``_run), .ppb_i(ini``N``_ppb), .phase_ps_i(ini``N``_phase_ps), .clk_o(ini``N``_clk) \
    ); \
    scsi_initiator u_initiator``N ( \
        .clk_i(ini``N``_clk), .rst_ni(ini``N``_rst_n), \
        .scsi_bsy_i(ini``N``_hears[0]), .scsi_sel_i(ini``N``_hears[1]), .scsi_rst_i(ini``N``_hears[2]), \
        .scsi_msg_i(ini``N``_hears[3]), .scsi_cd_i(ini``N``_hears[4]), .scsi_io_i(ini``N``_hears[5]), \
        .scsi_req_i(ini``N``_hears[6]), .scsi_ack_i(ini``N``_hears[7]), .scsi_atn_i(ini``N``_hears[8]), \
        .scsi_db_i(ini``N``_hears[24:9]), .scsi_dbp_i(ini``N``_hears[26:25]), \
        .scsi_bsy_o(ini``N``_says[0]), .scsi_sel_o(ini``N``_says[1]), .scsi_rst_o(ini``N``_says[2]), \
        .scsi_msg_o(ini``N``_says[3]), .scsi_cd_o(ini``N``_says[4]), .scsi_io_o(ini``N``_says[5]), \
        .scsi_req_o(ini``N``_says[6]), .scsi_ack_o(ini``N``_says[7]), .scsi_atn_o(ini``N``_says[8]), \
        .scsi_db_o(ini``N``_says[24:9]), .scsi_dbp_o(ini``N``_says[26:25]), \
        .s_axil_awaddr(ini``N``_s_axil_awaddr), .s_axil_awprot(3'd0), \
        .s_axil_awvalid(ini``N``_s_axil_awvalid), .s_axil_awready(ini``N``_s_axil_awready), \
        .s_axil_wdata(ini``N``_s_axil_wdata), .s_axil_wstrb(ini``N``_s_axil_wstrb), \
        .s_axil_wvalid(ini``N``_s_axil_wvalid), .s_axil_wready(ini``N``_s_axil_wready), \
        .s_axil_bresp(ini``N``_s_axil_bresp), .s_axil_bvalid(ini``N``_s_axil_bvalid), \
        .s_axil_bready(ini``N``_s_axil_bready), \
        .s_axil_araddr(ini``N``_s_axil_araddr), .s_axil_arprot(3'd0), \
        .s_axil_arvalid(ini``N``_s_axil_arvalid), .s_axil_arready(ini``N``_s_axil_arready), \
        .s_axil_rdata(ini``N``_s_axil_rdata), .s_axil_rresp(ini``N``_s_axil_rresp), \
        .s_axil_rvalid(ini``N``_s_axil_rvalid), .s_axil_rready(ini``N``_s_axil_rready), \
        .s_axis_tdata(ini``N``_s_axis_tdata), .s_axis_tkeep(ini``N``_s_axis_tkeep), \
        .s_axis_tvalid(ini``N``_s_axis_tvalid), .s_axis_tready(ini``N``_s_axis_tready), \
        .s_axis_tlast(ini``N``_s_axis_tlast), \
        .m_axis_tdata(ini``N``_m_axis_tdata), .m_axis_tkeep(ini``N``_m_axis_tkeep), \
        .m_axis_tvalid(ini``N``_m_axis_tvalid), .m_axis_tready(ini``N``_m_axis_tready), \
        .m_axis_tlast(ini``N``_m_axis_tlast), .irq_o(ini``N``_irq_o) \
    )

`define HOST_PORTS(N) \
    output wire ini``N``_clk, \
    output wire ini``N``_irq_o, \
    input wire [11:0] ini``N``_s_axil_awaddr, \
    input wire ini``N``_s_axil_awvalid, \
    output wire ini``N``_s_axil_awready, \
    input wire [31:0] ini``N``_s_axil_wdata, \
    input wire [3:0] ini``N``_s_axil_wstrb, \
    input wire ini``N``_s_axil_wvalid, \
    output wire ini``N``_s_axil_wready, \
    output wire [1:0] ini``N``_s_axil_bresp, \
    output wire ini``N``_s_axil_bvalid, \
    input wire ini``N``_s_axil_bready, \
    input wire [11:0] ini``N``_s_axil_araddr, \
    input wire ini``N``_s_axil_arvalid, \
    output wire ini``N``_s_axil_arready, \
    output wire [31:0] ini``N``_s_axil_rdata, \
    output wire [1:0] ini``N``_s_axil_rresp, \
    output wire ini``N``_s_axil_rvalid, \
    input wire ini``N``_s_axil_rready, \
    input wire [15:0] ini``N``_s_axis_tdata, \
    input wire [1:0] ini``N``_s_axis_tkeep, \
    input wire ini``N``_s_axis_tvalid, \
    output wire ini``N``_s_axis_tready, \
    input wire ini``N``_s_axis_tlast, \
    output wire [15:0] ini``N``_m_axis_tdata, \
    output wire [1:0] ini``N``_m_axis_tkeep, \
    output wire ini``N``_m_axis_tvalid, \
    input wire ini``N``_m_axis_tready, \
    output wire ini``N``_m_axis_tlast

module initiator_ports (
    `HOST_PORTS(0),
    `HOST_PORTS(1)
);
    wire [26:0] bus_all;
    `INITIATOR(0);
    `INITIATOR(1);
    `PYTHON_PORT(0);
    `PYTHON_PORT(1);
    `PYTHON_PORT(2);
    `PYTHON_PORT(3);
    assign bus_all = ini0_says | ini1_says | py0_says | py1_says | py2_says | py3_says;
    wire [6*27-1:0] drv_all = {ini1_says, ini0_says, py3_says, py2_says, py1_says, py0_says};
endmodule
`default_nettype wire
