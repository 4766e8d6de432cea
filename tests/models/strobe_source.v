// Strobes as short as the receive limits allow, for scsi_strobe_in. Simulation only. Word n of a burst is {n, n} and stands from
// `setup_ps` before its strobe edge until `hold_ps` after it; the wires are something else in between.
`default_nettype none
module strobe_source #(
    parameter integer CLK_PERIOD_PS = 6250
);
    // set by the test, which then toggles go
    reg        dt;
    reg [31:0] words, high_ps, low_ps, setup_ps, hold_ps, phase_ps, ppb;
    reg        go, finished;
    // words that came, those out of order or with the wrong edge
    reg [31:0] came, wrong;

    reg        run, rst_n, open, strobe;
    reg [15:0] db;
    wire       clk, valid, fall;
    wire [15:0] word;
    wire [1:0] par;
    integer    n;

    ppm_clock #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_clk (.run_i(run), .ppb_i(ppb), .phase_ps_i(phase_ps), .clk_o(clk));
    scsi_strobe_in u_dut (
        .clk_i(clk), .rst_ni(rst_n), .strobe_i(strobe), .db_i(db), .dbp_i(db[1:0]), .open_i(open), .dt_i(dt), .hold_i(1'b0),
        .valid_o(valid), .fall_o(fall), .db_o(word), .dbp_o(par)
    );

    always @(posedge clk) if (valid) begin
        if (word !== {2{came[7:0]}} || par !== word[1:0] || fall !== (dt && came[0])) wrong = wrong + 1;
        came = came + 1;
    end

    initial begin
        {dt, words, high_ps, low_ps, setup_ps, hold_ps, phase_ps, ppb, go, finished, came, wrong} = 0;
        {run, rst_n, open, strobe, db} = 0;
        forever begin
            @(go);
            {came, wrong} = 64'd0;
            {run, open} = 2'b10;
            #20000 rst_n = 1'b1;
            for (n = 0; n < 6; n = n + 1) #(high_ps) strobe = ~strobe;
            #100000 open = 1'b1;
            #100000;
            for (n = 0; n < words; n = n + 1) begin
                if (dt) #((n[0] ? high_ps : low_ps) - hold_ps - setup_ps) db = {2{n[7:0]}};
                else #(low_ps - setup_ps) db = {2{n[7:0]}};
                #(setup_ps) strobe = ~strobe;
                #(hold_ps) db = 16'hDEAD;
                if (!dt) #(high_ps - hold_ps) strobe = 1'b0;
            end
            #100000 open = 1'b0;
            #100000 run = 1'b0;
            #20000 finished = ~finished;
        end
    end
endmodule
`default_nettype wire
