// A target's medium kept in a real file: serves the medium port of docs/architecture.md section 2, block by block.
// Used by bench, one a target slot. Simulation only.
// The file is named through the bench's mailbox (MED_PATH, eight characters a command, then MED_OPEN) and must exist. A block
// is on the file, flushed, before med_done_o. Words of a block that is to fail are taken or sent all the same, done then
// carries the error and a write leaves the file as it was. Without an open file, or beyond its capacity, every block fails.
`default_nettype none
module file_medium #(
    parameter integer CLK_PERIOD_PS = 6250
) (
    input  wire        clk_i,
    input  wire        rst_ni,
    // bench
    input  wire        go_i,           // a change tells of a command for this slot
    input  wire [7:0]  reg_i,
    input  wire [63:0] data_i,
    // target
    input  wire        med_start_i,
    input  wire        med_write_i,
    input  wire [31:0] med_lba_i,
    input  wire        med_wvalid_i,
    input  wire [15:0] med_wdata_i,
    output wire        med_wready_o,
    output wire        med_rvalid_o,
    output wire [15:0] med_rdata_o,
    input  wire        med_rready_i,
    output reg         med_done_o,
    output reg         med_error_o,
    output reg  [31:0] med_blocks_o,
    output reg  [12:0] med_block_len_o,
    output reg         med_wprot_o
);
    `include "bench_regs.vh"

    localparam integer PATH_BYTES = 512;
    localparam integer WORDS_MAX = 2048;

    localparam [2:0] IDLE  = 3'd0;  // no block under way
    localparam [2:0] DELAY = 3'd1;  // read: latency before the first word
    localparam [2:0] SEND  = 3'd2;  // read: words go to the target
    localparam [2:0] TAKE  = 3'd3;  // write: words come from the target
    localparam [2:0] WRITE = 3'd4;  // write: latency, then the file is written

    reg [2:0]              state_q;
    reg [11:0]             word_q;     // number of the next word
    reg [31:0]             wait_q;     // clocks of latency left
    reg                    fail_q;     // this block is to fail
    reg [31:0]             lba_q;
    reg [15:0]             words [0:WORDS_MAX-1];
    reg [8*PATH_BYTES-1:0] path_q;
    reg [31:0]             latency_q;  // in clocks
    reg [31:0]             failed_q;   // blocks failed on request
    reg [31:0]             goal_q;     // and how many it shall be
    reg [31:0]             reads_q /*verilator public_flat_rd*/;
    reg [31:0]             writes_q /*verilator public_flat_rd*/;
    integer                file;
    integer                n;
    integer                high;
    integer                low;

    wire        busy /*verilator public_flat_rd*/ = state_q != IDLE;
    wire [11:0] last_word = med_block_len_o[12:1] - 12'd1;
    wire        on_request = failed_q != goal_q;

    assign med_rvalid_o = state_q == SEND;
    assign med_wready_o = state_q == TAKE;
    assign med_rdata_o  = state_q == SEND ? words[word_q[10:0]] : 16'd0;

    initial begin
        file            = 0;
        path_q          = 0;
        latency_q       = 32'd0;
        failed_q        = 32'd0;
        goal_q          = 32'd0;
        reads_q         = 32'd0;
        writes_q        = 32'd0;
        med_blocks_o    = 32'd0;
        med_block_len_o = 13'd512;
        med_wprot_o     = 1'b0;
        med_done_o      = 1'b0;
        med_error_o     = 1'b0;
        state_q         = IDLE;
    end

    task reopen;
        begin
            if (file != 0) $fclose(file);
            file = 0;
            if (data_i[0]) begin
                file = $fopen(path_q, "r+b");
                if (file == 0) $display("file_medium: cannot open %0s", path_q);
            end
            path_q = 0;
        end
    endtask

    always @(go_i) begin
        case (reg_i)
            `BENCH_REG_MED_PATH:       path_q = {path_q[8*(PATH_BYTES-8)-1:0], data_i};
            `BENCH_REG_MED_OPEN:       reopen;
            `BENCH_REG_MED_BLOCKS:     med_blocks_o = data_i[31:0];
            `BENCH_REG_MED_BLOCK_LEN:  med_block_len_o = data_i[12:0];
            `BENCH_REG_MED_WPROT:      med_wprot_o = data_i[0];
            `BENCH_REG_MED_LATENCY_NS: latency_q = (data_i[31:0] * 1000 + CLK_PERIOD_PS - 1) / CLK_PERIOD_PS;
            `BENCH_REG_MED_FAIL:       goal_q = failed_q + data_i[31:0];
            default:                   ;
        endcase
    end

    // File access wants its order: blocking assignments to what only the clocked process and its tasks see.
    // verilator lint_off BLKSEQ
    // The result of $fseek must be used: Verilator drops the call with it.
    task seek;
        begin
            if ($fseek(file, lba_q * {19'd0, med_block_len_o}, 0) != 0) fail_q = 1'b1;
        end
    endtask

    task load_block;
        begin
            if (!fail_q) seek;
            for (n = 0; n <= last_word; n = n + 1) begin
                low  = fail_q ? 0 : $fgetc(file);
                high = fail_q ? 0 : $fgetc(file);
                if (low < 0 || high < 0) fail_q = 1'b1;
                words[n] = {high[7:0], low[7:0]};
            end
        end
    endtask

    task store_block;
        begin
            if (!fail_q) seek;
            if (!fail_q) begin
                for (n = 0; n <= last_word; n = n + 1) begin
                    $fwrite(file, "%c%c", words[n][7:0], words[n][15:8]);
                end
                $fflush(file);
            end
        end
    endtask

    always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
            state_q     <= IDLE;
            med_done_o  <= 1'b0;
            med_error_o <= 1'b0;
        end else if (state_q != IDLE || med_start_i || med_done_o) begin
            med_done_o  <= 1'b0;
            med_error_o <= 1'b0;
            case (state_q)
                IDLE: if (med_start_i) begin
                    fail_q = on_request || file == 0 || med_lba_i >= med_blocks_o || (med_write_i && med_wprot_o);
                    lba_q  = med_lba_i;
                    wait_q <= latency_q;
                    word_q <= 12'd0;
                    if (on_request) failed_q <= failed_q + 32'd1;
                    if (med_write_i) begin
                        writes_q <= writes_q + 32'd1;
                        state_q  <= TAKE;
                    end else begin
                        reads_q <= reads_q + 32'd1;
                        state_q <= DELAY;
                    end
                end
                DELAY: if (wait_q == 32'd0) begin
                    load_block;
                    state_q <= SEND;
                end else begin
                    wait_q <= wait_q - 32'd1;
                end
                SEND: if (med_rready_i) begin
                    word_q <= word_q + 12'd1;
                    if (word_q == last_word) finish;
                end
                TAKE: if (med_wvalid_i) begin
                    words[word_q[10:0]] = med_wdata_i;
                    word_q <= word_q + 12'd1;
                    if (word_q == last_word) state_q <= WRITE;
                end
                default: if (wait_q == 32'd0) begin
                    store_block;
                    finish;
                end else begin
                    wait_q <= wait_q - 32'd1;
                end
            endcase
        end
    end

    task finish;
        begin
            med_done_o  <= 1'b1;
            med_error_o <= fail_q;
            state_q     <= IDLE;
        end
    endtask
    // verilator lint_on BLKSEQ
endmodule
`default_nettype wire
