// The initiator's side of synchronous data phases: ST, and DT data groups with pad and CRC.
//
// Used by ini_link while the wires show a data phase that is agreed to be synchronous. Each captured REQ is answered with one ACK, no
// faster than agreed. Rules: spi-facts 8; docs/protocol.md, DT data groups. DATA OUT: a word of data for each REQ; in DT what P_CRCA
// says with each REQ waits in a ring until its ACK is due. DATA IN: words go to the buffer as they come; those with wrong parity, and
// a wrong CRC, are told before their ACK, which then waits for ATN.
`default_nettype none
`include "scsi_agreement.vh"

module ini_sync #(
    parameter CLK_PERIOD_PS = 6250,
    parameter CRC_LSB_FIRST = 1,  // see scsi_crc
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
) (
    input wire clk_i,
    input wire rst_ni,

    input wire                   open_i,   // level: the phase is on the wires, and stable
    input wire                   in_i,     // DATA IN
    input wire                   stall_i,  // nothing is answered yet
    input wire                   ready_i,  // the units have prepared for the phase
    input wire [`SCSI_AGR_W-1:0] agree_i,

    output wire first_o,  // pulse: a REQ was captured, its word follows a clock later

    input  wire [15:0] tx_data_i,
    input  wire        tx_atn_i,   // assert ATN with the last ACK that this word, out or in, brings
    output wire        tx_take_o,  // pulse: tx_data_i taken; the next is there two clocks later
    output reg         rx_stb_o,
    output reg  [15:0] rx_data_o,
    output reg         rx_perr_o,  // with rx_stb_o: wrong parity; without: wrong CRC

    output wire        raise_o,  // pulse: ATN with the ACK to come
    output wire        due_o,    // ATN will be raised in this group: not before
    input  wire        steady_i, // ATN has been as it is for the set-up time
    output wire        rest_o,   // all REQs so far have been answered
    output reg         done_o,   // pulse: that has become so

    input  wire        scsi_req_i,  // the wires themselves
    input  wire [15:0] scsi_db_i,
    input  wire [ 1:0] scsi_dbp_i,
    output wire        drv_ack_o,
    output wire [15:0] drv_db_o,
    output wire [ 1:0] drv_dbp_o
);

  localparam PATIENCE = 3'd5;  // clocks from rx_perr_o in which ATN goes up, if it does

  wire wide = agree_i[`SCSI_AGR_WIDE];
  wire dt = agree_i[`SCSI_AGR_DT];
  wire unused = &{1'b0, agree_i[`SCSI_AGR_OFFSET], agree_i[`SCSI_AGR_QAS]};

  // REQs captured
  wire came, came_fall;
  wire [15:0] came_db;
  wire [ 1:0] came_dbp;
  wire        came_crca = dt && came_dbp[0];

  // DATA IN: captured, then judged
  reg         in_q;
  reg         in_crca_q;
  reg         in_end_q;  // second CRC word
  reg  [15:0] in_word_q;
  reg         in_bad_q;
  reg         judged_q;  // the word of a clock ago counts as answerable
  reg         check_q;  // the CRC of a group has come in
  reg         verdict_q;
  reg         crc_first_q;  // the first CRC word of a group has come (IN) or has been handed out (OUT)

  // REQs not answered yet
  reg         crca_mem [0:127];  // DATA OUT: P_CRCA with each
  reg  [ 6:0] wr_q;
  reg  [ 6:0] rd_q;
  reg         head_q;  // P_CRCA of the oldest
  reg         have_in_q;  // DATA IN: one may be answered
  reg         have_out_q;  // DATA OUT
  reg  [ 7:0] asked_q;  // REQs that count as answerable
  reg  [ 7:0] answered_q;
  reg  [ 2:0] hold_q;  // clocks that ATN may take to go up after an error

  // DATA OUT: the next word
  reg         next_q;
  reg  [15:0] word_q;
  reg         last_q;  // its ACK waits for ATN
  reg         atn_q;  // the last word of data has been handed out or has come in, ATN is due at the end of the group
  reg         fed_q;  // word_q is new, and the CRC covers it

  reg  [31:0] crc_q;
  wire [31:0] crc_next;
  wire [15:0] crc_1, crc_2;
  wire        crc_good, take, rest;

  wire        owed = asked_q != answered_q;
  wire        fetch = have_out_q && !next_q;
  wire        more = in_i ? judged_q : came;
  wire        less = in_i ? take : fetch;
  wire        fetch_data = fetch && !head_q;
  wire        fetch_end = fetch && head_q && crc_first_q && rd_q[0];  // second CRC word
  wire        answerable = have_in_q || (next_q && !last_q);
  wire        some = came || in_q || judged_q || verdict_q || check_q || owed || next_q;

  assign first_o = came;
  assign tx_take_o = fetch_data;
  assign raise_o = ((fetch_data || rx_stb_o) && tx_atn_i && !dt) || ((fetch_end || verdict_q) && atn_q);
  assign due_o = atn_q;
  assign rest_o = !some && rest;

  // Nothing to do in a clock should cost a simulation nothing.
  reg         live_q;  // open in the last clock
  reg         busy_q;
  wire        awake = open_i || live_q;

  always @(posedge clk_i) if (came && !in_i) crca_mem[wr_q] <= came_crca;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reset;
      live_q <= 1'b0;
      rx_data_o <= 16'd0;
    end else if (awake) begin
      live_q <= open_i;
      if (!open_i) begin
        reset;
      end else begin
        {rx_stb_o, rx_perr_o, done_o, fed_q} <= 4'd0;
        crc_q <= crc_next;
        if (hold_q != 3'd0) hold_q <= hold_q - 3'd1;
        if (in_i) take_in;
        else give_out;
        if (more) asked_q <= asked_q + 8'd1;
        if (less) answered_q <= answered_q + 8'd1;
        busy_q <= some || !rest;
        done_o <= busy_q && !some && rest;
      end
    end
  end

  // A word passes these steps in four clocks, one behind the other.
  task take_in;
    begin
      in_q <= came;
      in_crca_q <= came_crca;
      in_end_q <= came && came_crca && came_fall && crc_first_q;
      in_word_q <= wide ? came_db : {8'd0, came_db[7:0]};
      in_bad_q <= !dt && (~^{came_db[7:0], came_dbp[0]} || (wide && ~^{came_db[15:8], came_dbp[1]}));
      if (came) crc_first_q <= came_crca && !came_fall;

      have_in_q <= owed && hold_q == 3'd0 && steady_i;
      have_out_q <= 1'b0;
      judged_q <= in_q && !in_end_q;
      if (in_q && !in_crca_q) begin
        rx_stb_o <= 1'b1;
        rx_data_o <= in_word_q;
        rx_perr_o <= in_bad_q;
        if (in_bad_q) hold_q <= PATIENCE;
      end
      check_q <= in_q && in_end_q;
      verdict_q <= check_q;
      if (check_q && !crc_good) begin
        rx_perr_o <= 1'b1;
        hold_q <= PATIENCE;
      end
      if (verdict_q) judged_q <= 1'b1;
      if (dt && rx_stb_o && tx_atn_i) atn_q <= 1'b1;
      else if (verdict_q) atn_q <= 1'b0;
    end
  endtask

  task give_out;
    begin
      if (came) wr_q <= wr_q + 7'd1;
      head_q <= crca_mem[rd_q];
      have_out_q <= owed && ready_i && !stall_i;
      have_in_q <= 1'b0;
      if (take) next_q <= 1'b0;
      if (steady_i) last_q <= 1'b0;
      if (fetch) begin
        rd_q <= rd_q + 7'd1;
        next_q <= 1'b1;
        last_q <= raise_o;
        fed_q <= !head_q || (rd_q[0] && !crc_first_q);
        if (!head_q) begin
          word_q <= tx_data_i;
          if (dt && tx_atn_i) atn_q <= 1'b1;
        end else begin
          word_q <= rd_q[0] ? (crc_first_q ? crc_2 : 16'd0) : crc_1;
          crc_first_q <= !rd_q[0];
          if (fetch_end) atn_q <= 1'b0;
        end
      end
    end
  endtask

  task reset;
    begin
      {in_q, in_crca_q, in_end_q, in_bad_q, judged_q, check_q, verdict_q, crc_first_q} <= 8'd0;
      {have_in_q, have_out_q} <= 2'd0;
      {head_q, next_q, last_q, atn_q, fed_q, busy_q, rx_stb_o, rx_perr_o, done_o} <= 9'd0;
      wr_q <= 7'd0;
      rd_q <= 7'd0;
      {asked_q, answered_q} <= 16'd0;
      hold_q <= 3'd0;
      crc_q <= CRC_SEED;
      {in_word_q, word_q} <= 32'd0;
    end
  endtask

  scsi_crc #(
      .LSB_FIRST(CRC_LSB_FIRST),
      .SEED     (CRC_SEED),
      .INVERT   (CRC_INVERT)
  ) u_crc (
      .clear_i (check_q || fetch_end),
      .en_i    (dt && (in_i ? in_q : fed_q)),
      .crc_i   (crc_q),
      .word_i  (in_word_q | word_q),  // one of them is zero
      .next_o  (crc_next),
      .first_o (crc_1),
      .second_o(crc_2),
      .good_o  (crc_good)
  );

  scsi_strobe_in u_reqs (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .strobe_i(scsi_req_i),
      .db_i    (scsi_db_i),
      .dbp_i   (scsi_dbp_i),
      .open_i  (open_i),
      .dt_i    (dt),
      .hold_i  (stall_i),
      .valid_o (came),
      .fall_o  (came_fall),
      .db_o    (came_db),
      .dbp_o   (came_dbp)
  );

  scsi_strobe_out #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS)
  ) u_acks (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .clear_i     (!open_i),
      .dt_i        (dt),
      .data_i      (!in_i),
      .factor_i    (agree_i[`SCSI_AGR_PERIOD]),
      .p_crca_i    (1'b0),
      .valid_i     (answerable),
      .wide_i      (wide),
      .db_i        (word_q),
      .take_o      (take),
      .rest_o      (rest),
      .drv_strobe_o(drv_ack_o),
      .drv_db_o    (drv_db_o),
      .drv_dbp_o   (drv_dbp_o)
  );

endmodule
`default_nettype wire
