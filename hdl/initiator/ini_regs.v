// AXI4-Lite slave: the register map of hdl/initiator/regs.toml.
//
// Used by scsi_initiator. Byte strobes are honoured by registers that can be written and read. Unused addresses read zero.
`default_nettype none
`include "scsi_awake.vh"
`include "ini_regs.vh"
`include "ini_defs.vh"

module ini_regs #(
    parameter BUF_BYTES = 16384
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
    output reg         s_axil_bvalid,
    input  wire        s_axil_bready,
    input  wire [11:0] s_axil_araddr,
    input  wire        s_axil_arvalid,
    output wire        s_axil_arready,
    output reg  [31:0] s_axil_rdata,
    output wire [ 1:0] s_axil_rresp,
    output reg         s_axil_rvalid,
    input  wire        s_axil_rready,
    output wire        irq_o,

    // to the bus side
    output wire [ 3:0] own_id_o,
    output wire        enable_o,
    output wire        fair_o,
    output wire        sel_reset_o,
    output wire [17:0] ability_o,         // in the layout of an agreement
    output reg  [ 1:0] mirror_ext_o,      // extensions of mirroring to offer: SERIES, STATUS
    output reg         bus_reset_o,       // pulse
    output reg  [23:0] sel_timeout_us_o,
    output reg  [23:0] hang_timeout_us_o,
    output reg  [23:0] status_timeout_us_o,
    output reg  [15:0] yield_ns_o,
    output reg  [ 3:0] retries_o,
    output reg         submit_o,          // pulse, only when ready_i
    output wire [`INI_DESC_W-1:0] desc_o,
    output reg  [15:0] forget_o,          // pulse: end the agreement with these IDs
    output reg         series_o,          // pulse: series_lba_o is the next of the list
    output reg  [31:0] series_lba_o,

    // to the streams
    output reg  [23:0] load_addr_o,
    output reg  [23:0] unload_addr_o,
    output reg  [23:0] unload_len_o,
    output reg         unload_o,       // pulse

    // state
    input  wire        ready_i,
    input  wire        connected_i,
    input  wire [ 5:0] outstanding_i,
    input  wire [ 7:0] completions_i,
    input  wire        unload_busy_i,
    input  wire        load_busy_i,
    input  wire        posted_i,       // pulse: a completion was queued
    input  wire        bus_reset_i,    // pulse: RST was seen
    input  wire        lost_i,         // pulse: a completion was lost
    input  wire [63:0] cpl_i,
    output reg         pop_o,          // pulse
    output wire [ 2:0] word_o,         // member word to be read
    input  wire [31:0] members_i,      // it, two clocks after
    output reg         flush_o,        // pulse
    input  wire [31:0] agreement_i,
    output reg  [ 3:0] agreed_with_o,
    input  wire [18:0] agreed_i,       // done, agreement
    input  wire [15:0] enrolled_i
);

  localparam BUF_UNITS = BUF_BYTES / 256;
  localparam SEL_TIMEOUT_US = `INI_RST_SEL_TIMEOUT_US;
  localparam HANG_TIMEOUT_US = `INI_RST_HANG_TIMEOUT_US;
  localparam STATUS_TIMEOUT_US = `INI_RST_STATUS_TIMEOUT_US;
  localparam YIELD_NS = `INI_RST_YIELD_NS;
  localparam RETRIES = `INI_RST_RETRIES;
  localparam [11:0] MEMBERS = `INI_REG_CPL_M0;

  reg [7:0] config_q;
  reg [2:0] irq_q, irq_enable_q;
  reg [30:0] op_q;
  reg [31:0] cdb0_q, cdb1_q, cdb2_q, cdb3_q, lba_q, order0_q, order1_q;
  reg [23:0] len_q, addr_q;
  reg       dir_in_q;
  reg [3:0] count_q;
  reg [1:0] attribute_q;
  reg [2:0] function_q;
  reg [14:0] pace_q;  // ABILITY: offset, period
  reg [1:0] options_q;  // ABILITY: QAS, DT
  reg [2:0] policy_q;
  reg [3:0] rounds_q;
  reg [1:0] block_size_q;
  reg [4:0] blocks_q, series_q;
  reg       spare_q;  // a SUBMIT was taken in the last clock
  // what is to be written, and read
  reg        write_q;
  reg [11:0] waddr_q, raddr_q;
  reg [31:0] wdata_q;
  reg [ 3:0] wstrb_q;

  wire      take = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid && !write_q;
  wire      members = raddr_q[11:5] == MEMBERS[11:5];  // CPL_M0 to CPL_M7
  wire      read = s_axil_arvalid && !s_axil_rvalid && looked_q[3];
  wire [31:0] mask = {{8{wstrb_q[3]}}, {8{wstrb_q[2]}}, {8{wstrb_q[1]}}, {8{wstrb_q[0]}}};
  wire [31:0] wdata = wdata_q & mask;
  wire        mirrored = op_q[`INI_D_OPCODE] == `INI_OP_MIRROR_WRITE || op_q[`INI_D_OPCODE] == `INI_OP_MIRROR_READ;
  wire [127:0] payload = mirrored
      ? {12'd0, block_size_q, rounds_q, policy_q, series_q, 1'b0, blocks_q, count_q, order1_q[27:0], order0_q, lba_q} : {cdb3_q, cdb2_q, cdb1_q, cdb0_q};
  wire        ready = ready_i && !submit_o && !spare_q;
  wire        pulsed = bus_reset_o || submit_o || spare_q || unload_o || pop_o || flush_o || series_o || |forget_o;
  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(pulsed || write_q || s_axil_awvalid || s_axil_arvalid || s_axil_bvalid || s_axil_rvalid || posted_i || bus_reset_i
      || lost_i || looked_q != 4'd0);
  // What is read is looked up in two steps: in each bank of eight words, then from its bank. The queue of completions shows its oldest one
  // two clocks after a change.
  reg  [31:0] bank_q[0:7];
  reg         told_q;  // bank_q has a completion
  reg  [ 3:0] looked_q;  // raddr_q, bank_q, members_i are of s_axil_araddr; in the next clocks
  wire [31:0] banked = raddr_q[11:8] == 4'd0 ? bank_q[raddr_q[7:5]] : 32'd0;
  integer     n;

  assign s_axil_awready = take;
  assign s_axil_wready = take;
  assign s_axil_arready = read;
  assign s_axil_bresp = 2'b00;
  assign s_axil_rresp = 2'b00;
  assign irq_o = |(irq_q & irq_enable_q);
  assign own_id_o = config_q[3:0];
  assign {sel_reset_o, fair_o, enable_o} = config_q[7:5];
  assign word_o = raddr_q[4:2];
  assign ability_o = {options_q, config_q[4], pace_q};
  assign desc_o = {4'd0, function_q, attribute_q, payload, addr_q, len_q, dir_in_q, op_q};

  function [31:0] value;
    input [11:0] address;
    case (address)
      `INI_REG_ID: value = `INI_RST_ID;
      `INI_REG_CAPS: value = {BUF_UNITS[15:0], 8'd0, 8'd`INI_TASKS};
      `INI_REG_CONFIG: value = {24'd0, config_q};
      `INI_REG_STATUS:
      value = {14'd0, load_busy_i, unload_busy_i, completions_i, outstanding_i, connected_i, ready};
      `INI_REG_IRQ_STATUS: value = {29'd0, irq_q};
      `INI_REG_IRQ_ENABLE: value = {29'd0, irq_enable_q};
      `INI_REG_SEL_TIMEOUT_US: value = {8'd0, sel_timeout_us_o};
      `INI_REG_HANG_TIMEOUT_US: value = {8'd0, hang_timeout_us_o};
      `INI_REG_STATUS_TIMEOUT_US: value = {8'd0, status_timeout_us_o};
      `INI_REG_YIELD_NS: value = {16'd0, yield_ns_o};
      `INI_REG_RETRIES: value = {28'd0, retries_o};
      `INI_REG_ABILITY: value = {6'd0, mirror_ext_o, 6'd0, options_q, 1'b0, pace_q};
      `INI_REG_OP: value = {1'b0, op_q};
      `INI_REG_CDB0: value = cdb0_q;
      `INI_REG_CDB1: value = cdb1_q;
      `INI_REG_CDB2: value = cdb2_q;
      `INI_REG_CDB3: value = cdb3_q;
      `INI_REG_DATA_LEN: value = {dir_in_q, 7'd0, len_q};
      `INI_REG_BUF_ADDR: value = {8'd0, addr_q};
      `INI_REG_LBA: value = lba_q;
      `INI_REG_ORDER0: value = order0_q;
      `INI_REG_ORDER1: value = order1_q;
      `INI_REG_COUNT: value = {28'd0, count_q};
      `INI_REG_TASK: value = {25'd0, function_q, 2'd0, attribute_q};
      `INI_REG_MIRROR: value = {3'd0, series_q, 3'd0, blocks_q, 6'd0, block_size_q, 1'b0, rounds_q, policy_q};
      `INI_REG_CPL0: value = cpl_i[31:0];
      `INI_REG_CPL1: value = cpl_i[63:32];
      `INI_REG_LOAD_ADDR: value = {8'd0, load_addr_o};
      `INI_REG_UNLOAD_ADDR: value = {8'd0, unload_addr_o};
      `INI_REG_UNLOAD_LEN: value = {8'd0, unload_len_o};
      `INI_REG_AGREEMENT: value = agreement_i;
      `INI_REG_ENROLLED: value = {16'd0, enrolled_i};
      `INI_REG_AGREED_WITH: value = {28'd0, agreed_with_o};
      `INI_REG_AGREED: value = {agreed_i[18], 13'd0, agreed_i[17:0]};
      default: value = 32'd0;
    endcase
  endfunction

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {s_axil_bvalid, s_axil_rvalid, bus_reset_o, submit_o, spare_q, unload_o, pop_o, flush_o} <= 8'd0;
      {series_o, mirror_ext_o} <= 3'd0;
      series_lba_o <= 32'd0;
      {policy_q, rounds_q, block_size_q, blocks_q, series_q} <= 19'd0;
      s_axil_rdata <= 32'd0;
      looked_q <= 4'd0;
      {write_q, told_q} <= 2'b00;
      {waddr_q, raddr_q, wdata_q, wstrb_q} <= 60'd0;
      for (n = 0; n < 8; n = n + 1) bank_q[n] <= 32'd0;
      config_q <= 8'd0;
      {options_q, pace_q, function_q, attribute_q, agreed_with_o} <= 26'd0;
      {irq_q, irq_enable_q} <= 6'd0;
      sel_timeout_us_o <= SEL_TIMEOUT_US[23:0];
      hang_timeout_us_o <= HANG_TIMEOUT_US[23:0];
      status_timeout_us_o <= STATUS_TIMEOUT_US[23:0];
      yield_ns_o <= YIELD_NS[15:0];
      retries_o <= RETRIES[3:0];
      op_q <= 31'd0;
      {cdb0_q, cdb1_q, cdb2_q, cdb3_q, lba_q, order0_q, order1_q} <= 224'd0;
      {len_q, addr_q} <= 48'd0;
      dir_in_q <= 1'b0;
      count_q <= 4'd0;
      {load_addr_o, unload_addr_o, unload_len_o} <= 72'd0;
      forget_o <= 16'd0;
    end else if (awake) begin
      {bus_reset_o, submit_o, unload_o, pop_o, flush_o, series_o} <= 6'd0;
      spare_q <= submit_o;
      forget_o <= 16'd0;
      write_q <= take;
      if (take) {waddr_q, wdata_q, wstrb_q} <= {s_axil_awaddr, s_axil_wdata, s_axil_wstrb};
      if (write_q) begin
        s_axil_bvalid <= 1'b1;
        write_register;
      end else if (s_axil_bready) begin
        s_axil_bvalid <= 1'b0;
      end
      looked_q <= {looked_q[2:0], 1'b1} & {4{s_axil_arvalid && !read}};
      if (s_axil_arvalid) raddr_q <= s_axil_araddr;
      if (s_axil_arvalid) told_q <= cpl_i[0];
      if (s_axil_arvalid) for (n = 0; n < 8; n = n + 1) bank_q[n] <= value({4'd0, n[2:0], raddr_q[4:2], 2'd0});
      if (read) begin
        s_axil_rvalid <= 1'b1;
        s_axil_rdata <= members ? members_i : banked;
        pop_o <= raddr_q == `INI_REG_CPL1 && told_q;
      end else if (s_axil_rready) begin
        s_axil_rvalid <= 1'b0;
      end
      if (posted_i || bus_reset_i || lost_i || write_q) begin
        irq_q <= (irq_q & ~(write_q && waddr_q == `INI_REG_IRQ_STATUS ? wdata[2:0] : 3'd0))
            | {lost_i, bus_reset_i, posted_i};
      end
    end
  end

  task write_register;
    case (waddr_q)
      `INI_REG_CONFIG: config_q <= config_q & ~mask[7:0] | wdata[7:0];
      `INI_REG_CONTROL: {flush_o, bus_reset_o} <= wdata[1:0];
      `INI_REG_IRQ_ENABLE: irq_enable_q <= irq_enable_q & ~mask[2:0] | wdata[2:0];
      `INI_REG_SEL_TIMEOUT_US: sel_timeout_us_o <= sel_timeout_us_o & ~mask[23:0] | wdata[23:0];
      `INI_REG_HANG_TIMEOUT_US: hang_timeout_us_o <= hang_timeout_us_o & ~mask[23:0] | wdata[23:0];
      `INI_REG_STATUS_TIMEOUT_US:
      status_timeout_us_o <= status_timeout_us_o & ~mask[23:0] | wdata[23:0];
      `INI_REG_YIELD_NS: yield_ns_o <= yield_ns_o & ~mask[15:0] | wdata[15:0];
      `INI_REG_RETRIES: retries_o <= retries_o & ~mask[3:0] | wdata[3:0];
      `INI_REG_ABILITY: begin
        pace_q <= pace_q & ~mask[14:0] | wdata[14:0];
        options_q <= options_q & ~mask[17:16] | wdata[17:16];
        mirror_ext_o <= mirror_ext_o & ~mask[25:24] | wdata[25:24];
      end
      `INI_REG_OP: op_q <= op_q & ~mask[30:0] | wdata[30:0];
      `INI_REG_CDB0: cdb0_q <= cdb0_q & ~mask | wdata;
      `INI_REG_CDB1: cdb1_q <= cdb1_q & ~mask | wdata;
      `INI_REG_CDB2: cdb2_q <= cdb2_q & ~mask | wdata;
      `INI_REG_CDB3: cdb3_q <= cdb3_q & ~mask | wdata;
      `INI_REG_DATA_LEN: begin
        len_q <= len_q & ~mask[23:0] | wdata[23:0];
        dir_in_q <= dir_in_q & ~mask[31] | wdata[31];
      end
      `INI_REG_BUF_ADDR: addr_q <= addr_q & ~mask[23:0] | wdata[23:0];
      `INI_REG_LBA: lba_q <= lba_q & ~mask | wdata;
      `INI_REG_ORDER0: order0_q <= order0_q & ~mask | wdata;
      `INI_REG_ORDER1: order1_q <= order1_q & ~mask | wdata;
      `INI_REG_COUNT: count_q <= count_q & ~mask[3:0] | wdata[3:0];
      `INI_REG_TASK: begin
        attribute_q <= attribute_q & ~mask[1:0] | wdata[1:0];
        function_q <= function_q & ~mask[6:4] | wdata[6:4];
      end
      `INI_REG_MIRROR: begin
        policy_q <= policy_q & ~mask[2:0] | wdata[2:0];
        rounds_q <= rounds_q & ~mask[6:3] | wdata[6:3];
        block_size_q <= block_size_q & ~mask[9:8] | wdata[9:8];
        blocks_q <= blocks_q & ~mask[20:16] | wdata[20:16];
        series_q <= series_q & ~mask[28:24] | wdata[28:24];
      end
      `INI_REG_SERIES_LBA: begin
        series_o <= 1'b1;
        series_lba_o <= wdata;
      end
      `INI_REG_SUBMIT: submit_o <= ready;
      `INI_REG_LOAD_ADDR: load_addr_o <= load_addr_o & ~mask[23:0] | wdata[23:0];
      `INI_REG_UNLOAD_ADDR: unload_addr_o <= unload_addr_o & ~mask[23:0] | wdata[23:0];
      `INI_REG_UNLOAD_LEN: begin
        unload_len_o <= unload_len_o & ~mask[23:0] | wdata[23:0];
        unload_o <= 1'b1;
      end
      `INI_REG_AGREED_WITH: agreed_with_o <= agreed_with_o & ~mask[3:0] | wdata[3:0];
      `INI_REG_FORGET: forget_o <= wdata[15:0];
      default: ;
    endcase
  endtask

endmodule
`default_nettype wire
