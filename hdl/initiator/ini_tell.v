// The completion of a mirrored command, from the results of its members.
//
// Used by ini_group. Rule: docs/host-interface.md: OK if every member is OK with GOOD; the status is that of the first in order that is not.
`default_nettype none
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_tell (
    input wire clk_i,
    input wire rst_ni,

    // the command; it holds until done_o
    input wire                   start_i,  // pulse
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input wire [`INI_DESC_W-1:0] cmd_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input wire                   void_i,   // it was never started: BAD_DESCRIPTOR
    input wire [            3:0] leader_i, // SCSI ID
    input wire [            4:0] blocks_i, // done by at least one member

    // results of the members
    output wire [ 3:0] z_o,
    input  wire [15:0] word_i,  // two clocks after

    output reg         note_o,        // pulse: a word of members
    output wire [ 2:0] note_word_o,
    output reg  [31:0] note_data_o,
    output wire        post_o,        // until post_taken_i
    input  wire        post_taken_i,
    output wire [31:0] cpl0_o,
    output wire [31:0] cpl1_o,
    output reg         done_o         // pulse
);

  localparam IDLE = 3'd0;  // nothing to tell
  localparam LOOK = 3'd1;  // the member of a rank is looked up
  localparam COUNT = 3'd2;  // ... counted
  localparam FETCH = 3'd3;  // results of a z are looked up
  localparam WRITE = 3'd4;  // ... written, two a word
  localparam SUM = 3'd5;  // bytes
  localparam POST = 3'd6;  // the completion itself

  localparam [15:0] NOBODY = {4'd0, `INI_RES_NOT_NAMED, 8'd0};

  reg [2:0] state_q;
  reg [3:0] at_q;  // rank, then z
  reg [59:0] left_q;  // z of the ranks still to look at
  reg [3:0] good_q;
  reg [7:0] status_q;
  reg [3:0] result_q;
  reg [4:0] steps_q;
  reg [23:0] bytes_q;
  reg [2:0] word_q;
  reg       wait_q;  // second clock of a look

  wire [15:0] word = void_i ? NOBODY : word_i;
  wire good = word[11:0] == 12'd0;
  wire awake = start_i || state_q != IDLE || note_o || done_o;

  assign z_o = state_q == LOOK ? left_q[3:0] : at_q;
  assign note_word_o = word_q;
  assign post_o = state_q == POST;
  assign cpl0_o = {status_q, good_q, leader_i, cmd_i[`INI_D_TAG], cmd_i[`INI_D_OPCODE], 2'd0, 2'b11};
  assign cpl1_o = {bytes_q, 4'd0, result_q};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      {at_q, good_q, result_q} <= 12'd0;
      left_q <= 60'd0;
      status_q <= 8'd0;
      steps_q <= 5'd0;
      bytes_q <= 24'd0;
      word_q <= 3'd0;
      {note_o, done_o, wait_q} <= 3'd0;
      note_data_o <= 32'd0;
    end else if (awake) begin
      {note_o, done_o} <= 2'd0;
      wait_q <= 1'b0;
      case (state_q)
        IDLE:
        if (start_i) begin
          at_q <= 4'd0;
          left_q <= cmd_i[`INI_D_ORDER];
          good_q <= 4'd0;
          status_q <= 8'd0;
          result_q <= void_i ? `INI_RES_BAD_DESCRIPTOR : `INI_RES_OK;
          steps_q <= blocks_i;
          bytes_q <= 24'd0;
          state_q <= void_i ? FETCH : LOOK;
        end

        LOOK:
        if (at_q == cmd_i[`INI_D_COUNT]) begin
          at_q <= 4'd0;
          state_q <= FETCH;
        end else begin
          wait_q <= 1'b1;
          if (wait_q) state_q <= COUNT;
        end

        COUNT: begin
          if (good) begin
            good_q <= good_q + 4'd1;
          end else if (result_q == `INI_RES_OK) begin
            status_q <= word[7:0];
            result_q <= word[11:8] == `INI_RES_BAD_DESCRIPTOR ? `INI_RES_BAD_DESCRIPTOR : `INI_RES_MEMBERS;
          end
          at_q <= at_q + 4'd1;
          left_q <= {4'd0, left_q[59:4]};
          state_q <= LOOK;
        end

        FETCH: begin
          wait_q <= 1'b1;
          if (wait_q) state_q <= WRITE;
        end

        WRITE: begin
          note_data_o <= {good ? 16'd0 : word, note_data_o[31:16]};
          note_o <= at_q[0];
          word_q <= at_q[3:1];
          at_q <= at_q + 4'd1;
          state_q <= at_q == 4'd15 ? SUM : FETCH;
        end

        SUM:
        if (steps_q == 5'd0) begin
          state_q <= POST;
        end else begin
          bytes_q <= bytes_q + cmd_i[`INI_D_LEN];
          steps_q <= steps_q - 5'd1;
        end

        default:  // POST
        if (post_taken_i) begin
          done_o <= 1'b1;
          state_q <= IDLE;
        end
      endcase
    end
  end

endmodule
`default_nettype wire
