// The target's side of synchronous data phases: ST with a REQ/ACK offset, and DT data groups with pad and CRC.
//
// Used by tgt_phase, which sees to the phase lines and their settling. Rules: no more REQs ahead of the ACKs than agreed, counted at
// assertions (DT: at transitions); one ACK for each REQ, and an error if one more comes; over when all ACKs are in and REQ and ACK are false
// (spi-facts 8). A
// start moves `bytes_i` bytes; in DT they are one group, whose P_CRCA this device drives in both directions (docs/protocol.md, DT data
// groups). Words go to and come from the sector buffer at up to one in two clocks, in bursts one a clock.
`default_nettype none
`include "scsi_awake.vh"

module tgt_sync #(
    parameter CLK_PERIOD_PS = 6250,
    parameter CRC_LSB_FIRST = 1,  // see scsi_crc
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
) (
    input wire clk_i,
    input wire rst_ni,

    input wire        clear_i,   // nothing is driven any more
    input wire        start_i,   // pulse: the first REQ may come at once; what follows holds until done_o
    input wire        in_i,      // towards the initiator
    input wire        dt_i,
    input wire        wide_i,
    input wire [ 7:0] factor_i,  // steady from four clocks before start_i
    input wire [ 6:0] offset_i,
    input wire [23:0] bytes_i,

    output wire        put_o,    // pulse: wdata_i has been taken; the next is there two clocks later
    input  wire [15:0] wdata_i,
    output reg         got_o,    // pulse: rdata_o came, error_o: with wrong parity
    output reg  [15:0] rdata_o,
    output reg         done_o,   // pulse; error_o: DT DATA OUT with wrong CRC, or an ACK came that no REQ had asked for
    output reg         error_o,

    input  wire        ack_i,       // conditioned
    input  wire        scsi_ack_i,  // the wires themselves
    input  wire [15:0] scsi_db_i,
    input  wire [ 1:0] scsi_dbp_i,
    output wire        drv_req_o,
    output wire [15:0] drv_db_o,
    output wire [ 1:0] drv_dbp_o
);

  localparam DATA = 3'd0;  // what goes with the next REQ: a word of data
  localparam PAD = 3'd1;  // ... a word that makes the group even
  localparam CRC_1 = 3'd2;
  localparam CRC_2 = 3'd3;
  localparam ALL = 3'd4;  // nothing: the last REQ has been handed out

  reg         in_q, dt_q;  // in_i, dt_i
  reg         run_q;
  reg         fetch_q;  // words are handed out, from the clock after the start on
  reg  [ 2:0] feed_q;
  reg  [23:0] feed_left_q;  // words of data to be handed out after the next one
  reg         feed_last_q;
  reg  [23:0] came_left_q;  // words of data from the initiator to come after the next one
  reg         came_all_q;
  reg         odd_q;  // the group needs a pad
  reg         next_q;  // a word waits to be sent
  reg  [15:0] word_q;
  reg         crca_q;  // level of P_CRCA with it
  reg  [ 7:0] ahead_q;  // REQs that have no ACK yet
  reg         room_q;
  reg         fed_q;  // word_q is new: the CRC takes it
  reg         cap_q;  // so with rdata_o
  reg         quiet_q;  // all done, the CRC takes its last word
  reg         astray_q;  // an ACK came that no REQ had asked for

  reg  [31:0] crc_q;
  wire [31:0] crc_next;
  wire       take, rest, came;
  wire [15:0] came_db, crc_1, crc_2;
  wire [ 1:0] came_dbp;
  wire        crc_good;

  wire [23:0] bytes_more = bytes_i - 24'd1;
  wire [23:0] words_more = wide_i ? {1'b0, bytes_more[23:1]} : bytes_more;
  wire        fetch = fetch_q && !next_q && feed_q != ALL;
  wire        data_came = came && !came_all_q;

  assign put_o = fetch && feed_q == DATA && in_q;

  // Nothing to do in a clock should cost a simulation nothing.
  reg  live_q;  // run_q a clock ago: the pulses of the last clock of a phase are taken back, however it ended
  wire awake = `SCSI_AWAKE(start_i || run_q || live_q);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {run_q, fetch_q, next_q, crca_q, room_q, odd_q, fed_q, cap_q, quiet_q, feed_last_q, came_all_q, astray_q} <= 12'd0;
      {in_q, dt_q, live_q} <= 3'd0;
      {got_o, done_o, error_o} <= 3'd0;
      feed_q <= ALL;
      feed_left_q <= 24'd0;
      came_left_q <= 24'd0;
      word_q <= 16'd0;
      rdata_o <= 16'd0;
      ahead_q <= 8'd0;
      crc_q <= 32'd0;
    end else if (awake) begin
      {in_q, dt_q} <= {in_i, dt_i};
      live_q <= run_q;
      crc_q <= crc_next;
      {got_o, done_o, error_o, fed_q, cap_q, quiet_q} <= 6'd0;
      if (run_q && came) listen;
      if (start_i || clear_i) begin
        run_q <= start_i && !clear_i;
        {fetch_q, next_q, crca_q, room_q, came_all_q, astray_q} <= 6'b000100;
        feed_q <= DATA;
        feed_left_q <= words_more;
        came_left_q <= words_more;
        odd_q <= !words_more[0];
        ahead_q <= 8'd0;
      end else if (run_q) begin
        fetch_q <= 1'b1;
        feed_last_q <= feed_left_q == 24'd0;
        if (take) next_q <= 1'b0;
        if (fetch) feed;
        // both at once: no change
        if (take != came && (take || ahead_q != 8'd0)) ahead_q <= ahead_q + {{7{came}}, 1'b1};
        room_q <= ahead_q < {1'b0, offset_i};
        if (came && ahead_q == 8'd0) astray_q <= 1'b1;
        // a DT ACK too many leaves ACK where it does not belong
        quiet_q <= feed_q == ALL && !next_q && rest && ahead_q == 8'd0 && !came && (!ack_i || (astray_q && dt_q));
        if (quiet_q) begin
          {run_q, fetch_q} <= 2'd0;
          done_o <= 1'b1;
          error_o <= astray_q || (dt_q && !in_q && !crc_good);
        end
      end
    end
  end

  task feed;
    begin
      next_q <= 1'b1;
      fed_q <= in_q && feed_q <= PAD;
      case (feed_q)
        DATA: begin
          word_q <= wdata_i;
          feed_left_q <= feed_left_q - 24'd1;
          if (feed_last_q) feed_q <= !dt_q ? ALL : odd_q ? PAD : CRC_1;
        end
        PAD: begin
          word_q <= 16'd0;
          crca_q <= 1'b1;
          feed_q <= CRC_1;
        end
        CRC_1: begin
          word_q <= crc_1;
          crca_q <= 1'b1;
          feed_q <= CRC_2;
        end
        default: begin
          word_q <= crc_2;
          feed_q <= ALL;
        end
      endcase
    end
  endtask

  // An ACK. Those behind the data are of pad and CRC.
  task listen;
    begin
      rdata_o <= wide_i ? came_db : {8'd0, came_db[7:0]};
      got_o <= data_came && !in_q;
      cap_q <= !in_q;
      error_o <= data_came && !in_q && !dt_q && (~^{came_db[7:0], came_dbp[0]} || (wide_i && ~^{came_db[15:8], came_dbp[1]}));
      if (data_came) begin
        came_left_q <= came_left_q - 24'd1;
        came_all_q <= came_left_q == 24'd0;
      end
    end
  endtask

  scsi_crc #(
      .LSB_FIRST(CRC_LSB_FIRST),
      .SEED     (CRC_SEED),
      .INVERT   (CRC_INVERT)
  ) u_crc (
      .clear_i (start_i),
      .en_i    (dt_q && (fed_q || cap_q)),
      .crc_i   (crc_q),
      .word_i  (in_q ? word_q : rdata_o),
      .next_o  (crc_next),
      .first_o (crc_1),
      .second_o(crc_2),
      .good_o  (crc_good)
  );

  scsi_strobe_in u_acks (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .strobe_i(scsi_ack_i),
      .db_i    (scsi_db_i),
      .dbp_i   (scsi_dbp_i),
      .open_i  (run_q),
      .dt_i    (dt_i),
      .hold_i  (1'b0),
      .valid_o (came),
      /* verilator lint_off PINCONNECTEMPTY */
      .fall_o  (),
      /* verilator lint_on PINCONNECTEMPTY */
      .db_o    (came_db),
      .dbp_o   (came_dbp)
  );

  scsi_strobe_out #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_reqs (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .clear_i     (!run_q),
      .dt_i        (dt_i),
      .data_i      (in_q),
      .factor_i    (factor_i),
      .p_crca_i    (crca_q),
      .valid_i     (next_q && room_q),
      .wide_i      (wide_i),
      .db_i        (word_q),
      .take_o      (take),
      .rest_o      (rest),
      .drv_strobe_o(drv_req_o),
      .drv_db_o    (drv_db_o),
      .drv_dbp_o   (drv_dbp_o)
  );

endmodule
`default_nettype wire
