// What the disk does with a command: checks it and names the data it moves.
//
// Used by scsi_target. SPC/SBC subset: TEST UNIT READY, REQUEST SENSE, INQUIRY, READ CAPACITY(10), READ and WRITE(6) and (10), MODE
// SENSE and MODE SELECT(6) with the caching page, SYNCHRONIZE CACHE(10), REPORT LUNS, and the same checks for a mirrored operation.
// CDBs are taken apart in tgt_cdb; sense data and unit attentions are in tgt_sense, mode parameters in tgt_mode, the bytes
// of generated data in tgt_pages.
// `decode_i` or `mirror_i` is answered on kind_o, status_o and the counts when busy_o falls.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "tgt_kinds.vh"

module tgt_disk (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        bus_rst_i,
    input wire        target_reset_i,  // pulse: TARGET RESET message

    input wire [ 3:0] initiator_i,
    input wire [ 5:0] lun_i,
    input wire        queued_i,      // with decode_i: it has waited in the queue
    input wire        decode_i,      // pulse: judge cdb_i
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [79:0] cdb_i,         // first byte in the top bits
    /* verilator lint_on UNUSEDSIGNAL */
    input wire        mirror_i,      // pulse: judge a mirrored operation of mirror_len_i bytes at mirror_lba_i
    input wire        mirror_read_i,
    input wire        ahead_i,       // with mirror_i: only to know; nobody is told of what waits, nor of a refusal
    input wire [31:0] mirror_lba_i,
    input wire [23:0] mirror_len_i,
    input wire [23:0] buf_bytes_i,

    input wire        sense_i,           // pulse: CHECK CONDITION from elsewhere, for sense_initiator_i
    input wire [ 3:0] sense_initiator_i,
    input wire [ 3:0] sense_key_i,
    input wire [15:0] sense_code_i,
    input wire        sense_valid_i,     // with the LBA sense_lba_i
    input wire [31:0] sense_lba_i,
    input wire        losers_set_i,      // pulse: the initiators of losers_i lost tasks to another one
    input wire [15:0] losers_i,
    input wire        losers_reset_i,    // by LOGICAL UNIT RESET, not by CLEAR TASK SET
    input wire        deferred_i,        // with sense_i: it is about a command that has ended with GOOD

    // parameter list of a command of kind PARAMETERS
    input wire        param_we_i,
    input wire [ 5:0] param_index_i,  // even byte; what comes last for an index counts
    input wire [15:0] param_data_i,   // that byte in bits 7:0, the next in 15:8
    input wire        param_done_i,   // pulse: all of it came; status_o is right from the second clock after

    // abilities, for INQUIRY
    input wire        wide_i,
    input wire [ 7:0] period_i,  // 0: asynchronous only
    input wire        dt_i,
    input wire        qas_i,

    input wire [31:0] med_blocks_i,
    input wire [12:0] med_block_len_i,
    input wire        med_wprot_i,

    output wire       busy_o,    // from the clock after decode_i or mirror_i until the answer below is right
    output reg [ 2:0] kind_o,    // tgt_kinds.vh
    output reg [ 7:0] status_o,  // for a command without data, or of a refused one
    output reg [23:0] bytes_o,   // generated data, or parameter list
    output wire [31:0] lba_o,
    output wire [15:0] blocks_o,
    output wire       fua_o,     // with WRITE: on the medium before GOOD
    output wire       cache_o,   // level: the write cache is enabled

    input  wire [ 5:0] index_i,  // even byte of the generated data
    output wire [15:0] data_o    // ... one clock later
);

  localparam IDLE = 3'd0;
  localparam FIELDS = 3'd1;  // command, LBA and count are taken out of the CDB
  localparam CHECK = 3'd2;  // other fields are checked, the LUN's conditions looked up
  localparam RANGE = 3'd3;  // the range of blocks is checked
  localparam VERDICT = 3'd4;
  localparam NOTE = 3'd5;  // sense data is being stored

  // Reasons of a refusal
  localparam ABSENT = 3'd0;  // no such LUN
  localparam CONDITION = 3'd1;  // unit attention or deferred error
  localparam FAULT = 3'd2;  // something in the CDB
  localparam OUTSIDE = 3'd3;  // blocks that the medium does not have
  localparam PROTECTED = 3'd4;
  localparam LIST_LENGTH = 3'd5;  // parameter list: length
  localparam LIST_CONTENT = 3'd6;

  reg [2:0] state_q;
  reg mirror_q, ahead_q;
  reg [3:0] initiator_q;  // of the command
  reg [5:0] lun_q;
  reg absent_q;  // the LUN that was asked for does not exist
  reg [32:0] end_q;  // first block after the range
  reg past_q;  // the first block is not on the medium
  reg beyond_q;  // the last one is not
  reg [31:0] last_lba_q;
  reg empty_q;  // no blocks
  reg dry_q;  // no bytes
  reg [2:0] why_q;  // reason of a refusal
  reg [`TGT_SENSE_W-1:0] note;  // ... as sense data
  reg [7:0] caching_q;  // byte 2 of the caching page being returned

  wire fault;
  wire [3:0] command;
  wire [15:0] fault_code, allocation;
  wire [7:0] length;
  wire [2:0] source;
  wire [1:0] page_control = cdb_i[63:62];
  wire mirrored = command == `TGT_CMD_MIRROR_WRITE || command == `TGT_CMD_MIRROR_READ;
  wire [31:0] block = mirrored ? lba_o : 32'd0;  // of sense data
  wire [23:0] shown_blocks = med_blocks_i[31:24] != 8'd0 ? 24'hFFFFFF : med_blocks_i[23:0];  // in a block descriptor
  wire reset = bus_rst_i || target_reset_i;
  reg current_q, deferred_q;  // what came from elsewhere a clock ago
  reg [3:0] sense_initiator_q;
  reg [`TGT_SENSE_W-1:0] sense_what_q;

  // Told of whatever waits: every command but these.
  wire exempt = command == `TGT_CMD_INQUIRY || command == `TGT_CMD_SENSE || command == `TGT_CMD_LUNS;
  wire verdict = state_q == VERDICT && !reset && !absent_q && !ahead_q;
  reg clear_q, take_q;  // the initiator's sense data goes; it is told of its condition
  wire ranged = command == `TGT_CMD_READ || command == `TGT_CMD_WRITE || command == `TGT_CMD_SYNC || mirrored;
  wire writes = command == `TGT_CMD_WRITE || command == `TGT_CMD_MIRROR_WRITE;
  wire outside = (ranged && beyond_q) || ((command == `TGT_CMD_CAPACITY || command == `TGT_CMD_SYNC) && past_q);

  wire left, waiting, noted, param_judged, param_bad_length, param_bad, param_changed;
  wire [`TGT_SENSE_W-1:0] report, condition;
  wire report_condition = command == `TGT_CMD_SENSE && !fault && !left;

  assign busy_o = state_q != IDLE;

  tgt_cdb u_cdb (
      .clk_i(clk_i), .rst_ni(rst_ni), .take_i(state_q == FIELDS), .check_i(state_q == CHECK), .cdb_i(cdb_i),
      .mirror_i(mirror_q), .mirror_read_i(mirror_read_i), .mirror_lba_i(mirror_lba_i), .mirror_len_i(mirror_len_i), .buf_bytes_i(buf_bytes_i),
      .block_len_i(med_block_len_i), .command_o(command), .lba_o(lba_o), .blocks_o(blocks_o), .fua_o(fua_o),
      .fault_o(fault), .fault_code_o(fault_code), .allocation_o(allocation), .length_o(length), .source_o(source)
  );

  tgt_sense u_sense (
      .clk_i(clk_i), .rst_ni(rst_ni), .bus_rst_i(bus_rst_i), .target_reset_i(target_reset_i), .initiator_i(initiator_q),
      .losers_set_i(losers_set_i), .losers_i(losers_i), .losers_reset_i(losers_reset_i),
      .current_i(current_q), .deferred_i(deferred_q), .sense_initiator_i(sense_initiator_q), .sense_what_i(sense_what_q),
      .look_i(state_q == CHECK), .fetch_i(state_q == RANGE), .absent_i(absent_q), .clear_i(clear_q),
      .take_i(take_q), .changed_i(param_changed),
      .note_i(state_q == NOTE), .note_sense_i(note), .noted_o(noted), .left_o(left), .waiting_o(waiting),
      .report_o(report), .condition_o(condition)
  );

  tgt_mode u_mode (
      .clk_i(clk_i), .rst_ni(rst_ni), .reset_i(reset), .blocks_i(shown_blocks), .block_len_i(med_block_len_i),
      .param_we_i(param_we_i), .param_index_i(param_index_i), .param_data_i(param_data_i), .param_done_i(param_done_i),
      .judged_o(param_judged), .bad_length_o(param_bad_length), .bad_o(param_bad), .changed_o(param_changed),
      .cache_o(cache_o)
  );

  tgt_pages u_pages (
      .clk_i(clk_i), .rst_ni(rst_ni), .run_i(kind_o == `TGT_KIND_GENERATED), .source_i(source), .index_i(index_i),
      .sense_i(report), .absent_i(absent_q), .wide_i(wide_i), .sync_i(period_i != 8'd0), .dt_i(dt_i), .qas_i(qas_i),
      .last_lba_i(last_lba_q), .blocks_i(shown_blocks), .block_len_i(med_block_len_i), .wprot_i(med_wprot_i),
      .caching_i(caching_q), .data_o(data_o)
  );

  wire told = `SCSI_AWAKE(sense_i || current_q || deferred_q);
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {current_q, deferred_q} <= 2'd0;
      sense_initiator_q <= 4'd0;
      sense_what_q <= `TGT_SENSE_W'd0;
    end else if (told) begin
      {current_q, deferred_q} <= {sense_i && !deferred_i, sense_i && deferred_i};
      sense_initiator_q <= sense_initiator_i;
      sense_what_q <= {sense_lba_i, sense_valid_i, deferred_i, sense_key_i, sense_code_i};
    end
  end

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(state_q != IDLE || decode_i || mirror_i || param_judged || clear_q);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {mirror_q, ahead_q, absent_q, past_q, beyond_q, clear_q, take_q} <= 7'd0;
      initiator_q <= 4'd0;
      lun_q <= 6'd0;
      end_q <= 33'd0;
      last_lba_q <= 32'd0;
      {caching_q, status_o} <= 16'd0;
      bytes_o <= 24'd0;
      {empty_q, dry_q} <= 2'd0;
      why_q <= ABSENT;
      kind_o <= `TGT_KIND_STATUS;
    end else if (awake) begin
      clear_q <= verdict && (!queued_i || mirrored || command == `TGT_CMD_SENSE);  // what waited is no next command
      take_q  <= verdict && waiting && (!exempt || report_condition);
      if (param_judged) judge_parameters;
      else judge;
      if (reset) state_q <= IDLE;
    end
  end

  task judge;
    case (state_q)
      IDLE:
      if (decode_i || mirror_i) begin
        mirror_q <= mirror_i;
        ahead_q  <= ahead_i;
        initiator_q <= initiator_i;
        lun_q <= lun_i;
        state_q  <= FIELDS;
      end
      FIELDS: begin
        absent_q <= lun_q != 6'd0;
        state_q  <= CHECK;
      end
      CHECK: begin
        end_q <= {1'b0, lba_o} + {17'd0, blocks_o};
        past_q <= lba_o >= med_blocks_i;
        last_lba_q <= med_blocks_i - 32'd1;
        state_q <= RANGE;
      end
      RANGE: begin
        beyond_q <= end_q > {1'b0, med_blocks_i};
        empty_q <= blocks_o == 16'd0;
        dry_q <= allocation == 16'd0;
        bytes_o <= {16'd0, allocation < {8'd0, length} ? allocation[7:0] : length};
        state_q <= VERDICT;
      end
      VERDICT: begin
        state_q <= IDLE;
        decide;
      end
      default: if (noted) state_q <= IDLE;  // NOTE
    endcase
  endtask

  task decide;
    begin
      status_o <= `SCSI_ST_GOOD;
      kind_o <= `TGT_KIND_STATUS;
      if (absent_q && command != `TGT_CMD_INQUIRY && command != `TGT_CMD_SENSE) absent;
      else if (waiting && !exempt) refuse(CONDITION);
      else if (fault) refuse(FAULT);
      else if (outside) refuse(OUTSIDE);
      else if (writes && med_wprot_i) refuse(PROTECTED);
      else accept;
    end
  endtask

  task accept;
    case (command)
      `TGT_CMD_READ, `TGT_CMD_MIRROR_READ: if (!empty_q) kind_o <= `TGT_KIND_READ;
      `TGT_CMD_WRITE, `TGT_CMD_MIRROR_WRITE: if (!empty_q) kind_o <= `TGT_KIND_WRITE;
      `TGT_CMD_SELECT: if (!dry_q) kind_o <= `TGT_KIND_PARAMETERS;
      `TGT_CMD_SYNC: if (!cdb_i[65]) kind_o <= `TGT_KIND_SYNC;  // IMMED: the status does not wait
      `TGT_CMD_READY: ;
      default: begin
        if (!dry_q) kind_o <= `TGT_KIND_GENERATED;
        if (command == `TGT_CMD_MODE) mode_page;
      end
    endcase
  endtask

  task mode_page;
    case (page_control)
      2'd0: caching_q <= cache_o ? `TGT_CACHING_RCD | `TGT_CACHING_WCE : `TGT_CACHING_RCD;
      2'd1: caching_q <= `TGT_CACHING_WCE;
      default: caching_q <= `TGT_CACHING_RCD;
    endcase
  endtask

  task refuse;
    input [2:0] why;
    begin
      status_o <= `SCSI_ST_CHECK_CONDITION;
      why_q <= why;
      if (!ahead_q) state_q <= NOTE;
    end
  endtask

  // Sense data that waits is of the LUN that exists: it is not lost to this one.
  task absent;
    if (left) status_o <= `SCSI_ST_CHECK_CONDITION;
    else refuse(ABSENT);
  endtask

  task judge_parameters;
    begin
      status_o <= `SCSI_ST_GOOD;
      if (param_bad_length) refuse(LIST_LENGTH);
      else if (param_bad) refuse(LIST_CONTENT);
    end
  endtask

  always @(*) begin
    case (why_q)
      ABSENT: note = {34'd0, `SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LUN_NOT_SUPPORTED};
      CONDITION: note = condition;
      FAULT: note = {block, mirrored, 1'b0, `SCSI_SK_ILLEGAL_REQUEST, fault_code};
      OUTSIDE:
      note = {past_q ? lba_o : med_blocks_i, 2'b10, `SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LBA_OUT_OF_RANGE};
      PROTECTED: note = {block, mirrored, 1'b0, `SCSI_SK_DATA_PROTECT, `SCSI_ASC_WRITE_PROTECTED};
      LIST_LENGTH: note = {34'd0, `SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_PARAMETER_LIST_LENGTH_ERROR};
      default: note = {34'd0, `SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_INVALID_FIELD_IN_PARAMETER_LIST};
    endcase
  end

endmodule
`default_nettype wire
