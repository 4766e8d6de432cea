// Clock and reset of one slot of the bench, and the gate that keeps a slot that is off away from the bus. Used by bench; the
// registers are in bench_regs. Simulation only.
`default_nettype none
module slot_ctl #(
    parameter integer CLK_PERIOD_PS = 6250
) (
    input  wire        on_i,
    input  wire [31:0] clk_ppb_i,
    input  wire [31:0] clk_phase_ps_i,
    input  wire        clk_run_i,
    input  wire        rst_ni,           // as asked for
    output wire        clk_o /*verilator public_flat_rd*/,
    output reg         rst_no /*verilator public_flat_rd*/,
    input  wire [26:0] dev_i,            // what the device asserts
    output reg  [26:0] says_o,           // the same while the slot is on
    input  wire [26:0] heard_i,          // the bus
    output wire [26:0] dev_o             // the same while the slot is on
);
    wire [26:0] says = on_i ? dev_i : 27'd0;

    assign dev_o = on_i ? heard_i : 27'd0;

    initial says_o = 27'd0;

    // Reads what it writes, so that Verilator evaluates the bus when a device says something else and not at every clock.
    always @(says) if (says_o !== says) says_o = says;

    ppm_clock #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_clock (
        .run_i(clk_run_i), .ppb_i(clk_ppb_i), .phase_ps_i(clk_phase_ps_i), .clk_o(clk_o)
    );

    initial rst_no = 1'b0;

    // Released away from the rising edge, as a reset synchroniser would see to.
    always @(negedge clk_o or negedge rst_ni) begin
        if (!rst_ni) rst_no <= 1'b0;
        else rst_no <= 1'b1;
    end
endmodule
`default_nettype wire
