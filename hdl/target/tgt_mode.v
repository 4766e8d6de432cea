// Mode parameters of a disk: the write cache, and whether the parameter list of a MODE SELECT(6) is right.
//
// Used by tgt_disk. The list is a header, perhaps a block descriptor, perhaps the caching page, and says what MODE SENSE said but
// for WCE (SPC: a change of anything that is not changeable is an invalid field). It takes effect as a whole or not at all.
// judged_o comes in the clock after param_done_i.
`default_nettype none
`include "tgt_kinds.vh"

module tgt_mode (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        reset_i,     // defaults
    input wire [23:0] blocks_i,    // as in the block descriptor
    input wire [12:0] block_len_i,

    input wire        param_we_i,
    input wire [ 5:0] param_index_i,  // even byte; what comes last for an index counts
    input wire [15:0] param_data_i,   // that byte in bits 7:0, the next in 15:8
    input wire        param_done_i,

    output reg  judged_o,      // pulse, with the three below
    output wire bad_length_o,
    output wire bad_o,         // content
    output wire changed_o,
    output reg  cache_o        // WCE
);

  localparam HEADER = 6'd0;
  localparam DESCRIPTOR_LENGTH = 6'd2;
  localparam DESCRIPTOR = 6'd4;
  localparam PAGE_SHORT = 6'd4;  // no descriptor
  localparam PAGE_LONG = 6'd12;
  localparam PAGE_BYTES = 6'd20;

  // the word that came last and may come again in full, and what it should be
  reg  [ 5:0] index_q;
  reg  [15:0] data_q;
  reg  [15:0] want_q;
  reg  [15:0] mask_q;  // bits that must be as wanted
  reg  [15:0] count_q;  // bits of the number of blocks: zero in all words, or as wanted in all
  reg         wce_here_q;

  reg         described_q;  // there is a block descriptor
  reg         wrong_q;
  reg         count_wrong_q;
  reg         count_set_q;
  reg         wce_q;

  wire [15:0] differs = data_q ^ want_q;
  wire        wrong = wrong_q || (differs & mask_q) != 16'd0;
  wire        count_wrong = count_wrong_q || (differs & count_q) != 16'd0;
  wire        count_set = count_set_q || (data_q & count_q) != 16'd0;
  wire        wce = wce_here_q ? data_q[2] : wce_q;
  wire [ 5:0] page = described_q ? PAGE_LONG : PAGE_SHORT;
  wire        has_page = index_q == page + PAGE_BYTES - 6'd2;

  assign bad_length_o = !has_page && index_q != page - 6'd2;
  assign bad_o = wrong || (count_wrong && count_set);
  assign changed_o = judged_o && has_page && !bad_o && wce != cache_o;

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = reset_i || param_we_i || param_done_i || judged_o;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {wce_here_q, described_q, wrong_q, count_wrong_q, count_set_q, wce_q, judged_o, cache_o} <= 8'd0;
      index_q <= 6'd0;
      {data_q, want_q, mask_q, count_q} <= 64'd0;
    end else if (awake) begin
      judged_o <= param_done_i;
      if (param_we_i) word;
      if (changed_o) cache_o <= wce;
      if (reset_i) cache_o <= 1'b0;
    end
  end

  task word;
    begin
      if (param_index_i != index_q) begin
        {wrong_q, count_wrong_q, count_set_q} <= {wrong, count_wrong, count_set};
        wce_q <= wce;
      end
      index_q <= param_index_i;
      data_q <= param_data_i;
      want_q <= 16'd0;
      mask_q <= 16'hFFFF;
      count_q <= 16'd0;
      wce_here_q <= 1'b0;
      if (param_index_i == HEADER) begin
        mask_q <= 16'hFF00;  // mode data length: reserved here
        {described_q, wrong_q, count_wrong_q, count_set_q} <= 4'd0;
      end else if (param_index_i == DESCRIPTOR_LENGTH) begin
        mask_q <= 16'hF700;  // 0 or 8; the device-specific byte cannot be set and is passed over
        described_q <= param_data_i[11];
      end else if (described_q && param_index_i < PAGE_LONG) begin
        descriptor(param_index_i);
      end else if (param_index_i == page) begin
        want_q <= {`TGT_CACHING_LENGTH, `TGT_CACHING_PAGE};
      end else if (param_index_i == page + 6'd2) begin
        want_q <= {8'd0, `TGT_CACHING_RCD};
        mask_q <= ~{8'd0, `TGT_CACHING_WCE};
        wce_here_q <= 1'b1;
      end
    end
  endtask

  task descriptor;
    input [5:0] index;
    case (index)
      DESCRIPTOR: begin
        want_q <= {blocks_i[23:16], 8'd0};
        mask_q <= 16'h00FF;
        count_q <= 16'hFF00;
      end
      DESCRIPTOR + 6'd2: begin
        want_q <= {blocks_i[7:0], blocks_i[15:8]};
        mask_q <= 16'd0;
        count_q <= 16'hFFFF;
      end
      DESCRIPTOR + 6'd4: ;
      default: want_q <= {block_len_i[7:0], 3'd0, block_len_i[12:8]};
    endcase
  endtask

endmodule
`default_nettype wire
