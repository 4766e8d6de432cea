// A target's and an initiator's data path on one cable, each with a clock of its own: tgt_phase and tgt_data against ini_link and
// ini_data. Simulation only. The test sets the values below and toggles `go`; when `finished` follows, the results stand.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
module strobe_pair #(
    parameter CRC_LSB_FIRST = 1,
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
);
    localparam integer BYTES = 8192;
    localparam integer PW = 14;
    localparam [7:0] BLANK = 8'hE5;

    // ---- set by the test
    reg [`SCSI_AGR_W-1:0] agree;    // as the target sees it
    reg [`SCSI_AGR_W-1:0] i_agree;  // as the initiator does
    reg         in;             // DATA IN
    reg [23:0]  bytes;          // that the target moves
    reg [23:0]  chunk;          // ... in starts of so many
    reg [23:0]  len;            // that the initiator has, or has room for
    reg [2:0]   phase;          // what the target says
    reg [31:0]  cable_ps;
    reg [31:0]  t_ppb, t_phase_ps, i_ppb, i_phase_ps;
    reg [7:0]   seed;
    reg [31:0]  spoil_at;       // strobe (from 0) of the data's sender whose word is spoilt
    reg [17:0]  spoil;          // wires of it that are wrong
    reg         mirrored;       // ATN with the last word
    reg [31:0]  stall_ps;       // the initiator answers nothing for so long from the first REQ on
    reg [31:0]  abort_ps;       // 0 or: the target lets go so long after the first REQ
    reg         stray_strobes;  // REQ and ACK move while the phase settles
    reg         go;

    // ---- results
    reg         finished;
    reg [31:0]  compared, wrong;  // bytes, beyond the last one must be as before
    reg [31:0]  t_errors, t_dones, i_errors, overruns, i_words, phases;
    reg [31:0]  crc_errors;
    reg         released;       // at the end nobody asserts anything
    reg [63:0]  start_at, done_at, atn_at, i_req_at;
    reg [PW-1:0] moved;

    // ---- clocks, cable
    wire t_clk, i_clk;
    reg  run, rst_n;
    ppm_clock u_t_clk (.run_i(run), .ppb_i(t_ppb), .phase_ps_i(t_phase_ps), .clk_o(t_clk));
    ppm_clock u_i_clk (.run_i(run), .ppb_i(i_ppb), .phase_ps_i(i_phase_ps), .clk_o(i_clk));

    wire [2:0]  t_phase;
    wire        t_req, i_ack, i_atn;
    wire [15:0] t_db, i_db;
    wire [1:0]  t_dbp, i_dbp;
    reg         glitch;
    reg         measure;
    reg  [17:0] t_flip, i_flip;

    // what each says, {phase, REQ or ATN+ACK, DBP, DB}; t_far is the target as it arrives at the initiator
    wire [21:0] t_says = {t_drive ? t_phase : `SCSI_PH_MSG_OUT, t_req ^ glitch, {t_dbp, t_db} ^ t_flip};
    wire [19:0] i_says = {i_atn, i_ack ^ glitch, {i_dbp, i_db} ^ i_flip};
    reg  [21:0] t_far;
    reg  [19:0] i_far;
    always @(t_says) t_far <= #(cable_ps) t_says;
    always @(i_says) i_far <= #(cable_ps) i_says;

    wire [17:0] t_bus = t_says[17:0] | i_far[17:0];
    wire [17:0] i_bus = i_says[17:0] | t_far[17:0];

    // ---- target
    reg         t_drive, t_start, t_begin;
    reg  [23:0] t_bytes;
    wire        t_put, t_got, t_done, t_error, t_ack;
    wire [15:0] t_rdata, t_word, t_sdb, t_wdata;
    wire [1:0]  t_sdbp;
    wire        t_we;
    wire [14:0] t_addr;
    reg  [15:0] t_mem [0:BYTES/2-1];
    reg  [15:0] t_read;

    always @(posedge t_clk) begin
        if (t_we) t_mem[t_addr[PW-3:0]] <= t_wdata;
        if (t_drive) t_read <= t_mem[t_addr[PW-3:0]];
    end

    scsi_sync u_t_sync (
        .clk_i(t_clk), .rst_ni(rst_n), .scsi_bsy_i(1'b1), .scsi_sel_i(1'b0), .scsi_rst_i(1'b0),
        .scsi_msg_i(1'b0), .scsi_cd_i(1'b0), .scsi_io_i(1'b0), .scsi_req_i(1'b0), .scsi_ack_i(i_far[18]),
        .scsi_atn_i(1'b0), .scsi_db_i(t_bus[15:0]), .scsi_dbp_i(t_bus[17:16]), .bsy_o(), .sel_o(), .rst_o(),
        .phase_o(), .req_o(), .ack_o(t_ack), .atn_o(), .db_o(t_sdb), .dbp_o(t_sdbp)
    );
    tgt_phase #(
        .CRC_LSB_FIRST(CRC_LSB_FIRST), .CRC_SEED(CRC_SEED), .CRC_INVERT(CRC_INVERT)
    ) u_phase (
        .clk_i(t_clk), .rst_ni(rst_n), .drive_i(t_drive), .held_i(1'b0), .settled_i(1'b0), .phase_i(phase), .agree_i(agree),
        .start_i(t_start), .bytes_i(t_bytes), .more_i(1'b0), .wdata_i(t_word), .busy_o(), .put_o(t_put), .got_o(t_got),
        .done_o(t_done), .rdata_o(t_rdata), .error_o(t_error), .ack_i(t_ack), .db_i(t_sdb), .dbp_i(t_sdbp),
        .scsi_ack_i(i_far[18]), .scsi_db_i(t_bus[15:0]), .scsi_dbp_i(t_bus[17:16]),
        .drv_phase_o(t_phase), .drv_req_o(t_req), .drv_db_o(t_db), .drv_dbp_o(t_dbp)
    );
    tgt_data u_t_data (
        .clk_i(t_clk), .rst_ni(rst_n), .begin_i(t_begin), .read_i(t_drive && phase[0]), .wide_i(agree[`SCSI_AGR_WIDE]), .keep_i(1'b1),
        .got_i(t_got), .rdata_i(t_rdata), .put_i(t_put), .generated_i(1'b0), .blank_i(1'b0), .index_o(), .gen_data_i(16'd0),
        .buf_we_o(t_we), .buf_addr_o(t_addr), .buf_wdata_o(t_wdata), .buf_rdata_i(t_read), .word_o(t_word)
    );

    // ---- initiator
    reg         conn, load, say, stall;
    reg  [1:0]  tell;  // wrong parity or CRC, or the last word of a copy has gone: ATN some clocks later
    wire [2:0]  i_phase, ph, lines;
    wire        steady;
    wire        i_req, take, stb, perr, overrun, rd, more, last, phase_new;
    wire [15:0] i_sdb, tx, rx, rd_data, wr_data;
    wire [1:0]  i_sdbp, wr;
    wire [PW-1:0] rd_addr, wr_addr, i_moved;

    scsi_sync u_i_sync (
        .clk_i(i_clk), .rst_ni(rst_n), .scsi_bsy_i(1'b1), .scsi_sel_i(1'b0), .scsi_rst_i(1'b0),
        .scsi_msg_i(t_far[21]), .scsi_cd_i(t_far[20]), .scsi_io_i(t_far[19]), .scsi_req_i(t_far[18]), .scsi_ack_i(1'b0),
        .scsi_atn_i(1'b0), .scsi_db_i(i_bus[15:0]), .scsi_dbp_i(i_bus[17:16]), .bsy_o(), .sel_o(), .rst_o(),
        .phase_o(lines), .req_o(i_req), .ack_o(), .atn_o(), .db_o(i_sdb), .dbp_o(i_sdbp)
    );
    ini_phase u_lines (.clk_i(i_clk), .rst_ni(rst_n), .phase_i(lines), .phase_o(ph), .steady_o(steady));
    ini_link #(
        .CRC_LSB_FIRST(CRC_LSB_FIRST), .CRC_SEED(CRC_SEED), .CRC_INVERT(CRC_INVERT)
    ) u_link (
        .clk_i(i_clk), .rst_ni(rst_n), .phase_i(ph), .steady_i(steady), .io_i(lines[0]), .req_i(i_req), .db_i(i_sdb), .dbp_i(i_sdbp),
        .scsi_req_i(t_far[18]), .scsi_db_i(i_bus[15:0]), .scsi_dbp_i(i_bus[17:16]),
        .conn_i(conn), .attn_i(1'b0), .stall_i(stall), .agree_i(i_agree), .tx_word_i(tx), .tx_byte_i(8'd0), .tx_last_i(1'b0),
        .tx_atn_i(mirrored && last && !in), .tx_more_i(more), .mirror_i(1'b0), .qas_i(1'b0), .say_i(say), .phase_o(i_phase), .phase_new_o(phase_new),
        .byte_req_o(), .tx_take_o(take), .rx_stb_o(stb), .rx_data_o(rx), .rx_perr_o(perr), .done_o(), .rest_o(),
        .drv_ack_o(i_ack), .drv_atn_o(i_atn), .drv_db_o(i_db), .drv_dbp_o(i_dbp)
    );
    ini_data #(.PW(PW)) u_i_data (
        .clk_i(i_clk), .rst_ni(rst_n), .load_i(load), .saved_i({PW{1'b0}}), .moved_i({PW{1'b0}}), .rewind_i(1'b0), .advance_i(1'b0),
        .save_i(1'b0), .restore_i(1'b0), .residue_i(1'b0), .dir_in_i(in), .compare_i(1'b0), .len_i(len[PW-1:0]), .addr_i({PW{1'b0}}),
        .wide_i(i_agree[`SCSI_AGR_WIDE]), .dt_i(i_agree[`SCSI_AGR_DT]), .phase_i(i_phase), .tx_take_i(take), .tx_data_o(tx),
        .tx_more_o(more), .tx_end_o(last), .rx_stb_i(stb), .rx_data_i(rx), .overrun_o(overrun), .rd_o(rd),
        .rd_addr_o(rd_addr), .rd_data_i(rd_data), .wr_o(wr), .wr_addr_o(wr_addr), .wr_data_o(wr_data),
        .moved_o(i_moved), .saved_o()
    );
    ini_buffer #(.BYTES(BYTES), .PW(PW)) u_buffer (
        .clk_i(i_clk), .rd_i(rd), .rd_addr_i(rd_addr), .rd_data_o(rd_data), .wr_i(wr), .wr_addr_i(wr_addr),
        .wr_data_i(wr_data)
    );

    // ---- measures: P_CRCA is the target's in DT, otherwise DBP(0) belongs to the data
    wire dt = agree[`SCSI_AGR_DT];
    strobe_meter u_reqs (
        .clear_i(!measure), .dt_i(dt), .strobe_i(t_req), .data_i({t_dbp[1], t_dbp[0] && !dt, t_db}), .crca_i(t_dbp[0] && dt),
        .answer_i(i_far[18])
    );
    strobe_meter u_acks (
        .clear_i(!measure), .dt_i(dt), .strobe_i(i_ack), .data_i({i_dbp, i_db}), .crca_i(1'b0), .answer_i(t_far[18])
    );

    // The word of strobe `spoil_at` is wrong from 2 ns after the strobe before it (ps) until 2 ns after its own.
    always @(u_reqs.sent) if (in) t_flip <= #2000 u_reqs.sent == spoil_at ? spoil : 18'd0;
    always @(u_acks.sent) if (!in) i_flip <= #2000 u_acks.sent == spoil_at ? spoil : 18'd0;

    always @(posedge t_clk) begin
        if (t_got && t_error) t_errors = t_errors + 1;
        if (t_done && t_error && dt) crc_errors = crc_errors + 1;
    end
    always @(posedge i_clk) begin
        {say, tell} <= {tell, perr || (mirrored && take && last && !in)};
        if (perr && stb) i_errors = i_errors + 1;
        if (perr && !stb) crc_errors = crc_errors + 1;
        if (overrun) overruns = overruns + 1;
        if (take || stb) i_words = i_words + 1;
        if (phase_new) phases = phases + 1;
    end
    always @(posedge i_atn) atn_at = $time;
    always @(t_far[18]) if (dt || t_far[18]) i_req_at = $time;

    always @(posedge t_far[18]) if (stall) #(stall_ps) stall = 1'b0;
    always @(posedge t_req) if (abort_ps != 0 && measure && !aborted) begin
        #(abort_ps) t_drive = 1'b0;
        aborted = 1'b1;
    end

    // ---- one phase
    function [7:0] pattern;
        input integer n;
        pattern = (n * 167) ^ (n >> 3) ^ seed;
    endfunction

    integer n;
    integer left;
    reg     aborted;
    reg [15:0] pair;

    initial begin
        {i_agree, stall_ps, abort_ps, stall, aborted, released} = 0;
        {finished, go, run, rst_n, t_drive, t_start, t_begin, conn, load, say, tell, glitch, measure} = 0;
        {t_flip, i_flip, agree, in, bytes, chunk, len, phase, cable_ps, mirrored, stray_strobes, spoil} = 0;
        {t_ppb, t_phase_ps, i_ppb, i_phase_ps, seed, t_bytes} = 0;
        {compared, wrong, t_errors, t_dones, i_errors, overruns, i_words, phases, crc_errors} = 0;
        {start_at, done_at, atn_at, i_req_at} = 0;
        spoil_at = 32'hFFFFFFFF;
        t_far = 22'd0;
        i_far = 20'd0;
        forever begin
            @(go);
            prepare;
            @(posedge t_clk) #1 {t_drive, t_begin} = 2'b11;
            start_at = $time;
            left = bytes;
            if (stray_strobes) begin
                for (n = 0; n < 5; n = n + 1) #7000 glitch = ~glitch;
                #7000 glitch = 1'b0;
                #(cable_ps + 1000);
            end
            measure = 1'b1;
            while (left != 0 && !aborted) begin
                @(posedge t_clk) #1 t_begin = 1'b0;
                t_start = 1'b1;
                t_bytes = left < chunk ? left : chunk;
                left = left - t_bytes;
                @(posedge t_clk) #1 t_start = 1'b0;
                @(posedge t_done or posedge aborted);
                if (!aborted) t_dones = t_dones + 1;
                done_at = $time;
                repeat (4) @(posedge t_clk);
            end
            repeat (4) @(posedge t_clk);
            #1 t_drive = 1'b0;
            #(2 * cable_ps + 200000);
            moved = i_moved;
            judge;
            conn = 1'b0;
            #50000 released = {t_says[18:0], i_says} == 39'd0;
            run = 1'b0;
            #20000 finished = ~finished;
        end
    end

    task prepare;
        begin
            {measure, aborted} = 2'b00;
            stall = stall_ps != 0;
            {compared, wrong, t_errors, t_dones, i_errors, overruns, i_words, phases, crc_errors} = 0;
            {start_at, done_at, atn_at, i_req_at} = 0;
            for (n = 0; n < BYTES / 2; n = n + 1) begin
                pair = {pattern(2 * n + 1), pattern(2 * n)};
                t_mem[n] = in ? pair : {BLANK, BLANK};
                {u_buffer.odd_mem[n], u_buffer.even_mem[n]} = in ? {BLANK, BLANK} : pair;
            end
            run = 1'b1;
            #20000 rst_n = 1'b1;  // once: what a phase leaves behind is the next one's business
            @(posedge i_clk) #1 {conn, load} = 2'b11;
            @(posedge i_clk) #1 load = 1'b0;
            #100000;
        end
    endtask

    task judge;
        for (n = 0; n < len + 4; n = n + 1) begin
            pair = in ? {u_buffer.odd_mem[n/2], u_buffer.even_mem[n/2]} : t_mem[n/2];
            if (n % 2 == 1) pair = pair >> 8;
            if (n < len && n < bytes) begin
                compared = compared + 1;
                if (pair[7:0] !== pattern(n)) wrong = wrong + 1;
            end else if (pair[7:0] !== BLANK && (in || n >= bytes + bytes % 2)) begin
                wrong = wrong + 1;
            end
        end
    endtask
endmodule
`default_nettype wire
