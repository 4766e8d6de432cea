// Hands a parameter list on to the disk in whole words.
//
// Used by scsi_target between tgt_data and tgt_disk. On an 8-bit bus tgt_data writes each word twice, when its first byte is there and when
// both are; the disk is to see it once. So the last word waits until another one comes, or the end.
`default_nettype none

module tgt_params (
    input wire        clk_i,
    input wire        rst_ni,
    input wire        begin_i,  // pulse: a data phase begins
    input wire        we_i,
    input wire [ 4:0] word_i,   // word of the list
    input wire [15:0] data_i,
    input wire        done_i,   // pulse: all of it came

    output reg        we_o,
    output reg [ 5:0] index_o,  // even byte
    output reg [15:0] data_o,
    output reg        done_o
);

  reg        held_q;
  reg [ 4:0] word_q;
  reg [15:0] data_q;
  reg        done_q;

  // Nothing to do in a clock should cost a simulation nothing.
  wire       awake = begin_i || we_i || done_i || done_q || done_o || we_o;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {held_q, done_q, we_o, done_o} <= 4'd0;
      word_q <= 5'd0;
      {data_q, data_o} <= 32'd0;
      index_o <= 6'd0;
    end else if (awake) begin
      done_q <= done_i;
      done_o <= done_q;
      we_o <= held_q && (done_i || (we_i && word_i != word_q));
      index_o <= {word_q, 1'b0};
      data_o <= data_q;
      if (begin_i || done_i) begin
        held_q <= 1'b0;
      end else if (we_i) begin
        held_q <= 1'b1;
        word_q <= word_i;
        data_q <= data_i;
      end
    end
  end

endmodule
`default_nettype wire
