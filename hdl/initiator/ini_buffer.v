// Block buffer: two byte-wide memories, even and odd, one read and one write port.
//
// Used by scsi_initiator: the bus side (ini_data) has the right of way, the host's streams (ini_axis) wait a clock. A pair of bytes may
// start at an odd address: the lanes are then swapped, here for what is written, by the reader for what is read.
`default_nettype none

module ini_buffer #(
    parameter BYTES = 16384,
    parameter PW = 15
) (
    input wire clk_i,

    input  wire          rd_i,
    input  wire [PW-1:0] rd_addr_i,
    output wire [  15:0] rd_data_o,  // bytes at rd_addr_i and after it, a clock after rd_i: bits 15:8 are that at the odd address

    input wire [   1:0] wr_i,       // write the byte at wr_addr_i, and the one after it
    input wire [PW-1:0] wr_addr_i,
    input wire [  15:0] wr_data_i
);

  localparam AW = PW - 2;  // address of a pair

  // Nobody reads what is written in the same clock.
  (* no_rw_check *)
  reg [7:0] even_mem [0:BYTES/2-1];
  (* no_rw_check *)
  reg [7:0] odd_mem  [0:BYTES/2-1];
  reg [7:0] even_q, odd_q;

  wire [AW-1:0] rd_pair = rd_addr_i[AW:1];
  wire [AW-1:0] wr_pair = wr_addr_i[AW:1];
  wire          rd_odd = rd_addr_i[0];
  wire          wr_odd = wr_addr_i[0];

  wire          even_wr = wr_odd ? wr_i[1] : wr_i[0];
  wire          odd_wr = wr_odd ? wr_i[0] : wr_i[1];

  assign rd_data_o = {odd_q, even_q};

  always @(posedge clk_i) begin
    if (rd_i) begin
      even_q <= even_mem[rd_pair+{{(AW-1){1'b0}}, rd_odd}];
      odd_q <= odd_mem[rd_pair];
    end
    if (even_wr)
      even_mem[wr_pair+{{(AW-1){1'b0}}, wr_odd}] <= wr_odd ? wr_data_i[15:8] : wr_data_i[7:0];
    if (odd_wr) odd_mem[wr_pair] <= wr_odd ? wr_data_i[7:0] : wr_data_i[15:8];
  end

  // Address bits above the buffer are checked where descriptors come in.
  wire unused = &{1'b0, rd_addr_i[PW-1], wr_addr_i[PW-1]};

endmodule
`default_nettype wire
