// What the disk does with a command: checks it, names the data it moves, keeps sense data and unit attentions.
//
// Used by scsi_target. SPC/SBC subset: TEST UNIT READY, REQUEST SENSE, INQUIRY, READ CAPACITY(10), READ(10), WRITE(10), and the
// same checks for a mirrored write. `decode_i` or `mirror_i` is answered one clock later on kind_o, status_o and the counts.
`default_nettype none
`include "scsi_defs.vh"
`include "tgt_kinds.vh"

module tgt_disk (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        bus_rst_i,
    input wire        target_reset_i,  // pulse: TARGET RESET message

    input wire [ 3:0] initiator_i,
    input wire [ 5:0] lun_i,
    input wire        decode_i,      // pulse: judge cdb_i
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [79:0] cdb_i,         // first byte in the top bits
    /* verilator lint_on UNUSEDSIGNAL */
    input wire        mirror_i,      // pulse: judge a mirrored write of mirror_len_i bytes at mirror_lba_i
    input wire [31:0] mirror_lba_i,
    input wire [23:0] mirror_len_i,
    input wire [23:0] buf_bytes_i,

    input wire        sense_i,           // pulse: CHECK CONDITION from elsewhere, for sense_initiator_i
    input wire [ 3:0] sense_initiator_i,
    input wire [ 3:0] sense_key_i,
    input wire [15:0] sense_code_i,

    input wire        wide_i,
    input wire [31:0] med_blocks_i,
    input wire [12:0] med_block_len_i,
    input wire        med_wprot_i,

    output reg [ 1:0] kind_o,    // tgt_kinds.vh
    output reg [ 7:0] status_o,  // for a command without data, or of a refused one
    output reg [23:0] bytes_o,   // generated data
    output reg [31:0] lba_o,
    output reg [15:0] blocks_o,

    input  wire [ 5:0] index_i,  // even byte of the generated data
    output wire [15:0] data_o
);

  localparam SENSE_BYTES = 18;
  localparam INQUIRY_BYTES = 36;
  localparam CAPACITY_BYTES = 8;

  reg  [19:0] sense_q           [0:15];  // {key, ASC, ASCQ} per initiator
  reg         note_q;  // pulse: noted_q goes to sense_q[note_initiator_q]
  reg  [ 3:0] note_initiator_q;
  reg  [19:0] noted_q;
  reg  [15:0] sensed_q;  // sense data waits for that initiator
  reg  [15:0] attention_q;  // a unit attention waits for that initiator
  reg  [15:0] attention_code_q;
  reg  [ 1:0] source_q;  // what data_o shows
  reg  [19:0] report_q;  // sense data being returned
  reg         absent_q;  // the LUN that was asked for does not exist

  localparam FROM_SENSE = 2'd0;
  localparam FROM_INQUIRY = 2'd1;
  localparam FROM_CAPACITY = 2'd2;

  wire [ 7:0] opcode = cdb_i[79:72];
  wire [31:0] lba = mirror_i ? mirror_lba_i : cdb_i[63:32];
  wire [ 3:0] shift = med_block_len_i[12] ? 4'd12 : med_block_len_i[11] ? 4'd11 : med_block_len_i[10] ? 4'd10 : 4'd9;
  wire [23:0] mirror_blocks = mirror_len_i >> shift;
  wire        ragged = (mirror_blocks << shift) != mirror_len_i || mirror_len_i == 24'd0 || mirror_len_i > buf_bytes_i;
  wire [15:0] blocks = mirror_i ? mirror_blocks[15:0] : cdb_i[23:8];
  wire        beyond = {1'b0, lba} + {17'd0, blocks} > {1'b0, med_blocks_i};
  wire        attention = attention_q[initiator_i];
  wire [31:0] last_lba = med_blocks_i - 32'd1;

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = note_q || bus_rst_i || target_reset_i || sense_i || decode_i || mirror_i;

  always @(posedge clk_i) if (note_q) sense_q[note_initiator_q] <= noted_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sensed_q <= 16'd0;
      attention_q <= 16'hFFFF;
      attention_code_q <= `SCSI_ASC_POWER_ON;
      note_q <= 1'b0;
      note_initiator_q <= 4'd0;
      noted_q <= 20'd0;
      kind_o <= `TGT_KIND_STATUS;
      status_o <= `SCSI_ST_GOOD;
      bytes_o <= 24'd0;
      lba_o <= 32'd0;
      blocks_o <= 16'd0;
      source_q <= FROM_SENSE;
      report_q <= 20'd0;
      absent_q <= 1'b0;
    end else if (awake) begin
      note_q <= 1'b0;
      if (bus_rst_i || target_reset_i) begin
        sensed_q <= 16'd0;
        attention_q <= 16'hFFFF;
        attention_code_q <= bus_rst_i ? `SCSI_ASC_BUS_RESET : `SCSI_ASC_TARGET_RESET;
      end else if (sense_i) begin
        note(sense_initiator_i, sense_key_i, sense_code_i);
      end else if (decode_i) begin
        decode;
      end else if (mirror_i) begin
        decode_mirror;
      end
    end
  end

  task decode;
    begin
      status_o <= `SCSI_ST_GOOD;
      kind_o <= `TGT_KIND_STATUS;
      lba_o <= lba;
      blocks_o <= blocks;
      absent_q <= lun_i != 6'd0;
      if (opcode != `SCSI_OP_REQUEST_SENSE) sensed_q[initiator_i] <= 1'b0;
      if (opcode == `SCSI_OP_INQUIRY) inquiry;
      else if (opcode == `SCSI_OP_REQUEST_SENSE) request_sense;
      else if (lun_i != 6'd0) refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LUN_NOT_SUPPORTED);
      else if (attention) unit_attention;
      else command;
    end
  endtask

  task decode_mirror;
    begin
      status_o <= `SCSI_ST_GOOD;
      kind_o <= `TGT_KIND_WRITE;
      lba_o <= lba;
      blocks_o <= blocks;
      sensed_q[initiator_i] <= 1'b0;
      if (lun_i != 6'd0) refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LUN_NOT_SUPPORTED);
      else if (attention) unit_attention;
      else if (ragged) refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_INVALID_FIELD_IN_CDB);
      else if (beyond) refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LBA_OUT_OF_RANGE);
      else if (med_wprot_i) refuse(`SCSI_SK_DATA_PROTECT, `SCSI_ASC_WRITE_PROTECTED);
    end
  endtask

  task note;
    input [3:0] initiator;
    input [3:0] key;
    input [15:0] code;
    begin
      note_q <= 1'b1;
      note_initiator_q <= initiator;
      noted_q <= {key, code};
      sensed_q[initiator] <= 1'b1;
    end
  endtask

  task refuse;
    input [3:0] key;
    input [15:0] code;
    begin
      kind_o <= `TGT_KIND_STATUS;
      status_o <= `SCSI_ST_CHECK_CONDITION;
      note(initiator_i, key, code);
    end
  endtask

  task unit_attention;
    begin
      attention_q[initiator_i] <= 1'b0;
      refuse(`SCSI_SK_UNIT_ATTENTION, attention_code_q);
    end
  endtask

  task generate_data;
    input [1:0] source;
    input [23:0] length;
    input [23:0] allocation;
    begin
      source_q <= source;
      bytes_o <= allocation < length ? allocation : length;
      if (allocation != 24'd0) kind_o <= `TGT_KIND_GENERATED;
    end
  endtask

  task inquiry;
    if (cdb_i[64] || cdb_i[63:56] != 8'd0) refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_INVALID_FIELD_IN_CDB);
    else generate_data(FROM_INQUIRY, INQUIRY_BYTES, {8'd0, cdb_i[55:40]});
  endtask

  // Sense data of the last command first, then a waiting unit attention; both end here.
  task request_sense;
    begin
      sensed_q[initiator_i] <= 1'b0;
      if (lun_i != 6'd0) begin
        report_q <= {`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LUN_NOT_SUPPORTED};
      end else if (sensed_q[initiator_i]) begin
        report_q <= sense_q[initiator_i];
      end else if (attention) begin
        report_q <= {`SCSI_SK_UNIT_ATTENTION, attention_code_q};
        attention_q[initiator_i] <= 1'b0;
      end else begin
        report_q <= {`SCSI_SK_NO_SENSE, `SCSI_ASC_NONE};
      end
      generate_data(FROM_SENSE, SENSE_BYTES, {16'd0, cdb_i[47:40]});
    end
  endtask

  task command;
    case (opcode)
      `SCSI_OP_TEST_UNIT_READY: ;
      `SCSI_OP_READ_CAPACITY_10: generate_data(FROM_CAPACITY, CAPACITY_BYTES, CAPACITY_BYTES);
      `SCSI_OP_READ_10, `SCSI_OP_WRITE_10:
      if (beyond) refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_LBA_OUT_OF_RANGE);
      else if (opcode == `SCSI_OP_WRITE_10 && med_wprot_i) refuse(`SCSI_SK_DATA_PROTECT, `SCSI_ASC_WRITE_PROTECTED);
      else if (blocks != 16'd0) kind_o <= opcode == `SCSI_OP_READ_10 ? `TGT_KIND_READ : `TGT_KIND_WRITE;
      default: refuse(`SCSI_SK_ILLEGAL_REQUEST, `SCSI_ASC_INVALID_OPCODE);
    endcase
  endtask

  // Generated data, byte by byte.
  function [7:0] sense_byte;
    input [5:0] index;
    input [19:0] sense;
    case (index)
      6'd0: sense_byte = 8'h70;
      6'd2: sense_byte = {4'd0, sense[19:16]};
      6'd7: sense_byte = 8'd10;
      6'd12: sense_byte = sense[15:8];
      6'd13: sense_byte = sense[7:0];
      default: sense_byte = 8'd0;
    endcase
  endfunction

  function [7:0] inquiry_byte;
    input [5:0] index;
    input absent;
    input wide;
    // vendor (8), product (16) and revision (4)
    reg [28*8-1:0] text;
    begin
      text = "SILENT  MIRROR DISK     0001";
      case (index)
        6'd0: inquiry_byte = absent ? 8'h7F : 8'h00;
        6'd1: inquiry_byte = 8'h00;
        6'd2: inquiry_byte = 8'h03;
        6'd3: inquiry_byte = 8'h02;
        6'd4: inquiry_byte = 8'd31;
        6'd5, 6'd6: inquiry_byte = 8'h00;
        6'd7: inquiry_byte = {2'b00, wide, 3'b000, 1'b1, 1'b0};
        default: inquiry_byte = text[8*(6'd35-index)+:8];
      endcase
    end
  endfunction

  function [7:0] capacity_byte;
    input [2:0] index;
    input [63:0] data;
    capacity_byte = data[8*(3'd7-index)+:8];
  endfunction

  // Everything it depends on is an argument, so that the assignment below follows every change.
  function [7:0] generated;
    input [5:0] index;
    input [1:0] source;
    input [19:0] sense;
    input absent;
    input wide;
    input [63:0] capacity;
    case (source)
      FROM_SENSE: generated = sense_byte(index, sense);
      FROM_INQUIRY: generated = inquiry_byte(index, absent, wide);
      default: generated = capacity_byte(index[2:0], capacity);
    endcase
  endfunction

  wire [63:0] capacity = {last_lba, 19'd0, med_block_len_i};

  assign data_o = {
    generated(index_i | 6'd1, source_q, report_q, absent_q, wide_i, capacity),
    generated(index_i, source_q, report_q, absent_q, wide_i, capacity)
  };

endmodule
`default_nettype wire
