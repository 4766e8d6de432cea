// The saboteurs' drop mode: hides the next rising edge of armed signals, and so the pulse that it begins. Used by bench, one
// for all saboteurs (a process each would cost Verilator time at every event). Simulation only.
// An armed signal is hidden from the moment it is low, so the edge leaves no glitch; a level that stands is no edge.
`default_nettype none
module edge_dropper #(
    parameter integer GROUPS = 32  // of 27 wires
) (
    input  wire [27*GROUPS-1:0] in_i,
    input  wire [27*GROUPS-1:0] drop_i,     // a change of a bit arms its signal
    output reg  [27*GROUPS-1:0] dropped_o,  // follows drop_i when the edge has been dropped
    input  wire [GROUPS-1:0]    clear_i,    // a change shows the group's pulses that are being hidden
    output reg  [27*GROUPS-1:0] low_o,      // armed signals that have been low since, while armed to be read as false
    output reg  [27*GROUPS-1:0] swallow_o   // signals whose pulse is being swallowed, to be read as false
);
    // By group, since Icarus takes its time for a long vector
    wire [26:0]       in        [0:GROUPS-1];
    wire [26:0]       armed     [0:GROUPS-1];
    reg  [26:0]       dropped_q [0:GROUPS-1];
    reg  [26:0]       low_q     [0:GROUPS-1];
    reg  [26:0]       swallow_q [0:GROUPS-1];
    reg  [26:0]       rise;
    reg  [26:0]       left;
    reg  [GROUPS-1:0] clear_q;
    wire [GROUPS-1:0] acting;  // groups in which the state of a signal is to change
    wire              work = acting != {GROUPS{1'b0}} || clear_i != clear_q;
    reg               served_q;
    integer           group;

    genvar n;
    generate
        for (n = 0; n < GROUPS; n = n + 1) begin : groups
            assign in[n]     = in_i[27*n+:27];
            assign armed[n]  = drop_i[27*n+:27] ^ dropped_q[n];
            assign acting[n] = ((armed[n] & ~(in[n] ^ low_q[n])) | (swallow_q[n] & ~in[n])) != 27'd0;
        end
    endgenerate

    initial begin
        for (group = 0; group < GROUPS; group = group + 1) begin
            low_q[group]     = 27'd0;
            swallow_q[group] = 27'd0;
            dropped_q[group] = 27'd0;
        end
        dropped_o = {GROUPS{27'd0}};
        low_o     = {GROUPS{27'd0}};
        swallow_o = {GROUPS{27'd0}};
        clear_q   = {GROUPS{1'b0}};
        served_q  = 1'b0;
    end

    // One net to wait for, which also changes when there is still work after work has been done. In here no nets that depend
    // on the registers, but for `acting`, each bit of which is read before its group changes: Verilator may reorder the statements.
    always @(work ^ served_q) begin
        if (work) begin
            served_q = ~served_q;
            for (group = 0; group < GROUPS; group = group + 1) begin
                if (acting[group]) begin
                    left             = drop_i[27*group+:27] ^ dropped_q[group];
                    rise             = in[group] & left & low_q[group];
                    swallow_q[group] = (swallow_q[group] | rise) & in[group];
                    low_q[group]     = (low_q[group] | ~in[group]) & left & ~rise;
                    dropped_q[group] = dropped_q[group] ^ rise;
                end
                if (clear_i[group] != clear_q[group]) swallow_q[group] = 27'd0;
                dropped_o[27*group+:27] = dropped_q[group];
                low_o[27*group+:27]     = low_q[group];
                swallow_o[27*group+:27] = swallow_q[group];
            end
            clear_q = clear_i;
        end
    end
endmodule
`default_nettype wire
