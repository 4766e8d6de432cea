// All transport delays of the bench: 64 lines of 27 wires, each with its own delay, which can change at run time. Used by
// bench for the cables and the saboteurs. Simulation only.
// A line with delay 0 is a wire (late_o false: out_o is not to be used) and what was on its way is gone. A delay that begins
// keeps the level that stands. Every pulse, however short, comes out; an edge keeps the delay it started with and never
// overtakes the one before. One module for all, because each process that waits costs Verilator time at every event.
`default_nettype none
module delay_bank #(
    parameter integer LINES = 64
) (
    input  wire [27*LINES-1:0] in_i,
    input  wire [32*LINES-1:0] delay_ps_i,
    output reg  [LINES-1:0]    late_o,
    output reg  [27*LINES-1:0] out_o
);
    localparam integer DEPTH = 4096;  // edges on their way at most

    reg  [LINES-1:0]    late_q;
    // By line, since Icarus takes its time for a long vector, most of all for a net of which each slice is assigned
    wire [26:0]         now     [0:LINES-1];
    wire [31:0]         delay   [0:LINES-1];
    reg  [26:0]         in_q    [0:LINES-1];
    reg  [63:0]         last_due_q[0:LINES-1];  // when the newest edge comes out
    // Edges on their way, the soonest last
    reg  [63:0]         due_q   [0:DEPTH-1];
    reg  [26:0]         value_q [0:DEPTH-1];
    integer             line_q  [0:DEPTH-1];
    integer             count_q;
    integer             line;
    integer             at;
    integer             kept;
    reg  [63:0]         due;
    wire [LINES-1:0]    acting;  // lines whose delay begins or ends, or whose input has changed while late
    wire                work = acting != {LINES{1'b0}};
    reg                 served_q;
    reg                 kick_q;   // a change: the first edge is on its way
    reg                 alarm_q;  // a change: an edge is due
    reg                 rest_q;   // a change: it has been taken out

    genvar n;
    generate
        for (n = 0; n < LINES; n = n + 1) begin : lines
            assign now[n] = in_i[27*n+:27];
            assign delay[n] = delay_ps_i[32*n+:32];
            assign acting[n] = late_q[n] != (delay[n] != 32'd0) || (late_q[n] && now[n] != in_q[n]);
        end
    endgenerate

    initial begin
        late_o     = {LINES{1'b0}};
        late_q     = {LINES{1'b0}};
        out_o      = {LINES{27'd0}};
        for (line = 0; line < LINES; line = line + 1) begin
            in_q[line]       = 27'd0;
            last_due_q[line] = 64'd0;
        end
        count_q    = 0;
        served_q   = 1'b0;
        kick_q     = 1'b0;
        alarm_q    = 1'b0;
        rest_q     = 1'b0;
    end

    task insert;
        begin
            due = $time + {32'd0, delay[line]};
            if (due < last_due_q[line]) due = last_due_q[line];
            last_due_q[line] = due;
            if (count_q == DEPTH) begin
                $display("delay_bank: more than %0d edges on their way", DEPTH);
                $finish;
            end
            at = count_q;
            while (at > 0 && due_q[at-1] <= due) begin
                due_q[at]   = due_q[at-1];
                value_q[at] = value_q[at-1];
                line_q[at]  = line_q[at-1];
                at          = at - 1;
            end
            due_q[at]   = due;
            value_q[at] = now[line];
            line_q[at]  = line;
            count_q     = count_q + 1;
            kick_q      = ~kick_q;
            if (at == count_q - 1) disable waiter;  // sooner than what it waits for
        end
    endtask

    task forget;
        begin
            kept = 0;
            for (at = 0; at < count_q; at = at + 1) begin
                if (line_q[at] != line) begin
                    due_q[kept]   = due_q[at];
                    value_q[kept] = value_q[at];
                    line_q[kept]  = line_q[at];
                    kept          = kept + 1;
                end
            end
            if (kept != count_q) disable waiter;
            count_q = kept;
        end
    endtask

    // One net to wait for, which also changes when there is still work after work has been done.
    always @(work ^ served_q) begin
        if (work) begin
            served_q = ~served_q;
            for (line = 0; line < LINES; line = line + 1) begin
                if (!acting[line]) begin
                    // nothing to do
                end else if (delay[line] == 32'd0) begin
                    forget;
                    late_q[line] = 1'b0;
                end else if (!late_q[line]) begin
                    out_o[27*line+:27] = now[line];
                    in_q[line]         = now[line];
                    last_due_q[line]   = 64'd0;
                    late_q[line]       = 1'b1;
                end else begin
                    in_q[line] = now[line];
                    insert;
                end
            end
            late_o <= late_q;  // when out_o has come through
        end
    end

    // Takes out what is due. Apart from the process that waits, so that what follows from out_o does not count as timed.
    always @(alarm_q) begin
        while (count_q != 0 && due_q[count_q-1] <= $time) begin
            count_q                       = count_q - 1;
            out_o[27*line_q[count_q]+:27] = value_q[count_q];
        end
        rest_q = ~rest_q;
    end

    // verilator lint_off ZERODLY
    always begin : waiter
        if (count_q == 0) @(kick_q);  // cheaper than wait, which Verilator polls
        #(due_q[count_q-1] - $time);
        alarm_q = ~alarm_q;
        @(rest_q);
    end
    // verilator lint_on ZERODLY
endmodule
`default_nettype wire
