// The data that a disk makes up: sense data, INQUIRY, READ CAPACITY, mode parameters, REPORT LUNS.
//
// Used by tgt_disk. Layouts: SPC and SBC. `data_o` is the pair of bytes at index_i of one clock ago, the first in bits 7:0; beyond
// the end of the data it is zero or of no meaning.
`default_nettype none
`include "tgt_kinds.vh"

module tgt_pages (
    input wire                    clk_i,
    input wire                    rst_ni,
    input wire                    run_i,      // data is wanted
    input wire [             2:0] source_i,   // TGT_GEN_x
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [             5:0] index_i,    // even
    /* verilator lint_on UNUSEDSIGNAL */
    input wire [`TGT_SENSE_W-1:0] sense_i,
    input wire                    absent_i,   // the LUN does not exist
    input wire                    wide_i,
    input wire                    sync_i,
    input wire                    dt_i,
    input wire                    qas_i,
    input wire [            31:0] last_lba_i,
    input wire [            23:0] blocks_i,   // as in a block descriptor
    input wire [            12:0] block_len_i,
    input wire                    wprot_i,
    input wire [             7:0] caching_i,  // byte 2 of the caching page

    output reg [15:0] data_o
);

  wire [15:0] length = {3'd0, block_len_i};
  wire [31:0] info = sense_i[`TGT_SENSE_INFO];

  // Two bytes in the order in which they go over the bus: what is always the same ...
  wire [7:0] place = {source_i, index_i[5:1]};
  reg [15:0] fixed;
  always @(*) begin
    case (place)
      {`TGT_GEN_SENSE, 5'd0}: fixed = 16'h7000;
      {`TGT_GEN_SENSE, 5'd3}: fixed = 16'd10;
      {`TGT_GEN_INQUIRY, 5'd1}: fixed = 16'h0302;
      {`TGT_GEN_INQUIRY, 5'd2}: fixed = {8'd53, 8'd0};
      {`TGT_GEN_INQUIRY, 5'd3}: fixed = 16'h0002;
      {`TGT_GEN_INQUIRY, 5'd4}: fixed = "SI";
      {`TGT_GEN_INQUIRY, 5'd5}: fixed = "LE";
      {`TGT_GEN_INQUIRY, 5'd6}: fixed = "NT";
      {`TGT_GEN_INQUIRY, 5'd7}: fixed = "  ";
      {`TGT_GEN_INQUIRY, 5'd8}: fixed = "MI";
      {`TGT_GEN_INQUIRY, 5'd9}: fixed = "RR";
      {`TGT_GEN_INQUIRY, 5'd10}: fixed = "OR";
      {`TGT_GEN_INQUIRY, 5'd11}: fixed = " D";
      {`TGT_GEN_INQUIRY, 5'd12}: fixed = "IS";
      {`TGT_GEN_INQUIRY, 5'd13}: fixed = "K ";
      {`TGT_GEN_INQUIRY, 5'd14}: fixed = "  ";
      {`TGT_GEN_INQUIRY, 5'd15}: fixed = "  ";
      {`TGT_GEN_INQUIRY, 5'd16}: fixed = "00";
      {`TGT_GEN_INQUIRY, 5'd17}: fixed = "01";
      {`TGT_GEN_MODE, 5'd0}: fixed = {8'd31, 8'd0};
      {`TGT_GEN_MODE, 5'd1}: fixed = 16'h1008;  // DPO and FUA are understood
      {`TGT_GEN_MODE, 5'd6}: fixed = {`TGT_CACHING_PAGE, `TGT_CACHING_LENGTH};
      {`TGT_GEN_MODE_SHORT, 5'd0}: fixed = {8'd23, 8'd0};
      {`TGT_GEN_MODE_SHORT, 5'd1}: fixed = 16'h1000;
      {`TGT_GEN_MODE_SHORT, 5'd2}: fixed = {`TGT_CACHING_PAGE, `TGT_CACHING_LENGTH};
      {`TGT_GEN_LUNS, 5'd1}: fixed = 16'd8;  // length of a list with LUN 0
      default: fixed = 16'd0;
    endcase
  end

  // ... and what is not.
  function [15:0] when;
    input [7:0] where;
    input [7:0] here;
    input [15:0] pair;
    when = where == here ? pair : 16'd0;
  endfunction

  wire [15:0] current =
      when({`TGT_GEN_SENSE, 5'd0}, place, {sense_i[`TGT_SENSE_VALID], 6'd0, sense_i[`TGT_SENSE_DEFERRED], 8'd0})
      | when({`TGT_GEN_SENSE, 5'd1}, place, {4'd0, sense_i[`TGT_SENSE_KEY], info[31:24]})
      | when({`TGT_GEN_SENSE, 5'd2}, place, info[23:8])
      | when({`TGT_GEN_SENSE, 5'd3}, place, {info[7:0], 8'd0})
      | when({`TGT_GEN_SENSE, 5'd6}, place, sense_i[`TGT_SENSE_CODE])
      | when({`TGT_GEN_INQUIRY, 5'd0}, place, absent_i ? 16'h7F00 : 16'd0)
      | when({`TGT_GEN_INQUIRY, 5'd3}, place, {10'd0, wide_i, sync_i, 4'd0})
      | when({`TGT_GEN_INQUIRY, 5'd28}, place, {4'd0, dt_i, dt_i, qas_i, 9'd0})
      | when({`TGT_GEN_CAPACITY, 5'd0}, place, last_lba_i[31:16])
      | when({`TGT_GEN_CAPACITY, 5'd1}, place, last_lba_i[15:0])
      | when({`TGT_GEN_CAPACITY, 5'd3}, place, length)
      | when({`TGT_GEN_MODE, 5'd1}, place, {wprot_i, 15'd0})
      | when({`TGT_GEN_MODE, 5'd2}, place, {8'd0, blocks_i[23:16]})
      | when({`TGT_GEN_MODE, 5'd3}, place, blocks_i[15:0])
      | when({`TGT_GEN_MODE, 5'd5}, place, length)
      | when({`TGT_GEN_MODE, 5'd7}, place, {caching_i, 8'd0})
      | when({`TGT_GEN_MODE_SHORT, 5'd1}, place, {wprot_i, 15'd0})
      | when({`TGT_GEN_MODE_SHORT, 5'd3}, place, {caching_i, 8'd0});

  wire [15:0] here = fixed | current;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) data_o <= 16'd0;
    else if (run_i) data_o <= {here[7:0], here[15:8]};
  end

endmodule
`default_nettype wire
