// CRC-32 of a DT data group, one 16-bit word a step.
//
// Used by tgt_sync and ini_sync, which hold the register. Rules: polynomial 04C11DB7h (spi-facts 8); order of bytes: docs/protocol.md, DT
// data groups. The rest is open: which bit of a byte comes first, what the register starts with, and what its value is exclusive-ored with
// when it is sent. Bit 0 of SEED and INVERT is the coefficient of the highest power.
`default_nettype none

module scsi_crc #(
    parameter LSB_FIRST = 1,  // 0: bit 7 of each byte
    parameter [31:0] SEED = 32'hFFFFFFFF,
    parameter [31:0] INVERT = 32'hFFFFFFFF
) (
    input wire        clear_i,  // a group begins
    input wire        en_i,     // word_i belongs to it
    input wire [31:0] crc_i,
    input wire [15:0] word_i,
    output reg [31:0] next_o,   // of crc_i

    output wire [15:0] first_o,   // CRC words of what has come so far, in bus order
    output wire [15:0] second_o,
    output wire        good_o     // what has come so far ends with its right CRC
);

  generate
    if (LSB_FIRST != 0 && LSB_FIRST != 1) begin : g_bad_order
      lsb_first_must_be_0_or_1 u_error ();
    end
  endgenerate

  localparam [31:0] POLYNOMIAL = 32'hEDB88320;  // 04C11DB7h, bit 0 first

  function [15:0] ordered;
    input [15:0] word;
    integer n;
    for (n = 0; n < 16; n = n + 1) ordered[n] = LSB_FIRST != 0 ? word[n] : word[{n[3], ~n[2:0]}];
  endfunction

  function [31:0] step;
    input [31:0] crc;
    input [15:0] word;
    integer n;
    begin
      step = crc;
      for (n = 0; n < 16; n = n + 1) step = {1'b0, step[31:1]} ^ (step[0] ^ word[n] ? POLYNOMIAL : 32'd0);
    end
  endfunction

  // A register that takes in its own value becomes zero: what is left after the right CRC depends on INVERT alone.
  localparam [31:0] RESIDUE = step(step(32'd0, INVERT[15:0]), INVERT[31:16]);

  assign first_o  = ordered(crc_i[15:0] ^ INVERT[15:0]);
  assign second_o = ordered(crc_i[31:16] ^ INVERT[31:16]);
  assign good_o   = crc_i == RESIDUE;

  always @(*) begin
    if (clear_i) next_o = SEED;
    else if (en_i) next_o = step(crc_i, ordered(word_i));
    else next_o = crc_i;
  end

endmodule
`default_nettype wire
