// What the bench has once an initiator and once a Python port: its ports, its wires. Used by bench.v.
`ifndef BENCH_PORTS_VH
`define BENCH_PORTS_VH

// The host side of initiator N
`define BENCH_HOST_PORTS(N) \
    output wire        ini``N``_clk /*verilator public_flat_rd*/, \
    output wire        ini``N``_rst_n /*verilator public_flat_rd*/, \
    output wire        ini``N``_irq_o /*verilator public_flat_rd*/, \
    input  wire [11:0] ini``N``_s_axil_awaddr /*verilator public_flat_rw*/, \
    input  wire [2:0]  ini``N``_s_axil_awprot /*verilator public_flat_rw*/, \
    input  wire        ini``N``_s_axil_awvalid /*verilator public_flat_rw*/, \
    output wire        ini``N``_s_axil_awready /*verilator public_flat_rd*/, \
    input  wire [31:0] ini``N``_s_axil_wdata /*verilator public_flat_rw*/, \
    input  wire [3:0]  ini``N``_s_axil_wstrb /*verilator public_flat_rw*/, \
    input  wire        ini``N``_s_axil_wvalid /*verilator public_flat_rw*/, \
    output wire        ini``N``_s_axil_wready /*verilator public_flat_rd*/, \
    output wire [1:0]  ini``N``_s_axil_bresp /*verilator public_flat_rd*/, \
    output wire        ini``N``_s_axil_bvalid /*verilator public_flat_rd*/, \
    input  wire        ini``N``_s_axil_bready /*verilator public_flat_rw*/, \
    input  wire [11:0] ini``N``_s_axil_araddr /*verilator public_flat_rw*/, \
    input  wire [2:0]  ini``N``_s_axil_arprot /*verilator public_flat_rw*/, \
    input  wire        ini``N``_s_axil_arvalid /*verilator public_flat_rw*/, \
    output wire        ini``N``_s_axil_arready /*verilator public_flat_rd*/, \
    output wire [31:0] ini``N``_s_axil_rdata /*verilator public_flat_rd*/, \
    output wire [1:0]  ini``N``_s_axil_rresp /*verilator public_flat_rd*/, \
    output wire        ini``N``_s_axil_rvalid /*verilator public_flat_rd*/, \
    input  wire        ini``N``_s_axil_rready /*verilator public_flat_rw*/, \
    input  wire [15:0] ini``N``_s_axis_tdata /*verilator public_flat_rw*/, \
    input  wire [1:0]  ini``N``_s_axis_tkeep /*verilator public_flat_rw*/, \
    input  wire        ini``N``_s_axis_tvalid /*verilator public_flat_rw*/, \
    output wire        ini``N``_s_axis_tready /*verilator public_flat_rd*/, \
    input  wire        ini``N``_s_axis_tlast /*verilator public_flat_rw*/, \
    output wire [15:0] ini``N``_m_axis_tdata /*verilator public_flat_rd*/, \
    output wire [1:0]  ini``N``_m_axis_tkeep /*verilator public_flat_rd*/, \
    output wire        ini``N``_m_axis_tvalid /*verilator public_flat_rd*/, \
    input  wire        ini``N``_m_axis_tready /*verilator public_flat_rw*/, \
    output wire        ini``N``_m_axis_tlast /*verilator public_flat_rd*/

// The same, gathered in vectors that hold initiator 0 lowest. What an initiator says lags by 1 ps: under Verilator Python wakes at
// a clock edge when the devices have already acted on it, and must still find what was there before.
`define BENCH_HOST_WIRES(N) \
    assign axil_awaddr[12*N+:12] = ini``N``_s_axil_awaddr; \
    assign axil_awprot[3*N+:3] = ini``N``_s_axil_awprot; \
    assign axil_awvalid[N] = ini``N``_s_axil_awvalid; \
    assign #1 ini``N``_s_axil_awready = axil_awready[N]; \
    assign axil_wdata[32*N+:32] = ini``N``_s_axil_wdata; \
    assign axil_wstrb[4*N+:4] = ini``N``_s_axil_wstrb; \
    assign axil_wvalid[N] = ini``N``_s_axil_wvalid; \
    assign #1 ini``N``_s_axil_wready = axil_wready[N]; \
    assign #1 ini``N``_s_axil_bresp = axil_bresp[2*N+:2]; \
    assign #1 ini``N``_s_axil_bvalid = axil_bvalid[N]; \
    assign axil_bready[N] = ini``N``_s_axil_bready; \
    assign axil_araddr[12*N+:12] = ini``N``_s_axil_araddr; \
    assign axil_arprot[3*N+:3] = ini``N``_s_axil_arprot; \
    assign axil_arvalid[N] = ini``N``_s_axil_arvalid; \
    assign #1 ini``N``_s_axil_arready = axil_arready[N]; \
    assign #1 ini``N``_s_axil_rdata = axil_rdata[32*N+:32]; \
    assign #1 ini``N``_s_axil_rresp = axil_rresp[2*N+:2]; \
    assign #1 ini``N``_s_axil_rvalid = axil_rvalid[N]; \
    assign axil_rready[N] = ini``N``_s_axil_rready; \
    assign in_tdata[16*N+:16] = ini``N``_s_axis_tdata; \
    assign in_tkeep[2*N+:2] = ini``N``_s_axis_tkeep; \
    assign in_tvalid[N] = ini``N``_s_axis_tvalid; \
    assign #1 ini``N``_s_axis_tready = in_tready[N]; \
    assign in_tlast[N] = ini``N``_s_axis_tlast; \
    assign #1 ini``N``_m_axis_tdata = out_tdata[16*N+:16]; \
    assign #1 ini``N``_m_axis_tkeep = out_tkeep[2*N+:2]; \
    assign #1 ini``N``_m_axis_tvalid = out_tvalid[N]; \
    assign out_tready[N] = ini``N``_m_axis_tready; \
    assign #1 ini``N``_m_axis_tlast = out_tlast[N]; \
    assign ini``N``_clk = host_clk[N]; \
    assign ini``N``_rst_n = host_rst_n[N]; \
    assign ini``N``_irq_o = host_irq[N]

