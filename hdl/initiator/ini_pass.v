// Makes the descriptor of one connection (a pass) of a mirrored command: who takes part in which order, which blocks, with which extensions.
//
// Used by ini_group. Ranks are gone through one after the other, twice where some are to stand behind others. Rules: docs/protocol.md,
// sections 8 (repeating), 9 (a failed first copy goes last), 14 (extensions only if all participants have them) and 16 (most blocks).
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_pass (
    input wire clk_i,
    input wire rst_ni,

    // the command and what is to be made of it; they hold from start_i to done_o
    input wire                   start_i,  // pulse
    /* verilator lint_off UNUSEDSIGNAL */  // a unit reads the fields it needs
    input wire [`INI_DESC_W-1:0] cmd_i,
    /* verilator lint_on UNUSEDSIGNAL */
    input wire [            2:0] gang_i,
    input wire [            2:0] kind_i,
    input wire [            3:0] mark_i,   // the rank that the kind speaks of
    input wire [            3:0] lead_i,   // z of the leader before
    input wire                   tail_i,   // REGROUP: it goes last
    input wire [            4:0] first_i,  // first block of the pass
    input wire [            3:0] plus_i,   // PLAIN: block after that
    input wire [            4:0] size_i,   // blocks of the pass; 0: as many as can be
    input wire                   sure_i,   // read: the buffer holds a good copy already

    // results of the members before, and who they are
    output wire [ 3:0] z_o,
    input  wire        out_i,     // failed for good; two clocks after z_o
    input  wire        bad_i,     // not OK with GOOD; two clocks after z_o
    input wire       found_i,   // three clocks after z_o
    input  wire [ 3:0] target_i,
    input  wire [ 1:0] flags_i,   // extensions agreed, three clocks after z_o
    input  wire [ 4:0] blocks_i,

    output reg  [ 3:0] block_o,  // block whose number is looked up
    input  wire [31:0] lba_i,    // two clocks after block_o

    output reg                   done_o,  // pulse
    output reg                   ok_o,    // with it: there is a pass
    output reg  [           4:0] size_o,
    output reg  [`INI_DESC_W-1:0] desc_o,
    output reg  [          59:0] ids_o,
    output reg  [          15:0] targets_o  // SCSI IDs of who takes part
);

  localparam IDLE = 4'd0;  // nothing to make
  localparam PLACE = 4'd1;  // where the first block lies in the buffer
  localparam LOOK = 4'd2;  // the member of a rank is looked up
  localparam SEE = 4'd3;  // ... is seen
  localparam WEIGH = 4'd4;  // does it take part?
  localparam TAKE = 4'd5;  // if so, it is noted
  localparam LIMIT = 4'd6;  // blocks that members and host allow
  localparam FIT = 4'd7;  // ... and that there are
  localparam MAKE = 4'd8;  // put together

  localparam [1:0] SEEN = 2'd2;  // clocks from z_o to SEE, less one

  reg [3:0] state_q;
  reg [1:0] wait_q;
  reg       second_q;  // ranks are gone through for the second time
  reg [4:0] steps_q;
  reg [59:0] left_q;  // z of the ranks still to look at
  reg [3:0] rank_q;
  reg [23:0] addr_q;
  reg [59:0] order_q;
  reg [3:0] count_q;
  reg [15:0] seen_q;
  reg [4:0] limit_q;
  reg [4:0] room_q;  // blocks left of the command
  reg [1:0] flags_q;  // what all participants have
  // the member that is looked at
  reg found_q, twice_q, at_lead_q, at_mark_q, past_mark_q, takes_q, fewer_q, out_q, bad_q;
  reg [3:0] target_q;

  wire [4:0] blocks = cmd_i[`INI_D_BLOCKS] == 5'd0 ? 5'd1 : cmd_i[`INI_D_BLOCKS];
  wire [4:0] series = cmd_i[`INI_D_SERIES] == 5'd0 ? 5'd1 : cmd_i[`INI_D_SERIES];
  wire       is_in = cmd_i[`INI_D_OPCODE] == `INI_OP_MIRROR_READ;
  wire       plain = kind_i == `INI_PASS_PLAIN;
  wire       alive = !out_q;
  wire       failed = alive && bad_q;
  wire       twofold = kind_i == `INI_PASS_ROTATE || kind_i == `INI_PASS_LEAD || (kind_i == `INI_PASS_REGROUP && tail_i);
  wire       end_of_ranks = rank_q == cmd_i[`INI_D_COUNT];
  wire [14:0] sectors = cmd_i[`INI_D_LEN_LSB+9+:15];
  wire [15:0] lbas = {1'b0, sectors >> cmd_i[`INI_D_BLOCK_SIZE]};
  reg        takes_part;

  wire awake = `SCSI_AWAKE(start_i || state_q != IDLE || done_o);

  assign z_o = left_q[3:0];

  always @(*) begin
    case (kind_i)
      `INI_PASS_ALL: takes_part = alive;
      `INI_PASS_FROM_LEADER: takes_part = alive && !past_mark_q;
      `INI_PASS_REGROUP: takes_part = failed && second_q == (tail_i && at_lead_q);
      `INI_PASS_ROTATE: takes_part = alive && second_q != past_mark_q;
      `INI_PASS_LEAD: takes_part = second_q ? failed && !at_lead_q : at_lead_q;
      default: takes_part = at_mark_q;  // PLAIN
    endcase
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      wait_q <= 2'd0;
      {second_q, done_o, ok_o, found_q, twice_q, at_lead_q, at_mark_q, past_mark_q, takes_q, fewer_q, out_q, bad_q} <= 12'd0;
      {steps_q, limit_q, size_o, room_q} <= 20'd0;
      left_q <= 60'd0;
      {order_q, ids_o} <= 120'd0;
      {rank_q, count_q, target_q, block_o} <= 16'd0;
      addr_q <= 24'd0;
      seen_q <= 16'd0;
      flags_q <= 2'd0;
      targets_o <= 16'd0;
      desc_o <= {`INI_DESC_W{1'b0}};
    end else if (awake) begin
      done_o <= 1'b0;
      case (state_q)
        IDLE:
        if (start_i) begin
          steps_q <= first_i + {1'b0, plus_i};
          block_o <= first_i[3:0] + plus_i;
          addr_q <= cmd_i[`INI_D_ADDR];
          second_q <= 1'b0;
          {order_q, ids_o} <= 120'd0;
          count_q <= 4'd0;
          {seen_q, targets_o} <= 32'd0;
          flags_q <= 2'b11;
          limit_q <= series;
          ok_o <= 1'b1;
          go_through;
          state_q <= PLACE;
        end

        PLACE:
        if (steps_q == 5'd0) begin
          state_q <= LOOK;
        end else begin
          addr_q <= addr_q + cmd_i[`INI_D_LEN];
          steps_q <= steps_q - 5'd1;
        end

        LOOK:
        if (!end_of_ranks) begin
          wait_q <= wait_q + 2'd1;
          if (wait_q == SEEN) state_q <= SEE;
        end else if (twofold && !second_q) begin
          second_q <= 1'b1;
          go_through;
        end else begin
          state_q <= LIMIT;
        end

        SEE: begin
          {out_q, bad_q} <= {out_i, bad_i};
          found_q <= found_i;
          target_q <= target_i;
          twice_q <= seen_q[z_o];
          at_lead_q <= z_o == lead_i;
          at_mark_q <= rank_q == mark_i;
          past_mark_q <= rank_q > mark_i;
          state_q <= WEIGH;
        end

        WEIGH: begin
          takes_q <= takes_part;
          fewer_q <= blocks_i < limit_q;
          state_q <= TAKE;
        end

        TAKE: begin
          if (takes_q) take;
          wait_q <= 2'd0;
          rank_q <= rank_q + 4'd1;
          left_q <= {4'd0, left_q[59:4]};
          state_q <= LOOK;
        end

        LIMIT: begin
          if (!flags_q[1] || !flags_q[0] || limit_q == 5'd0) limit_q <= 5'd1;
          if (count_q == 4'd0) ok_o <= 1'b0;
          room_q <= blocks - first_i;
          state_q <= FIT;
        end

        FIT: begin
          if (size_i != 5'd0) size_o <= size_i;
          else size_o <= limit_q < room_q ? limit_q : room_q;
          if (!plain && limit_q < size_i) ok_o <= 1'b0;  // an ability was lost since
          state_q <= MAKE;
        end

        default: begin  // MAKE
          make;
          done_o <= 1'b1;
          state_q <= IDLE;
        end
      endcase
    end
  end

  task go_through;
    begin
      wait_q <= 2'd0;
      rank_q <= 4'd0;
      left_q <= cmd_i[`INI_D_ORDER];
    end
  endtask

  task take;
    begin
      if (!found_q || twice_q) ok_o <= 1'b0;
      seen_q[z_o] <= 1'b1;
      targets_o[target_q] <= 1'b1;
      order_q[{count_q, 2'd0}+:4] <= z_o;
      ids_o[{count_q, 2'd0}+:4] <= target_q;
      count_q <= count_q + 4'd1;
      flags_q <= flags_q & flags_i;
      if (fewer_q) limit_q <= blocks_i;
    end
  endtask

  task make;
    begin
      desc_o <= cmd_i;
      desc_o[`INI_D_INNER] <= 1'b1;
      desc_o[`INI_D_GANG] <= gang_i;
      desc_o[`INI_D_TARGET] <= ids_o[3:0];
      desc_o[`INI_D_DIR_IN] <= is_in;
      desc_o[`INI_D_Z] <= order_q[3:0];
      desc_o[`INI_D_ADDR] <= addr_q;
      desc_o[`INI_D_CDB] <= 128'd0;
      if (plain) begin
        desc_o[`INI_D_OPCODE] <= `INI_OP_COMMAND;
        desc_o[`INI_D_CDB] <= {48'd0, 8'd0, lbas[7:0], lbas[15:8], 8'd0, lba_i[7:0], lba_i[15:8], lba_i[23:16], lba_i[31:24], 8'd0,
                               is_in ? `SCSI_OP_READ_10 : `SCSI_OP_WRITE_10};
      end else begin
        desc_o[`INI_D_LBA] <= lba_i;
        desc_o[`INI_D_ORDER] <= order_q;
        desc_o[`INI_D_COUNT] <= count_q;
        desc_o[`INI_D_BLOCKS] <= size_o;
        desc_o[`INI_D_REPORT] <= flags_q[0];
        desc_o[`INI_D_SHORT] <= kind_i == `INI_PASS_ALL;
        desc_o[`INI_D_COMPARE] <= sure_i;
      end
    end
  endtask

endmodule
`default_nettype wire
