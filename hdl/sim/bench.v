// The simulation bench: 16 slots round one bus (docs/architecture.md section 3). Simulation only, top module.
// Slot 0 is an initiator, 1 and 2 an initiator or a target, 3 to 13 targets, 14 and 15 a target or a Python port. Python chooses
// through the mailbox host_cmd (bench_regs.vh) and reads the nets marked public; nothing else is meant for it. The
// initiators' host sides are the module's ports.
`default_nettype none
`include "bench_ports.vh"

module bench #(
    parameter integer CLK_PERIOD_PS = 6250,
    parameter integer INITIATOR_BUF_BYTES = 16384,
    parameter integer TARGET_BUF_BYTES = 4096,
    parameter integer ENROLMENTS = 16,  // of every drive
    // Slots that hold an initiator or a target. What is left out cannot be chosen at run time, and costs Verilator nothing.
    parameter [15:0] INITIATOR_SLOTS = 16'h0007,
    parameter [15:0] TARGET_SLOTS = 16'hFFFE
) (
    `BENCH_HOST_PORTS(0),
    `BENCH_HOST_PORTS(1),
    `BENCH_HOST_PORTS(2)
);
    `include "bench_regs.vh"

    localparam integer SLOTS = 16;
    localparam integer WIRES = 27;
    localparam integer INITIATORS = 3;     // slots 0 to 2
    localparam integer FIRST_PYTHON = 14;  // slots from here on can be Python ports

    // verilator lint_off SYNCASYNCNET
    reg [`BENCH_CMD_BITS-1:0] host_cmd /*verilator public_flat_rw*/;
    // verilator lint_on SYNCASYNCNET
    initial host_cmd = 0;

    // The bus at the centre of the star, and who drives what there
    wire [26:0] bus_all /*verilator public_flat_rd*/;
    wire bus_bsy /*verilator public_flat_rd*/ = bus_all[0];
    wire bus_sel /*verilator public_flat_rd*/ = bus_all[1];
    wire bus_rst /*verilator public_flat_rd*/ = bus_all[2];
    wire bus_msg /*verilator public_flat_rd*/ = bus_all[3];
    wire bus_cd /*verilator public_flat_rd*/ = bus_all[4];
    wire bus_io /*verilator public_flat_rd*/ = bus_all[5];
    wire bus_req /*verilator public_flat_rd*/ = bus_all[6];
    wire bus_ack /*verilator public_flat_rd*/ = bus_all[7];
    wire bus_atn /*verilator public_flat_rd*/ = bus_all[8];
    wire [15:0] bus_db /*verilator public_flat_rd*/ = bus_all[24:9];
    wire [1:0] bus_dbp /*verilator public_flat_rd*/ = bus_all[26:25];
    wire [SLOTS*WIRES-1:0] drv_all /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_bsy /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_sel /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_rst /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_msg /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_cd /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_io /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_req /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_ack /*verilator public_flat_rd*/;
    wire [SLOTS-1:0] drv_atn /*verilator public_flat_rd*/;

    // Python ports
    `BENCH_PYTHON_PORT(0)
    `BENCH_PYTHON_PORT(1)

    // The initiators' host sides
    wire [12*INITIATORS-1:0] axil_awaddr;
    wire [3*INITIATORS-1:0] axil_awprot;
    wire [INITIATORS-1:0] axil_awvalid;
    wire [INITIATORS-1:0] axil_awready;
    wire [32*INITIATORS-1:0] axil_wdata;
    wire [4*INITIATORS-1:0] axil_wstrb;
    wire [INITIATORS-1:0] axil_wvalid;
    wire [INITIATORS-1:0] axil_wready;
    wire [2*INITIATORS-1:0] axil_bresp;
    wire [INITIATORS-1:0] axil_bvalid;
    wire [INITIATORS-1:0] axil_bready;
    wire [12*INITIATORS-1:0] axil_araddr;
    wire [3*INITIATORS-1:0] axil_arprot;
    wire [INITIATORS-1:0] axil_arvalid;
    wire [INITIATORS-1:0] axil_arready;
    wire [32*INITIATORS-1:0] axil_rdata;
    wire [2*INITIATORS-1:0] axil_rresp;
    wire [INITIATORS-1:0] axil_rvalid;
    wire [INITIATORS-1:0] axil_rready;
    wire [16*INITIATORS-1:0] in_tdata;
    wire [2*INITIATORS-1:0] in_tkeep;
    wire [INITIATORS-1:0] in_tvalid;
    wire [INITIATORS-1:0] in_tready;
    wire [INITIATORS-1:0] in_tlast;
    wire [16*INITIATORS-1:0] out_tdata;
    wire [2*INITIATORS-1:0] out_tkeep;
    wire [INITIATORS-1:0] out_tvalid;
    wire [INITIATORS-1:0] out_tready;
    wire [INITIATORS-1:0] out_tlast;
    wire [INITIATORS-1:0] host_clk;
    wire [INITIATORS-1:0] host_rst_n;
    wire [INITIATORS-1:0] host_irq;
    `BENCH_HOST_WIRES(0);
    `BENCH_HOST_WIRES(1);
    `BENCH_HOST_WIRES(2);

    // Registers
    wire [2*SLOTS-1:0]       kind;
    wire [32*SLOTS-1:0]      clk_ppb;
    wire [32*SLOTS-1:0]      clk_phase_ps;
    wire [SLOTS-1:0]         clk_run;
    wire [SLOTS-1:0]         rst_asked_n;
    wire [32*SLOTS-1:0]      cable_ps;
    wire [SLOTS-1:0]         tap;
    // Slot 0 has no use for its part of these; some are event and data at once.
    // verilator lint_off SYNCASYNCNET
    // verilator lint_off UNUSEDSIGNAL
    wire [26*SLOTS-1:0]      straps;
    wire [24*SLOTS-1:0]      stall_us;
    wire [24*SLOTS-1:0]      part_stall_us;
    wire [24*SLOTS-1:0]      holdoff_us;
    wire [24*SLOTS-1:0]      sel_timeout_us;
    wire [SLOTS-1:0]         med_go;
    // verilator lint_on UNUSEDSIGNAL
    wire [7:0]               med_reg;
    wire [63:0]              med_data;
    wire [2*WIRES*SLOTS-1:0] sab_invert;
    wire [2*WIRES*SLOTS-1:0] sab_stick0;
    wire [2*WIRES*SLOTS-1:0] sab_stick1;
    wire [2*WIRES*SLOTS-1:0] sab_delay;
    wire [2*32*SLOTS-1:0]    sab_delay_ps;
    wire [2*WIRES*SLOTS-1:0] sab_drop;
    wire [2*WIRES*SLOTS-1:0] sab_dropped;
    wire [2*SLOTS-1:0]       sab_clear;
    wire [2*SLOTS-1:0]       sab_silence;
    // verilator lint_on SYNCASYNCNET

    bench_regs u_regs (
        .host_cmd_i(host_cmd), .kind_o(kind), .clk_ppb_o(clk_ppb), .clk_phase_ps_o(clk_phase_ps), .clk_run_o(clk_run),
        .rst_no(rst_asked_n), .cable_ps_o(cable_ps), .tap_o(tap), .straps_o(straps), .stall_us_o(stall_us),
        .part_stall_us_o(part_stall_us), .holdoff_us_o(holdoff_us), .sel_timeout_us_o(sel_timeout_us),
        .med_go_o(med_go), .med_reg_o(med_reg), .med_data_o(med_data),
        .sab_invert_o(sab_invert), .sab_stick0_o(sab_stick0), .sab_stick1_o(sab_stick1), .sab_delay_o(sab_delay),
        .sab_delay_ps_o(sab_delay_ps), .sab_drop_o(sab_drop), .sab_clear_o(sab_clear), .sab_silence_o(sab_silence),
        .sab_dropped_i(sab_dropped)
    );

    // All delays: lines 2n and 2n + 1 are slot n's saboteurs (tx, rx), 32 more its cable (out, in)
    wire [4*SLOTS*WIRES-1:0] delay_out;
    wire [4*SLOTS-1:0]       delay_late;
    wire [4*SLOTS*32-1:0]    delay_ps;
    wire [2*SLOTS*WIRES-1:0] drop_low;
    wire [2*SLOTS*WIRES-1:0] drop_swallow;

    delay_bank #(.LINES(4 * SLOTS)) u_delays (
        .in_i({
            slot[15].cable_in, slot[14].cable_in, slot[13].cable_in, slot[12].cable_in,
            slot[11].cable_in, slot[10].cable_in, slot[9].cable_in, slot[8].cable_in,
            slot[7].cable_in, slot[6].cable_in, slot[5].cable_in, slot[4].cable_in,
            slot[3].cable_in, slot[2].cable_in, slot[1].cable_in, slot[0].cable_in,
            slot[15].fault_in, slot[14].fault_in, slot[13].fault_in, slot[12].fault_in,
            slot[11].fault_in, slot[10].fault_in, slot[9].fault_in, slot[8].fault_in,
            slot[7].fault_in, slot[6].fault_in, slot[5].fault_in, slot[4].fault_in,
            slot[3].fault_in, slot[2].fault_in, slot[1].fault_in, slot[0].fault_in
        }),
        .delay_ps_i(delay_ps), .late_o(delay_late), .out_o(delay_out)
    );
    edge_dropper #(.GROUPS(2 * SLOTS)) u_dropper (
        .in_i({
            slot[15].drop_in, slot[14].drop_in, slot[13].drop_in, slot[12].drop_in,
            slot[11].drop_in, slot[10].drop_in, slot[9].drop_in, slot[8].drop_in,
            slot[7].drop_in, slot[6].drop_in, slot[5].drop_in, slot[4].drop_in,
            slot[3].drop_in, slot[2].drop_in, slot[1].drop_in, slot[0].drop_in
        }),
        .drop_i(sab_drop), .dropped_o(sab_dropped), .clear_i(sab_clear), .low_o(drop_low), .swallow_o(drop_swallow)
    );
    // Phases and messages as text, for waves only
    bus_view u_view (.bus_i(bus_all));

    assign bus_all = slot[SLOTS-1].sum;
    assign drv_all = {
        slot[15].drv, slot[14].drv, slot[13].drv, slot[12].drv, slot[11].drv, slot[10].drv, slot[9].drv, slot[8].drv,
        slot[7].drv, slot[6].drv, slot[5].drv, slot[4].drv, slot[3].drv, slot[2].drv, slot[1].drv, slot[0].drv
    };

    assign delay_ps[2*SLOTS*32-1:0] = sab_delay_ps;

    genvar n;
    generate
        for (n = 0; n < SLOTS; n = n + 1) begin : slot
            wire        clk;
            wire        rst_n;
            wire [1:0]  mine = kind[2*n+:2];
            wire [53:0] armed /*verilator public_flat_rd*/ = sab_drop[54*n+:54] ^ sab_dropped[54*n+:54];
            wire        on = mine != `BENCH_KIND_OFF;
            wire [26:0] device_says; // what the slot's device asserts, once it has been reset
            wire [26:0] says;        // the same, or what its Python port asserts, which has no clock and no reset
            wire [26:0] to_bus;      // the same after the saboteur
            wire [26:0] drv;         // and after the cable
            wire [26:0] earlier;     // OR of the slots before
            wire [26:0] sum;         // and this one
            wire [26:0] from_bus;    // the bus after the cable
            wire [26:0] heard;       // and after the saboteur
            wire [53:0] into_cable;
            wire [53:0] droppable;
            wire [53:0] fault_in;  // to delay_bank and edge_dropper
            wire [53:0] cable_in;
            wire [53:0] drop_in;
            wire [53:0] hidden;
            wire [26:0] hears /*verilator public_flat_rd*/;
            wire [26:0] initiator_says;
            wire [26:0] target_says;
            wire [26:0] python_says;

            assign drv_bsy[n] = drv[0];
            assign drv_sel[n] = drv[1];
            assign drv_rst[n] = drv[2];
            assign drv_msg[n] = drv[3];
            assign drv_cd[n] = drv[4];
            assign drv_io[n] = drv[5];
            assign drv_req[n] = drv[6];
            assign drv_ack[n] = drv[7];
            assign drv_atn[n] = drv[8];
            if (n == 0) begin : g_first
                assign earlier = 27'd0;
            end else begin : g_next
                assign earlier = slot[n-1].sum;
            end

            assign says = device_says | python_says;

            // Wide vectors are slow to change: idle slots keep away from them.
            assign delay_ps[32*(2*SLOTS+2*n)+:64] = {2{cable_ps[32*n+:32]}};
            assign fault_in = tap[n] ? {from_bus, says} : 54'd0;
            assign cable_in = tap[n] ? into_cable : 54'd0;
            assign drop_in  = tap[n] ? droppable : 54'd0;
            assign hidden   = drop_swallow[54*n+:54] | (armed & drop_low[54*n+:54]);

            bus_port cable (
                .listen_i(on), .dev_i(to_bus), .dev_o(from_bus), .others_i(earlier), .sum_o(sum), .drv_o(drv), .bus_i(bus_all),
                .into_o(into_cable), .late_i(delay_late[2*(SLOTS+n)+:2]), .delayed_i(delay_out[54*(SLOTS+n)+:54])
            );
            slot_ctl #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) ctl (
                .on_i(on), .clk_ppb_i(clk_ppb[32*n+:32]), .clk_phase_ps_i(clk_phase_ps[32*n+:32]),
                .clk_run_i(clk_run[n]), .rst_ni(rst_asked_n[n]), .clk_o(clk), .rst_no(rst_n),
                .dev_i(initiator_says | target_says), .says_o(device_says), .heard_i(heard), .dev_o(hears)
            );
            saboteur tx (
                .in_i(says), .out_o(to_bus),
                .delay_i(sab_delay[54*n+:WIRES]), .late_i(delay_late[2*n]), .delayed_i(delay_out[54*n+:WIRES]),
                .drop_o(droppable[26:0]), .hide_i(hidden[26:0]), .invert_i(sab_invert[54*n+:WIRES]),
                .stick0_i(sab_stick0[54*n+:WIRES]), .stick1_i(sab_stick1[54*n+:WIRES]), .silence_i(sab_silence[2*n])
            );
            saboteur rx (
                .in_i(from_bus), .out_o(heard),
                .delay_i(sab_delay[54*n+27+:WIRES]), .late_i(delay_late[2*n+1]), .delayed_i(delay_out[54*n+27+:WIRES]),
                .drop_o(droppable[53:27]), .hide_i(hidden[53:27]),
                .invert_i(sab_invert[54*n+27+:WIRES]), .stick0_i(sab_stick0[54*n+27+:WIRES]),
                .stick1_i(sab_stick1[54*n+27+:WIRES]), .silence_i(sab_silence[2*n+1])
            );

            if (INITIATOR_SLOTS[n] && n < INITIATORS) begin : g_initiator
                // A slot that is something else now has its initiator stopped, in reset and deaf. A device in reset drives
                // nothing, also before its first clock.
                wire        active = mine == `BENCH_KIND_INITIATOR;
                wire [26:0] hears_on = active ? hears : 27'd0;
                wire [26:0] asserts;

                assign host_clk[n]    = clk && active;
                assign host_rst_n[n]  = rst_n && active;
                assign initiator_says = host_rst_n[n] ? asserts : 27'd0;

                scsi_initiator #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .BUF_BYTES(INITIATOR_BUF_BYTES)) u_initiator (
                    .clk_i(host_clk[n]), .rst_ni(host_rst_n[n]),
                    .scsi_bsy_i(hears_on[0]), .scsi_bsy_o(asserts[0]),
                    .scsi_sel_i(hears_on[1]), .scsi_sel_o(asserts[1]),
                    .scsi_rst_i(hears_on[2]), .scsi_rst_o(asserts[2]),
                    .scsi_msg_i(hears_on[3]), .scsi_msg_o(asserts[3]),
                    .scsi_cd_i(hears_on[4]), .scsi_cd_o(asserts[4]),
                    .scsi_io_i(hears_on[5]), .scsi_io_o(asserts[5]),
                    .scsi_req_i(hears_on[6]), .scsi_req_o(asserts[6]),
                    .scsi_ack_i(hears_on[7]), .scsi_ack_o(asserts[7]),
                    .scsi_atn_i(hears_on[8]), .scsi_atn_o(asserts[8]),
                    .scsi_db_i(hears_on[24:9]), .scsi_db_o(asserts[24:9]),
                    .scsi_dbp_i(hears_on[26:25]), .scsi_dbp_o(asserts[26:25]),
                    .s_axil_awaddr(axil_awaddr[12*n+:12]),
                    .s_axil_awprot(axil_awprot[3*n+:3]),
                    .s_axil_awvalid(axil_awvalid[n]),
                    .s_axil_awready(axil_awready[n]),
                    .s_axil_wdata(axil_wdata[32*n+:32]),
                    .s_axil_wstrb(axil_wstrb[4*n+:4]),
                    .s_axil_wvalid(axil_wvalid[n]),
                    .s_axil_wready(axil_wready[n]),
                    .s_axil_bresp(axil_bresp[2*n+:2]),
                    .s_axil_bvalid(axil_bvalid[n]),
                    .s_axil_bready(axil_bready[n]),
                    .s_axil_araddr(axil_araddr[12*n+:12]),
                    .s_axil_arprot(axil_arprot[3*n+:3]),
                    .s_axil_arvalid(axil_arvalid[n]),
                    .s_axil_arready(axil_arready[n]),
                    .s_axil_rdata(axil_rdata[32*n+:32]),
                    .s_axil_rresp(axil_rresp[2*n+:2]),
                    .s_axil_rvalid(axil_rvalid[n]),
                    .s_axil_rready(axil_rready[n]),
                    .s_axis_tdata(in_tdata[16*n+:16]),
                    .s_axis_tkeep(in_tkeep[2*n+:2]),
                    .s_axis_tvalid(in_tvalid[n]),
                    .s_axis_tready(in_tready[n]),
                    .s_axis_tlast(in_tlast[n]),
                    .m_axis_tdata(out_tdata[16*n+:16]),
                    .m_axis_tkeep(out_tkeep[2*n+:2]),
                    .m_axis_tvalid(out_tvalid[n]),
                    .m_axis_tready(out_tready[n]),
                    .m_axis_tlast(out_tlast[n]),
                    .irq_o(host_irq[n])
                );
            end else begin : g_no_initiator
                assign initiator_says = 27'd0;
            end

            if (TARGET_SLOTS[n]) begin : g_target
                wire        active = mine == `BENCH_KIND_TARGET;
                wire        target_clk = clk && active;
                wire        target_rst_n = rst_n && active;
                wire [26:0] hears_on = active ? hears : 27'd0;
                wire [26:0] asserts;
                wire        med_start;
                wire        med_write;
                wire [31:0] med_lba;
                wire        med_wvalid;
                wire [15:0] med_wdata;
                wire        med_wready;
                wire        med_rvalid;
                wire [15:0] med_rdata;
                wire        med_rready;
                wire        med_done;
                wire        med_error;
                wire [31:0] med_blocks;
                wire [12:0] med_block_len;
                wire        med_wprot;

                assign target_says = target_rst_n ? asserts : 27'd0;

                scsi_target #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .BUF_BYTES(TARGET_BUF_BYTES), .ENROLMENTS(ENROLMENTS)) u_target (
                    .clk_i(target_clk), .rst_ni(target_rst_n),
                    .scsi_bsy_i(hears_on[0]), .scsi_bsy_o(asserts[0]),
                    .scsi_sel_i(hears_on[1]), .scsi_sel_o(asserts[1]),
                    .scsi_rst_i(hears_on[2]), .scsi_rst_o(asserts[2]),
                    .scsi_msg_i(hears_on[3]), .scsi_msg_o(asserts[3]),
                    .scsi_cd_i(hears_on[4]), .scsi_cd_o(asserts[4]),
                    .scsi_io_i(hears_on[5]), .scsi_io_o(asserts[5]),
                    .scsi_req_i(hears_on[6]), .scsi_req_o(asserts[6]),
                    .scsi_ack_i(hears_on[7]), .scsi_ack_o(asserts[7]),
                    .scsi_atn_i(hears_on[8]), .scsi_atn_o(asserts[8]),
                    .scsi_db_i(hears_on[24:9]), .scsi_db_o(asserts[24:9]),
                    .scsi_dbp_i(hears_on[26:25]), .scsi_dbp_o(asserts[26:25]),
                    .med_start_o(med_start), .med_write_o(med_write), .med_lba_o(med_lba),
                    .med_wvalid_o(med_wvalid), .med_wdata_o(med_wdata), .med_wready_i(med_wready),
                    .med_rvalid_i(med_rvalid), .med_rdata_i(med_rdata), .med_rready_o(med_rready),
                    .med_done_i(med_done), .med_error_i(med_error),
                    .med_blocks_i(med_blocks), .med_block_len_i(med_block_len), .med_wprot_i(med_wprot),
                    .cfg_id_i(straps[26*n+:4]), .cfg_wide_i(straps[26*n+4]), .cfg_mirror_i(straps[26*n+5]),
                    .cfg_period_i(straps[26*n+6+:8]), .cfg_offset_i(straps[26*n+14+:7]), .cfg_dt_i(straps[26*n+21]),
                    .cfg_qas_i(straps[26*n+22]), .cfg_fair_i(straps[26*n+23]),
                    .cfg_mirror_ext_i(straps[26*n+24+:2]),
                    .cfg_stall_us_i(stall_us[24*n+:24]), .cfg_part_stall_us_i(part_stall_us[24*n+:24]),
                    .cfg_holdoff_us_i(holdoff_us[24*n+:24]), .cfg_sel_timeout_us_i(sel_timeout_us[24*n+:24])
                );
                file_medium #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) disk (
                    .clk_i(target_clk), .rst_ni(target_rst_n),
                    .go_i(med_go[n]), .reg_i(med_reg), .data_i(med_data),
                    .med_start_i(med_start), .med_write_i(med_write), .med_lba_i(med_lba),
                    .med_wvalid_i(med_wvalid), .med_wdata_i(med_wdata), .med_wready_o(med_wready),
                    .med_rvalid_o(med_rvalid), .med_rdata_o(med_rdata), .med_rready_i(med_rready),
                    .med_done_o(med_done), .med_error_o(med_error),
                    .med_blocks_o(med_blocks), .med_block_len_o(med_block_len), .med_wprot_o(med_wprot)
                );
            end else begin : g_no_target
                assign target_says = 27'd0;
            end

            if (n >= FIRST_PYTHON) begin : g_python
                wire active = mine == `BENCH_KIND_PYTHON;
                if (n == FIRST_PYTHON) begin : g_0
                    assign python_says = active ? py0_says : 27'd0;
                    assign py0_heard   = active ? hears : 27'd0;
                end else begin : g_1
                    assign python_says = active ? py1_says : 27'd0;
                    assign py1_heard   = active ? hears : 27'd0;
                end
            end else begin : g_no_python
                assign python_says = 27'd0;
            end
        end
    endgenerate
endmodule
`default_nettype wire
