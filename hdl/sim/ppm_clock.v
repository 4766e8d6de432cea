// Clock of one device: nominal period, offset in parts per billion, phase; used by slot_ctl. Simulation only.
// Edges fall on whole picoseconds; what is less is carried over, so the mean period is exact to 1e-18 s. While run_i is
// false the clock is low and costs nothing. The first rising edge comes phase_ps_i after run_i.
`default_nettype none
module ppm_clock #(
    parameter integer CLK_PERIOD_PS = 6250
) (
    input  wire        run_i,
    input  wire [31:0] ppb_i,       // signed; positive = faster
    input  wire [31:0] phase_ps_i,
    output reg         clk_o /*verilator public_flat_rd*/
);
    generate
        if (CLK_PERIOD_PS < 2 || CLK_PERIOD_PS > 1000000) begin : g_check
            clk_period_ps_must_be_2_to_1000000 u_bad ();
        end
    endgenerate

    localparam [63:0] AS_PER_PS = 64'd1000000;
    localparam [63:0] PERIOD = {32'd0, CLK_PERIOD_PS[31:0]};
    localparam [63:0] BILLION = 64'd1000000000;

    reg [63:0] half_as;   // half a period in attoseconds
    reg [63:0] whole_ps;  // its whole picoseconds
    reg [63:0] part_as;   // and what is left
    reg [63:0] carry_as;

    initial clk_o = 1'b0;

    // half a period = PERIOD * 500000 as / (1 + ppb * 1e-9)
    task set_period;
        begin
            half_as  = (PERIOD * 64'd500000 * BILLION) / (BILLION + {{32{ppb_i[31]}}, ppb_i});
            whole_ps = half_as / AS_PER_PS;
            part_as  = half_as % AS_PER_PS;
            carry_as = 64'd0;
        end
    endtask

    // verilator lint_off ZERODLY
    always begin
        clk_o = 1'b0;
        if (!run_i) @(posedge run_i);  // cheaper than wait, which Verilator polls
        set_period;
        #(phase_ps_i);
        while (run_i) begin
            clk_o    = ~clk_o;
            carry_as = carry_as + part_as;
            if (carry_as >= AS_PER_PS) begin
                carry_as = carry_as - AS_PER_PS;
                #(whole_ps + 64'd1);
            end else begin
                #(whole_ps);
            end
        end
    end
    // verilator lint_on ZERODLY
endmodule
`default_nettype wire
