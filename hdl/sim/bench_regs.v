// Control registers of the bench, written by Python through the mailbox host_cmd (bench_regs.vh). Used by bench. Simulation
// only. One process serves all slots: a process a slot would cost Verilator at every event of the whole simulation.
// Vectors hold slot 0 lowest; a saboteur's number is 2 * slot for tx and one more for rx.
`default_nettype none
module bench_regs (
    // The mailbox is event and data at once.
    // verilator lint_off SYNCASYNCNET
    input  wire [76:0]       host_cmd_i,
    // verilator lint_on SYNCASYNCNET
    output reg  [16*2-1:0]   kind_o,
    output reg  [16*32-1:0]  clk_ppb_o,
    output reg  [16*32-1:0]  clk_phase_ps_o,
    output reg  [15:0]       clk_run_o,
    output reg  [15:0]       rst_no,
    output reg  [16*32-1:0]  cable_ps_o,
    output reg  [15:0]       tap_o,             // the slot is connected to delay_bank and edge_dropper
    output reg  [16*26-1:0]  straps_o,          // see bench_regs.vh
    output reg  [16*24-1:0]  stall_us_o,
    output reg  [16*24-1:0]  part_stall_us_o,
    output reg  [16*24-1:0]  holdoff_us_o,
    output reg  [16*24-1:0]  sel_timeout_us_o,
    output reg  [15:0]       med_go_o,          // a change tells the slot's medium of a command in med_reg_o, med_data_o
    output wire [7:0]        med_reg_o,
    output wire [63:0]       med_data_o,
    output reg  [32*27-1:0]  sab_invert_o,
    output reg  [32*27-1:0]  sab_stick0_o,
    output reg  [32*27-1:0]  sab_stick1_o,
    output reg  [32*27-1:0]  sab_delay_o,
    output reg  [32*32-1:0]  sab_delay_ps_o,
    output reg  [32*27-1:0]  sab_drop_o,        // a change of a bit arms the drop of its signal's next rising edge
    output reg  [31:0]       sab_clear_o,       // a change ends a drop that is under way
    output reg  [31:0]       sab_silence_o,
    input  wire [32*27-1:0]  sab_dropped_i      // follows sab_drop_o when an edge has been dropped
);
    `include "bench_regs.vh"

    wire        go = host_cmd_i[`BENCH_CMD_GO];
    wire [3:0]  slot = host_cmd_i[`BENCH_CMD_SLOT];
    wire [7:0]  number = host_cmd_i[`BENCH_CMD_REG];
    wire [63:0] data = host_cmd_i[`BENCH_CMD_DATA];
    wire [4:0]  sab = {slot, number[4]};  // banks 2 and 3

    assign med_reg_o  = number;
    assign med_data_o = data;

    initial begin
        kind_o           = 0;
        clk_ppb_o        = 0;
        clk_phase_ps_o   = 0;
        clk_run_o        = 16'd0;
        cable_ps_o       = 0;
        tap_o            = 16'd0;
        straps_o         = 0;
        stall_us_o       = 0;
        part_stall_us_o  = 0;
        holdoff_us_o     = 0;
        sel_timeout_us_o = 0;
        med_go_o         = 16'd0;
        sab_invert_o     = 0;
        sab_stick0_o     = 0;
        sab_stick1_o     = 0;
        sab_delay_o      = 0;
        sab_delay_ps_o   = 0;
        sab_drop_o       = 0;
        sab_clear_o      = 32'd0;
        sab_silence_o    = 32'd0;
        rst_no           = 16'd0;
    end

    task clear_saboteur;
        begin
            sab_invert_o[27*sab+:27]   = 27'd0;
            sab_stick0_o[27*sab+:27]   = 27'd0;
            sab_stick1_o[27*sab+:27]   = 27'd0;
            sab_delay_o[27*sab+:27]    = 27'd0;
            sab_delay_ps_o[32*sab+:32] = 32'd0;
            sab_drop_o[27*sab+:27]     = sab_dropped_i[27*sab+:27];
            sab_silence_o[sab]         = 1'b0;
            sab_clear_o[sab]           = ~sab_clear_o[sab];
        end
    endtask

    task write_saboteur;
        begin
            case (number[3:0])
                `BENCH_SAB_INVERT:  sab_invert_o[27*sab+:27] = data[26:0];
                `BENCH_SAB_STICK0:  sab_stick0_o[27*sab+:27] = data[26:0];
                `BENCH_SAB_STICK1:  sab_stick1_o[27*sab+:27] = data[26:0];
                `BENCH_SAB_DELAY: begin
                    sab_delay_ps_o[32*sab+:32] = data[63:32];
                    sab_delay_o[27*sab+:27]    = data[26:0];
                end
                // Bits that are armed already stay so.
                `BENCH_SAB_DROP:    sab_drop_o[27*sab+:27] = (sab_drop_o[27*sab+:27] & ~data[26:0])
                                                           | (~sab_dropped_i[27*sab+:27] & data[26:0]);
                `BENCH_SAB_SILENCE: sab_silence_o[sab] = data[0];
                default:            clear_saboteur;
            endcase
        end
    endtask

    task write_slot;
        begin
            case (number)
                `BENCH_REG_KIND:           kind_o[2*slot+:2] = data[1:0];
                `BENCH_REG_CLK_PPB:        clk_ppb_o[32*slot+:32] = data[31:0];
                `BENCH_REG_CLK_PHASE_PS:   clk_phase_ps_o[32*slot+:32] = data[31:0];
                `BENCH_REG_CLK_RUN:        clk_run_o[slot] = data[0];
                `BENCH_REG_RESET_N:        rst_no[slot] = data[0];
                `BENCH_REG_CABLE_PS:       cable_ps_o[32*slot+:32] = data[31:0];
                `BENCH_REG_TAP:            tap_o[slot] = data[0];
                `BENCH_REG_STRAPS:         straps_o[26*slot+:26] = data[25:0];
                `BENCH_REG_STALL_US:       stall_us_o[24*slot+:24] = data[23:0];
                `BENCH_REG_PART_STALL_US:  part_stall_us_o[24*slot+:24] = data[23:0];
                `BENCH_REG_HOLDOFF_US:     holdoff_us_o[24*slot+:24] = data[23:0];
                `BENCH_REG_SEL_TIMEOUT_US: sel_timeout_us_o[24*slot+:24] = data[23:0];
                default:                   med_go_o[slot] = ~med_go_o[slot];
            endcase
        end
    endtask

    always @(go) begin
        if (number[7:5] == 3'd1) write_saboteur;
        else write_slot;
    end
endmodule
`default_nettype wire
