// A device that is nothing but its arbitration side: asks for the bus as often as told, keeps a won connection for a while as target
// and then frees the bus or sends QAS REQUEST; as initiator it acknowledges what comes. Used by arbiter_ports. Simulation only.
`default_nettype none
`include "scsi_timing.vh"
module contender #(
    parameter CLK_PERIOD_PS = 6250
) (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire [26:0] bus_i,
    output wire [26:0] says_o,
    input  wire [3:0]  id_i,
    input  wire [3:0]  peer_id_i,
    input  wire        reselect_i,   // asks to reselect, else to select
    input  wire        qas_i,        // has agreed on QAS
    input  wire        fair_i,
    input  wire        sel_reset_i,
    input  wire        ends_by_qas_i,
    input  wire [7:0]  asked_i,      // how often the bus has been asked for in all
    output reg  [7:0]  won_o,        // and how often it was won
    output reg  [7:0]  met_o         // connections that have come about, whoever began
);
    localparam KEEP_TICKS = 40;      // a connection's length
    localparam SETUP_TICKS = `SCSI_TICKS(60);
    localparam TURN_TICKS = `SCSI_TICKS(`SCSI_DATA_TURNAROUND_NS);
    localparam OFFER_TICKS = 2 * `SCSI_TICKS(`SCSI_QAS_ARBITRATION_NS);

    localparam IDLE = 3'd0;   // no connection as target
    localparam KEEP = 3'd1;   // BSY only
    localparam PHASE = 3'd2;  // MESSAGE IN, lines settling
    localparam SETUP = 3'd3;  // 55h on DB
    localparam SEND = 3'd4;   // REQ
    localparam ENDED = 3'd5;  // ACK is to be negated
    localparam OFFER = 3'd6;  // QAS: until SEL, or given up

    reg [2:0]  state_q;
    reg [9:0]  count_q;
    reg        initiator_q, ack_q, sel_q, bsy_q, lines_q, req_q, data_q, rst_q;
    reg [3:0]  ack_count_q;
    reg [12:0] rst_count_q;

    wire bsy, sel, rst, req, ack, atn, free, may_arb, open, join_now, look, decide, clear;
    wire [2:0] phase;
    wire [15:0] db, arb_db;
    wire [1:0] dbp, arb_dbp;
    wire arb_busy, won, lost, done, timed_out, arb_reset, arb_bsy, arb_sel, arb_io, arb_atn;
    wire selected, selected_bsy, reselected, reselected_bsy;

    assign says_o[8:0] = {arb_atn, ack_q, req_q, lines_q | arb_io, lines_q, lines_q, rst_q, arb_sel,
                          arb_bsy | selected_bsy | reselected_bsy | bsy_q};
    assign says_o[24:9] = arb_db | (data_q ? 16'h0055 : 16'h0000);
    assign says_o[26:25] = arb_dbp | {1'b0, data_q};

    scsi_sync #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_sync (
        .clk_i(clk_i), .rst_ni(rst_ni), .scsi_bsy_i(bus_i[0]), .scsi_sel_i(bus_i[1]), .scsi_rst_i(bus_i[2]),
        .scsi_msg_i(bus_i[3]), .scsi_cd_i(bus_i[4]), .scsi_io_i(bus_i[5]), .scsi_req_i(bus_i[6]), .scsi_ack_i(bus_i[7]),
        .scsi_atn_i(bus_i[8]), .scsi_db_i(bus_i[24:9]), .scsi_dbp_i(bus_i[26:25]),
        .bsy_o(bsy), .sel_o(sel), .rst_o(rst), .phase_o(phase), .req_o(req), .ack_o(ack), .atn_o(atn), .db_o(db), .dbp_o(dbp)
    );
    scsi_bus_free #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_bus_free (
        .clk_i(clk_i), .rst_ni(rst_ni), .bsy_i(bsy), .sel_i(sel), .free_o(free), .may_arb_o(may_arb)
    );
    scsi_qas #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_qas (
        .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(qas_i), .bsy_i(bsy), .sel_i(sel), .phase_i(phase),
        .req_i(req), .ack_i(ack), .atn_i(atn), .db_i(db[7:0]), .dbp_i(dbp[0]),
        .open_o(open), .join_o(join_now), .look_o(look), .decide_o(decide)
    );
    scsi_fairness #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_fairness (
        .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(qas_i || fair_i), .bsy_i(bsy), .sel_i(sel), .db_i(db),
        .free_i(free), .look_i(look), .own_id_i(id_i), .clear_o(clear)
    );
    scsi_arbiter #(.CLK_PERIOD_PS(CLK_PERIOD_PS)) u_arbiter (
        .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .bsy_i(bsy), .sel_i(sel), .db_i(db), .may_arb_i(may_arb),
        .qas_open_i(open), .qas_join_i(join_now), .qas_decide_i(decide), .clear_i(clear), .cfg_fair_i(fair_i),
        .sel_reset_i(sel_reset_i), .start_i(asked_i != won_o), .reselect_i(reselect_i), .atn_i(!reselect_i),
        .own_id_i(id_i), .peer_id_i(peer_id_i), .sel_timeout_us_i(24'd20),
        .busy_o(arb_busy), .won_o(won), .lost_o(lost), .done_o(done), .timeout_o(timed_out), .reset_o(arb_reset),
        .drv_bsy_o(arb_bsy), .drv_sel_o(arb_sel), .drv_io_o(arb_io), .drv_atn_o(arb_atn), .drv_db_o(arb_db),
        .drv_dbp_o(arb_dbp)
    );
    scsi_responder #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .WANT_IO(0)) u_as_target (
        .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(!arb_busy), .bsy_i(bsy), .sel_i(sel), .io_i(phase[0]),
        .atn_i(atn), .db_i(db), .dbp_i(dbp), .own_id_i(id_i), .busy_o(), .selected_o(selected), .peer_id_o(), .atn_o(),
        .drv_bsy_o(selected_bsy)
    );
    scsi_responder #(.CLK_PERIOD_PS(CLK_PERIOD_PS), .WANT_IO(1)) u_as_initiator (
        .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(rst), .enable_i(!arb_busy), .bsy_i(bsy), .sel_i(sel), .io_i(phase[0]),
        .atn_i(atn), .db_i(db), .dbp_i(dbp), .own_id_i(id_i), .busy_o(), .selected_o(reselected), .peer_id_o(), .atn_o(),
        .drv_bsy_o(reselected_bsy)
    );

    // How often, and RST at a time-out
    always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
            {won_o, met_o} <= 16'd0;
            rst_q <= 1'b0;
            rst_count_q <= 13'd0;
        end else begin
            if (won) won_o <= won_o + 8'd1;
            if (done || selected || reselected) met_o <= met_o + 8'd1;
            if (arb_reset) rst_count_q <= `SCSI_TICKS(`SCSI_RESET_HOLD_NS);
            else if (rst_count_q != 13'd0) rst_count_q <= rst_count_q - 13'd1;
            rst_q <= rst_count_q != 13'd0;
        end
    end

    // As initiator, from its connection's begin to BUS FREE or the next one's SEL
    always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni || rst) begin
            {initiator_q, ack_q, sel_q} <= 3'd0;
            ack_count_q <= 4'd0;
        end else begin
            sel_q <= sel;
            if (reselected || (done && !reselect_i)) initiator_q <= 1'b1;
            else if (free || (sel && !sel_q)) initiator_q <= 1'b0;
            ack_count_q <= !initiator_q || req == ack_q ? 4'd0 : ack_count_q + 4'd1;
            if (!initiator_q) ack_q <= 1'b0;
            else if (ack_count_q == SETUP_TICKS) ack_q <= req;
        end
    end

    // As target
    always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni || rst) begin
            state_q <= IDLE;
            count_q <= 10'd0;
            {bsy_q, lines_q, req_q, data_q} <= 4'd0;
        end else begin
            count_q <= count_q + 10'd1;
            case (state_q)
                IDLE:
                if (selected || (done && reselect_i)) begin
                    bsy_q <= 1'b1;
                    count_q <= 10'd0;
                    state_q <= KEEP;
                end
                KEEP:
                if (count_q == KEEP_TICKS) begin
                    bsy_q <= ends_by_qas_i;
                    lines_q <= ends_by_qas_i;
                    count_q <= 10'd0;
                    state_q <= ends_by_qas_i ? PHASE : IDLE;
                end
                PHASE:
                if (count_q == TURN_TICKS) begin
                    data_q <= 1'b1;
                    count_q <= 10'd0;
                    state_q <= SETUP;
                end
                SETUP:
                if (count_q == SETUP_TICKS) begin
                    req_q <= 1'b1;
                    state_q <= SEND;
                end
                SEND:
                if (ack) begin
                    {req_q, data_q} <= 2'd0;
                    state_q <= ENDED;
                end
                ENDED:
                if (!ack) begin
                    lines_q <= 1'b0;
                    count_q <= 10'd0;
                    state_q <= OFFER;
                end
                default:  // OFFER
                if (sel || count_q == OFFER_TICKS) begin
                    bsy_q <= 1'b0;
                    state_q <= IDLE;
                end
            endcase
        end
    end
endmodule
`default_nettype wire
