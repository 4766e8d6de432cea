// The extended messages of silent mirroring that a drive sends: its answer to CAPABILITY, and FAILED BLOCK.
//
// Used by scsi_target for tgt_dialog, which counts their bytes. Rule: the answer holds what both have and the smaller number of blocks
// (docs/protocol.md, extensions).
`default_nettype none
`include "scsi_defs.vh"
`include "tgt_events.vh"

module tgt_extended #(
    parameter EXT_CAPABILITY = `MIRROR_EXT_CAPABILITY,
    parameter EXT_FAILED = `MIRROR_EXT_FAILED
) (
    input wire       clk_i,
    input wire       rst_ni,
    input wire [1:0] cfg_can_i,  // extensions that this drive has: flags of CAPABILITY

    // CAPABILITY of the initiator
    input wire [ 4:0] event_i,
    input wire [ 7:0] yz_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [15:0] args_i,    // flags, blocks
    /* verilator lint_on UNUSEDSIGNAL */

    // FAILED BLOCK
    input wire [7:0] own_yz_i,
    input wire [7:0] block_i,

    input  wire       answer_i,  // the answer, else FAILED BLOCK
    input  wire [2:0] index_i,   // byte of the message, from 1 on
    output reg  [7:0] byte_o,    // one clock later
    output reg  [1:0] can_o      // what has been answered
);

  localparam [7:0] BLOCKS = 8'd16;  // most in a series

  reg [7:0] yz_q, blocks_q;
  wire asked = event_i == `TGT_EV_CAPABILITY;

  // Nothing to do in a clock should cost a simulation nothing.
  reg [3:0] shown_q;
  wire awake = asked || shown_q != {answer_i, index_i};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {yz_q, blocks_q, byte_o} <= 24'd0;
      can_o <= 2'd0;
      shown_q <= 4'd0;
    end else if (awake) begin
      if (asked) begin
        yz_q <= yz_i;
        can_o <= args_i[9:8] & cfg_can_i;
        blocks_q <= !args_i[8+`TGT_CAN_SERIES] || !cfg_can_i[`TGT_CAN_SERIES] ? 8'd0 : args_i[7:0] < BLOCKS ? args_i[7:0] : BLOCKS;
      end
      shown_q <= {answer_i, index_i};
      byte_o  <= answer_i ? answer(index_i) : failed(index_i);
    end
  end

  function [7:0] answer;
    input [2:0] index;
    case (index)
      3'd1: answer = `MIRROR_EXT_LEN_CAPABILITY;
      3'd2: answer = EXT_CAPABILITY;
      3'd3: answer = yz_q;
      3'd4: answer = {6'd0, can_o};
      default: answer = blocks_q;
    endcase
  endfunction

  function [7:0] failed;
    input [2:0] index;
    case (index)
      3'd1: failed = `MIRROR_EXT_LEN_FAILED;
      3'd2: failed = EXT_FAILED;
      3'd3: failed = own_yz_i;
      default: failed = block_i;
    endcase
  endfunction

endmodule
`default_nettype wire
