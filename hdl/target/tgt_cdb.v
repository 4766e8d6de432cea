// What a CDB asks for: its fields, taken out and checked one by one; likewise for a mirrored operation.
//
// Used by tgt_disk, which says when: take_i, one clock later check_i; faults are known two clocks after that. Only bits are checked that ask for what the disk cannot do
// (linked commands, relative addresses, saved pages, vital product data, sense descriptors); other reserved bits are passed over.
`default_nettype none
`include "scsi_defs.vh"
`include "tgt_kinds.vh"

module tgt_cdb (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        take_i,        // pulse: LBA, count and command are right from the next clock on
    input wire        check_i,       // pulse: sizes and source as well, from the clock after that on faults
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [79:0] cdb_i,         // first byte in the top bits
    /* verilator lint_on UNUSEDSIGNAL */
    input wire        mirror_i,      // instead: a mirrored operation of mirror_len_i bytes at mirror_lba_i
    input wire        mirror_read_i,
    input wire [31:0] mirror_lba_i,
    input wire [23:0] mirror_len_i,
    input wire [23:0] buf_bytes_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [12:0] block_len_i,   // 512, 1024, 2048 or 4096
    /* verilator lint_on UNUSEDSIGNAL */

    output reg [ 3:0] command_o,    // TGT_CMD_x
    output reg [31:0] lba_o,
    output reg [15:0] blocks_o,
    output reg        fua_o,
    output reg        fault_o,      // fault_code_o is the additional sense
    output reg [15:0] fault_code_o,
    output reg [15:0] allocation_o, // bytes that the initiator takes or has
    output reg [ 7:0] length_o,     // bytes that there are to send
    output reg [ 2:0] source_o      // ... what they are: TGT_GEN_x
);

  localparam SENSE_BYTES = 8'd18;
  localparam INQUIRY_BYTES = 8'd58;
  localparam CAPACITY_BYTES = 8'd8;
  localparam MODE_BYTES = 8'd32;
  localparam MODE_SHORT_BYTES = 8'd24;
  localparam LUNS_BYTES = 8'd16;

  wire [7:0] opcode = cdb_i[79:72];
  wire [2:0] control = opcode[7:5] == 3'd0 ? cdb_i[34:32] : opcode[7:5] == 3'd1 ? cdb_i[2:0] : 3'd0;
  wire [3:0] shift = block_len_i[12] ? 4'd12 : block_len_i[11] ? 4'd11 : block_len_i[10] ? 4'd10 : 4'd9;
  wire [23:0] mirror_blocks = mirror_len_i >> shift;
  wire ragged = mirror_blocks << shift != mirror_len_i || mirror_len_i == 24'd0 || mirror_len_i > buf_bytes_i;

  reg check_q;
  reg bad_field_q, bad_length_q, bad_page_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {check_q, bad_field_q, bad_length_q, bad_page_q} <= 4'd0;
      command_o <= `TGT_CMD_UNKNOWN;
      lba_o <= 32'd0;
      {blocks_o, fault_code_o, allocation_o} <= 48'd0;
      {fua_o, fault_o} <= 2'd0;
      length_o <= 8'd0;
      source_o <= `TGT_GEN_SENSE;
    end else if (take_i) begin
      fields;
    end else if (check_i || check_q) begin
      check_q <= check_i;
      if (check_i) begin
        look;
        size;
      end else begin
        judge;
      end
    end
  end

  task fields;
    begin
      fua_o <= !mirror_i && opcode[5] && cdb_i[67];
      command_o <= !mirror_i ? command_of(opcode) : mirror_read_i ? `TGT_CMD_MIRROR_READ : `TGT_CMD_MIRROR_WRITE;
      if (mirror_i) begin
        lba_o <= mirror_lba_i;
        blocks_o <= mirror_blocks[15:0];
      end else if (opcode[7:5] == 3'd0) begin
        lba_o <= {11'd0, cdb_i[68:48]};
        blocks_o <= {7'd0, cdb_i[47:40] == 8'd0, cdb_i[47:40]};
      end else begin
        lba_o <= cdb_i[63:32];
        blocks_o <= cdb_i[23:8];
      end
    end
  endtask

  function [3:0] command_of;
    input [7:0] code;
    case (code)
      `SCSI_OP_TEST_UNIT_READY: command_of = `TGT_CMD_READY;
      `SCSI_OP_REQUEST_SENSE: command_of = `TGT_CMD_SENSE;
      `SCSI_OP_INQUIRY: command_of = `TGT_CMD_INQUIRY;
      `SCSI_OP_READ_CAPACITY_10: command_of = `TGT_CMD_CAPACITY;
      `SCSI_OP_READ_6, `SCSI_OP_READ_10: command_of = `TGT_CMD_READ;
      `SCSI_OP_WRITE_6, `SCSI_OP_WRITE_10: command_of = `TGT_CMD_WRITE;
      `SCSI_OP_MODE_SELECT_6: command_of = `TGT_CMD_SELECT;
      `SCSI_OP_MODE_SENSE_6: command_of = `TGT_CMD_MODE;
      `SCSI_OP_SYNCHRONIZE_CACHE_10: command_of = `TGT_CMD_SYNC;
      `SCSI_OP_REPORT_LUNS: command_of = `TGT_CMD_LUNS;
      default: command_of = `TGT_CMD_UNKNOWN;
    endcase
  endfunction

  // ---- what is wrong with the CDB: bits that ask for what the disk cannot do

  task fault;
    input [15:0] code;
    begin
      fault_o <= 1'b1;
      fault_code_o <= code;
    end
  endtask

  task look;
    begin
      bad_field_q <= bad_field(command_o, control);
      bad_page_q <= command_o == `TGT_CMD_MODE && cdb_i[63:62] == 2'd3;
      bad_length_q <= command_o == `TGT_CMD_SELECT && bad_list_length(cdb_i[47:40]);
    end
  endtask

  task judge;
    begin
      fault_o <= 1'b0;
      if (command_o == `TGT_CMD_UNKNOWN) fault(`SCSI_ASC_INVALID_OPCODE);
      else if (bad_field_q) fault(`SCSI_ASC_INVALID_FIELD_IN_CDB);
      else if (bad_page_q) fault(`SCSI_ASC_SAVING_PARAMETERS_NOT_SUPPORTED);
      else if (bad_length_q) fault(`SCSI_ASC_PARAMETER_LIST_LENGTH_ERROR);
    end
  endtask

  function bad_field;
    input [3:0] command;
    input [2:0] link;  // NACA, Flag, Link
    case (command)
      `TGT_CMD_SENSE: bad_field = link != 3'd0 || cdb_i[64];  // descriptor format
      `TGT_CMD_INQUIRY: bad_field = link != 3'd0 || cdb_i[65:64] != 2'd0 || cdb_i[63:56] != 8'd0;  // EVPD, CmdDt, page
      `TGT_CMD_CAPACITY: bad_field = link != 3'd0 || cdb_i[64] || (!cdb_i[8] && cdb_i[63:32] != 32'd0);  // RelAdr, LBA without PMI
      `TGT_CMD_READ, `TGT_CMD_WRITE: bad_field = link != 3'd0 || (opcode[5] && cdb_i[64]);  // RelAdr
      `TGT_CMD_SELECT: bad_field = link != 3'd0 || cdb_i[64];  // SP
      `TGT_CMD_MODE: bad_field = link != 3'd0 || (cdb_i[61:56] != 6'h08 && cdb_i[61:56] != 6'h3F) || cdb_i[55:48] != 8'd0;
      `TGT_CMD_SYNC: bad_field = link != 3'd0 || cdb_i[64];  // RelAdr
      `TGT_CMD_LUNS: bad_field = cdb_i[63:58] != 6'd0 || cdb_i[56] || cdb_i[31:4] == 28'd0;  // select report 0 or 2; 16 bytes
      `TGT_CMD_MIRROR_WRITE, `TGT_CMD_MIRROR_READ: bad_field = ragged;
      default: bad_field = link != 3'd0;
    endcase
  endfunction

  // A header, perhaps with a block descriptor, perhaps with the caching page.
  function bad_list_length;
    input [7:0] length;
    bad_list_length = length != 8'd0 && length != 8'd4 && length != 8'd12 && length != MODE_SHORT_BYTES && length != MODE_BYTES;
  endfunction

  // ---- how many bytes

  task size;
    begin
      allocation_o <= {command_o == `TGT_CMD_INQUIRY ? cdb_i[55:48] : 8'd0, cdb_i[47:40]};
      case (command_o)
        `TGT_CMD_SENSE: {source_o, length_o} <= {`TGT_GEN_SENSE, SENSE_BYTES};
        `TGT_CMD_INQUIRY: {source_o, length_o} <= {`TGT_GEN_INQUIRY, INQUIRY_BYTES};
        `TGT_CMD_MODE:
        if (cdb_i[67]) {source_o, length_o} <= {`TGT_GEN_MODE_SHORT, MODE_SHORT_BYTES};
        else {source_o, length_o} <= {`TGT_GEN_MODE, MODE_BYTES};
        `TGT_CMD_CAPACITY: begin
          {source_o, length_o} <= {`TGT_GEN_CAPACITY, CAPACITY_BYTES};
          allocation_o <= {8'd0, CAPACITY_BYTES};
        end
        `TGT_CMD_LUNS: begin
          {source_o, length_o} <= {`TGT_GEN_LUNS, LUNS_BYTES};
          allocation_o <= {8'd0, LUNS_BYTES};
        end
        default: length_o <= 8'hFF;  // a parameter list: all of it
      endcase
    end
  endtask

endmodule
`default_nettype wire