// Python port N: what it writes, what it reads. The process reads what it writes, so that Verilator waits for Python to write
// rather than evaluates all that follows every time.
`define BENCH_PYTHON_PORT(N) \
    reg py``N``_bsy_o /*verilator public_flat_rw*/; \
    reg py``N``_sel_o /*verilator public_flat_rw*/; \
    reg py``N``_rst_o /*verilator public_flat_rw*/; \
    reg py``N``_msg_o /*verilator public_flat_rw*/; \
    reg py``N``_cd_o /*verilator public_flat_rw*/; \
    reg py``N``_io_o /*verilator public_flat_rw*/; \
    reg py``N``_req_o /*verilator public_flat_rw*/; \
    reg py``N``_ack_o /*verilator public_flat_rw*/; \
    reg py``N``_atn_o /*verilator public_flat_rw*/; \
    reg [15:0] py``N``_db_o /*verilator public_flat_rw*/; \
    reg [1:0] py``N``_dbp_o /*verilator public_flat_rw*/; \
    wire [26:0] py``N``_heard; \
    wire py``N``_bsy_i /*verilator public_flat_rd*/ = py``N``_heard[0]; \
    wire py``N``_sel_i /*verilator public_flat_rd*/ = py``N``_heard[1]; \
    wire py``N``_rst_i /*verilator public_flat_rd*/ = py``N``_heard[2]; \
    wire py``N``_msg_i /*verilator public_flat_rd*/ = py``N``_heard[3]; \
    wire py``N``_cd_i /*verilator public_flat_rd*/ = py``N``_heard[4]; \
    wire py``N``_io_i /*verilator public_flat_rd*/ = py``N``_heard[5]; \
    wire py``N``_req_i /*verilator public_flat_rd*/ = py``N``_heard[6]; \
    wire py``N``_ack_i /*verilator public_flat_rd*/ = py``N``_heard[7]; \
    wire py``N``_atn_i /*verilator public_flat_rd*/ = py``N``_heard[8]; \
    wire [15:0] py``N``_db_i /*verilator public_flat_rd*/ = py``N``_heard[24:9]; \
    wire [1:0] py``N``_dbp_i /*verilator public_flat_rd*/ = py``N``_heard[26:25]; \
    wire [26:0] py``N``_wrote = {py``N``_dbp_o, py``N``_db_o, py``N``_atn_o, py``N``_ack_o, py``N``_req_o, \
        py``N``_io_o, py``N``_cd_o, py``N``_msg_o, py``N``_rst_o, py``N``_sel_o, py``N``_bsy_o}; \
    reg [26:0] py``N``_says; \
    initial begin \
        {py``N``_dbp_o, py``N``_db_o, py``N``_atn_o, py``N``_ack_o, py``N``_req_o, \
        py``N``_io_o, py``N``_cd_o, py``N``_msg_o, py``N``_rst_o, py``N``_sel_o, py``N``_bsy_o} = 27'd0; \
        py``N``_says = 27'd0; \
    end \
    always @(py``N``_wrote) if (py``N``_says !== py``N``_wrote) py``N``_says = py``N``_wrote;

`endif
