// Faults on the 27 wires between a device and the bus, one direction. Used by bench, twice a slot. Simulation only.
// The stages are, in this order: delay (delay_bank), drop one rising edge (edge_dropper), invert, stick at 0 or 1, silence.
// The registers are in bench_regs; a change of one acts in the same instant and without a glitch on the other signals.
`default_nettype none
module saboteur (
    input  wire [26:0] in_i,
    output wire [26:0] out_o,
    input  wire [26:0] delay_i,    // signals to be delayed
    input  wire        late_i,     // a delay is in force
    input  wire [26:0] delayed_i,  // in_i, late
    output wire [26:0] drop_o,     // to the edge dropper
    input  wire [26:0] hide_i,     // and what it hides
    input  wire [26:0] invert_i,
    input  wire [26:0] stick0_i,
    input  wire [26:0] stick1_i,
    input  wire        silence_i
);
    wire [26:0] late = late_i ? delay_i : 27'd0;

    // The third term holds a level that stands while a delay begins.
    assign drop_o = (in_i & ~late) | (delayed_i & late) | (in_i & delayed_i);
    assign out_o  = silence_i ? 27'd0 : ((((drop_o & ~hide_i) ^ invert_i) & ~stick0_i) | stick1_i);
endmodule
`default_nettype wire
