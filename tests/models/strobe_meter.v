// Measures the strobes that one device sends, at its own pins: how many, how far apart, how data and P_CRCA stand around them. Used by
// strobe_pair. Simulation only. Shortest times in ps, `NEVER` where there was nothing to measure.
`default_nettype none
module strobe_meter #(
    parameter [63:0] NEVER = 64'hFFFFFFFF
) (
    input wire        clear_i,   // rising: begin again
    input wire        dt_i,
    input wire        strobe_i,
    input wire [17:0] data_i,    // what the device drives, P_CRCA apart
    input wire        crca_i,
    input wire        answer_i   // the other device's strobe, as it arrives here
);
    localparam integer LOGGED = 64;

    reg [31:0] sent;        // strobes: assertions, in DT transitions
    reg [19*LOGGED-1:0] words;  // {P_CRCA, DBP, DB} with the first of them, lowest first
    reg [31:0] answered;
    reg [31:0] ahead;       // most strobes ahead of the answers
    reg [63:0] high_ps;
    reg [63:0] low_ps;
    reg [63:0] period_ps;   // between strobes
    reg [63:0] setup_ps;
    reg [63:0] hold_ps;
    reg [63:0] crca_setup_ps;
    reg [63:0] crca_hold_ps;
    reg [63:0] crca_edge_ps;  // from edge to edge, P_CRCA moving between them
    reg [63:0] first_ps;    // time of the first and last strobe, and of the last negation
    reg [63:0] last_ps;
    reg [63:0] fall_ps;
    reg [63:0] edge_at;
    reg [63:0] rise_at;
    reg [63:0] data_at;
    reg [63:0] crca_at;
    reg        crca_moved;
    reg        data_moved;

    task less;
        input [63:0] value;
        inout [63:0] least;
        if (value < least) least = value;
    endtask

    task strobe;
        begin
            if (sent == 0) first_ps = $time;
            else begin
                less($time - last_ps, period_ps);
                if (crca_moved) less($time - last_ps, crca_edge_ps);
            end
            if (crca_at != 0) less($time - crca_at, crca_setup_ps);
            less($time - data_at, setup_ps);
            if (sent < LOGGED) words[19*sent+:19] = {crca_i, data_i};
            last_ps = $time;
            crca_moved = 1'b0;
            data_moved = 1'b0;
            sent = sent + 1;
            if (sent - answered > ahead) ahead = sent - answered;
        end
    endtask

    initial begin
        restart;
        data_at = 0;
    end

    task restart;
        begin
            {sent, answered, ahead} = 96'd0;
            words = {19*LOGGED{1'b0}};
            {high_ps, low_ps, period_ps, setup_ps, hold_ps} = {5{NEVER}};
            {crca_setup_ps, crca_hold_ps, crca_edge_ps} = {3{NEVER}};
            {first_ps, last_ps, fall_ps, edge_at, rise_at, crca_at} = 384'd0;
            crca_moved = 1'b0;
            data_moved = 1'b0;
        end
    endtask

    always @(posedge clear_i) restart;

    always @(strobe_i) if (!clear_i) begin
        if (edge_at != 0) begin
            if (strobe_i) less($time - edge_at, low_ps);
            else less($time - edge_at, high_ps);
        end
        edge_at = $time;
        if (!strobe_i) fall_ps = $time;
        if (strobe_i || dt_i) strobe;
    end

    always @(answer_i) if (!clear_i && (answer_i || dt_i)) answered = answered + 1;

    always @(data_i) if (!clear_i) begin
        if (sent != 0 && !data_moved) less($time - last_ps, hold_ps);
        data_moved = 1'b1;
        data_at = $time;
    end

    always @(crca_i) if (!clear_i) begin
        if (sent != 0) less($time - last_ps, crca_hold_ps);
        crca_moved = sent != 0;
        crca_at = $time;
    end
endmodule
`default_nettype wire
