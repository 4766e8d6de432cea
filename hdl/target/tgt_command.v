// Puts a CDB together from the bytes of the COMMAND phase.
//
// Used by scsi_target beside tgt_link, which asks for the operation code first and then for as many bytes as its group says. What
// is longer than ten bytes is taken and dropped: no command of such a length is known to the disk but for its operation code.
`default_nettype none

module tgt_command (
    input wire       clk_i,
    input wire       rst_ni,
    input wire       clear_i,  // pulse: a CDB begins
    input wire       got_i,    // pulse: a byte of it
    input wire [7:0] rdata_i,

    output reg  [79:0] cdb_o,  // first byte in the top bits
    output reg  [ 3:0] rest_o  // bytes after the operation code, by group code
);

  localparam FULL = 4'd10;

  reg [3:0] count_q;  // bytes so far

  // Nothing to do in a clock should cost a simulation nothing.
  wire      awake = clear_i || got_i;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      cdb_o   <= 80'd0;
      count_q <= 4'd0;
      rest_o  <= 4'd0;
    end else if (awake) begin
      if (clear_i) begin
        cdb_o   <= 80'd0;
        count_q <= 4'd0;
      end else if (count_q != FULL) begin
        cdb_o[8*(4'd9-count_q)+:8] <= rdata_i;
        count_q <= count_q + 4'd1;
        if (count_q == 4'd0) begin
          case (rdata_i[7:5])
            3'd1, 3'd2: rest_o <= 4'd9;
            3'd4: rest_o <= 4'd15;
            3'd5: rest_o <= 4'd11;
            default: rest_o <= 4'd5;
          endcase
        end
      end
    end
  end

endmodule
`default_nettype wire
