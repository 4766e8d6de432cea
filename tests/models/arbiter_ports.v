// Test top with the arbitration sides of 14 RTL devices and two Python ports on one wired-OR bus, no cable delay. Simulation only.
// The test sets what each device is and asks for, then lets its clock run; vectors hold device 0 lowest.
`default_nettype none
`include "python_port.vh"
module arbiter_ports;
    localparam DEVICES = 14;

    reg [DEVICES-1:0]    run, rst_n, reselect, qas, fair, sel_reset, ends_by_qas;
    reg [32*DEVICES-1:0] ppb, phase_ps;
    reg [4*DEVICES-1:0]  id, peer_id;
    reg [8*DEVICES-1:0]  asked;
    reg [27*DEVICES-1:0] flip;  // wires that a device sees inverted
    wire [8*DEVICES-1:0] won, met;
    wire [26:0] bus_all;
    wire [16*27-1:0] drv_all;
    wire bus_bsy = bus_all[0];
    wire bus_sel = bus_all[1];

    initial begin
        {run, rst_n, reselect, qas, fair, sel_reset, ends_by_qas} = 0;
        {ppb, phase_ps, id, peer_id, asked, flip} = 0;
    end

    `PYTHON_PORT(0);
    `PYTHON_PORT(1);
    assign drv_all[27*14+:54] = {py1_says, py0_says};
    assign bus_all = device[DEVICES-1].sum | py0_says | py1_says;

    genvar n;
    generate
        for (n = 0; n < DEVICES; n = n + 1) begin : device
            wire clk;
            wire [26:0] says, sum;
            assign drv_all[27*n+:27] = rst_n[n] ? says : 27'd0;
            if (n == 0) begin : g_first
                assign sum = drv_all[26:0];
            end else begin : g_next
                assign sum = device[n-1].sum | drv_all[27*n+:27];
            end
            ppm_clock u_clock (
                .run_i(run[n]), .ppb_i(ppb[32*n+:32]), .phase_ps_i(phase_ps[32*n+:32]), .clk_o(clk)
            );
            contender u_contender (
                .clk_i(clk), .rst_ni(rst_n[n]), .bus_i(bus_all ^ flip[27*n+:27]), .says_o(says), .id_i(id[4*n+:4]),
                .peer_id_i(peer_id[4*n+:4]), .reselect_i(reselect[n]), .qas_i(qas[n]), .fair_i(fair[n]),
                .sel_reset_i(sel_reset[n]), .ends_by_qas_i(ends_by_qas[n]), .asked_i(asked[8*n+:8]),
                .won_o(won[8*n+:8]), .met_o(met[8*n+:8])
            );
        end
    endgenerate
endmodule
`default_nettype wire
