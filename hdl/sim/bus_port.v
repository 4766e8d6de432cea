// One port of the bus: the cable between a device and the centre of the star, where all 16 are wired-OR. Used by bench, one a
// slot; the ports form a chain that makes the OR. Simulation only.
// The cable delays what the device asserts on its way to the centre, and the bus on its way back (made by delay_bank).
`default_nettype none
module bus_port (
    input  wire        listen_i,      // false: the device's end reads 0
    input  wire [26:0] dev_i,         // what the device asserts, at its end
    output wire [26:0] dev_o,         // the bus, at its end
    input  wire [26:0] others_i,      // OR of the ports before this one
    output wire [26:0] sum_o,         // and with this one
    output wire [26:0] drv_o,         // what the device asserts, at the centre
    input  wire [26:0] bus_i,         // the centre
    // delay: out low, in high
    output wire [53:0] into_o,
    input  wire [1:0]  late_i,
    input  wire [53:0] delayed_i
);
    wire [26:0] heard = listen_i ? bus_i : 27'd0;

    assign into_o = {heard, dev_i};
    assign drv_o  = late_i[0] ? delayed_i[26:0] : dev_i;
    assign dev_o  = late_i[1] ? delayed_i[53:27] : heard;
    assign sum_o  = others_i | drv_o;
endmodule
`default_nettype wire
