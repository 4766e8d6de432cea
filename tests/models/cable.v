// Transport delay of the 27 bus wires: every change comes out delay_ps_i later, in order. Used by python_ports.
// Simulation only. The delay may be changed while nothing is on its way.
`default_nettype none
module cable (
    input  wire [31:0] delay_ps_i,
    input  wire [26:0] in_i,
    output reg  [26:0] out_o
);
    reg [26:0] value_q [0:255];
    reg [63:0] due_q   [0:255];
    reg [7:0]  put_q;
    reg [7:0]  get_q;

    initial begin
        out_o = 27'd0;
        put_q = 8'd0;
        get_q = 8'd0;
    end

    always @(in_i) begin
        value_q[put_q] = in_i;
        due_q[put_q]   = $time + {32'd0, delay_ps_i};
        put_q          = put_q + 8'd1;
    end

    always begin
        wait (put_q != get_q);
        if (due_q[get_q] > $time) #(due_q[get_q] - $time);
        out_o = value_q[get_q];
        get_q = get_q + 8'd1;
    end
endmodule
`default_nettype wire
