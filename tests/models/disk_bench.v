// Test top around tgt_disk: runs what the test asks for and shows what came of it. Simulation only.
//
// The test sets the request, raises go_i, waits for ended_o and lowers go_i. A command is judged; its generated data is read two
// bytes at a time, each pair one clock after its index; a parameter list goes in from params_i, byte n in bits 8n+7:8n.
`default_nettype none
`include "tgt_kinds.vh"

module disk_bench (
    input wire       go_i,
    input wire [2:0] what_i,  // see the localparams

    input wire [  3:0] initiator_i,
    input wire [  5:0] lun_i,
    input wire [ 79:0] cdb_i,
    input wire [ 31:0] lba_i,
    input wire [ 23:0] len_i,
    input wire [511:0] params_i,
    input wire         halves_i,    // each first byte comes alone first, as over 8 bit
    input wire         together_i,  // the parameter list ends with its last word, not after it

    input wire [ 3:0] key_i,  // of SENSE and DEFERRED, for initiator_i
    input wire [15:0] code_i,
    input wire        collide_i,  // sense data for sense_initiator_i arrives in every clock of a verdict
    input wire [ 3:0] sense_initiator_i,

    input wire        wide_i,
    input wire [ 7:0] period_i,
    input wire        dt_i,
    input wire        qas_i,
    input wire [31:0] blocks_i,
    input wire [12:0] block_len_i,
    input wire        wprot_i,

    output reg          ended_o,
    output reg  [  7:0] status_o,  // as decided, or after the parameter list
    output reg  [  2:0] kind_o,
    output reg  [ 23:0] bytes_o,
    output reg  [ 31:0] lba_o,
    output reg  [ 15:0] blocks_o,
    output reg          fua_o,
    output wire         cache_o,
    output reg  [511:0] data_o,
    output reg  [  7:0] clocks_o   // from decode_i to the answer
);

    localparam COMMAND = 3'd0;
    localparam MIRROR = 3'd1;
    localparam SENSE = 3'd2;
    localparam DEFERRED = 3'd3;
    localparam BUS_RESET = 3'd4;
    localparam TARGET_RESET = 3'd5;
    localparam POWER_ON = 3'd6;

    localparam HALF_PS = 3125;
    localparam GIVE_UP = 8'd200;

    reg clk, rst_n, decode, mirror, sense, deferred, bus_rst, target_reset, param_we, param_done, low_only, asked;
    reg [5:0] index;
    wire busy, fua;
    wire [2:0] kind;
    wire [7:0] status;
    wire [23:0] bytes;
    wire [31:0] lba;
    wire [15:0] blocks, data;
    integer n;

    initial begin
        {clk, decode, mirror, sense, deferred, bus_rst, target_reset, param_we, param_done, low_only, ended_o, asked} = 0;
        {status_o, kind_o, bytes_o, lba_o, blocks_o, fua_o, data_o, clocks_o, index} = 0;
        rst_n = 1'b0;
        #(4 * HALF_PS) rst_n = 1'b1;
        forever begin
            while (!go_i) tick;
            run;
            ended_o = 1'b1;
            while (go_i) tick;
            ended_o = 1'b0;
        end
    end

    // Inputs change just after the rising edge.
    task tick;
        begin
            #HALF_PS clk = 1'b0;
            #HALF_PS clk = 1'b1;
            #1;
        end
    endtask

    task run;
        begin
            asked = what_i == COMMAND || what_i == MIRROR;
            decode = what_i == COMMAND;
            mirror = what_i == MIRROR;
            sense = what_i == SENSE || what_i == DEFERRED;
            deferred = what_i == DEFERRED;
            bus_rst = what_i == BUS_RESET;
            target_reset = what_i == TARGET_RESET;
            rst_n = what_i != POWER_ON;
            tick;
            {decode, mirror, sense, deferred, bus_rst, target_reset} = 0;
            rst_n = 1'b1;
            if (asked) answer;
            tick;
        end
    endtask

    task answer;
        begin
            clocks_o = 8'd1;
            while (busy && clocks_o != GIVE_UP) begin
                sense = collide_i && clocks_o >= 8'd3 && clocks_o < 8'd12;
                tick;
                clocks_o = clocks_o + 8'd1;
            end
            sense = 1'b0;
            {kind_o, status_o, bytes_o, lba_o, blocks_o, fua_o} = {kind, status, bytes, lba, blocks, fua};
            if (kind == `TGT_KIND_GENERATED) read_data;
            if (kind == `TGT_KIND_PARAMETERS) write_parameters;
        end
    endtask

    task read_data;
        begin
            data_o = 512'd0;
            tick;
            for (n = 0; n < bytes; n = n + 2) begin
                index = n;
                tick;
                data_o[8*n+:16] = data;
            end
        end
    endtask

    task write_parameters;
        begin
            for (n = 0; n < bytes; n = n + 2) begin
                index = n;
                param_we = 1'b1;
                low_only = halves_i;
                if (halves_i) tick;
                low_only = 1'b0;
                param_done = n + 2 >= bytes && together_i;
                tick;
                param_we = 1'b0;
                if (!param_done) tick;
            end
            if (!param_done) begin
                param_done = 1'b1;
                tick;
            end
            param_done = 1'b0;
            tick;
            status_o = status;
            while (busy) tick;
        end
    endtask

    tgt_disk u_disk (
        .clk_i(clk), .rst_ni(rst_n), .bus_rst_i(bus_rst), .target_reset_i(target_reset),
        .initiator_i(initiator_i), .lun_i(lun_i), .decode_i(decode), .queued_i(1'b0), .cdb_i(cdb_i),
        .mirror_i(mirror), .mirror_read_i(1'b0), .ahead_i(1'b0), .mirror_lba_i(lba_i), .mirror_len_i(len_i), .buf_bytes_i(24'd4096),
        .sense_i(sense), .sense_initiator_i(collide_i ? sense_initiator_i : initiator_i), .sense_key_i(key_i),
        .sense_code_i(code_i), .sense_valid_i(1'b0), .sense_lba_i(32'd0), .deferred_i(deferred), .losers_set_i(1'b0), .losers_i(16'd0), .losers_reset_i(1'b0),
        .param_we_i(param_we), .param_index_i(index), .param_done_i(param_done),
        .param_data_i(low_only ? {8'd0, params_i[8*index+:8]} : params_i[8*index+:16]),
        .wide_i(wide_i), .period_i(period_i), .dt_i(dt_i), .qas_i(qas_i),
        .med_blocks_i(blocks_i), .med_block_len_i(block_len_i), .med_wprot_i(wprot_i),
        .busy_o(busy), .kind_o(kind), .status_o(status), .bytes_o(bytes), .lba_o(lba), .blocks_o(blocks),
        .fua_o(fua), .cache_o(cache_o), .index_i(index), .data_o(data)
    );

endmodule
`default_nettype wire
