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
    output wire [27*GROUPS-1:0] hide_o      // signals to be read as false
);
    reg  [27*GROUPS-1:0] low_q;      // armed signals that have been low since
    reg  [27*GROUPS-1:0] swallow_q;  // signals whose pulse is being swallowed
    reg  [27*GROUPS-1:0] rise;
    reg  [GROUPS-1:0]    clear_q;
    wire [27*GROUPS-1:0] armed = drop_i ^ dropped_o;
    wire [27*GROUPS-1:0] acting = (armed & ~(in_i ^ low_q)) | (swallow_q & ~in_i);  // signals whose state is to change
    wire                 work = acting != {GROUPS{27'd0}} || clear_i != clear_q;
    reg                  served_q;
    integer              group;

    assign hide_o = swallow_q | (armed & low_q);

    initial begin
        low_q     = {GROUPS{27'd0}};
        swallow_q = {GROUPS{27'd0}};
        dropped_o = {GROUPS{27'd0}};
        clear_q   = {GROUPS{1'b0}};
        served_q  = 1'b0;
    end

    // One net to wait for, which also changes when there is still work after work has been done. In here only registers, no
    // nets that depend on them: Verilator may reorder the statements.
    always @(work ^ served_q) begin
        if (work) begin
            served_q  = ~served_q;
            rise      = in_i & (drop_i ^ dropped_o) & low_q;
            swallow_q = (swallow_q | rise) & in_i;
            low_q     = (low_q | ~in_i) & (drop_i ^ dropped_o) & ~rise;
            dropped_o = dropped_o ^ rise;
            for (group = 0; group < GROUPS; group = group + 1) begin
                if (clear_i[group] != clear_q[group]) swallow_q[27*group+:27] = 27'd0;
            end
            clear_q   = clear_i;
        end
    end
endmodule
`default_nettype wire
