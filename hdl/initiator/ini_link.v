// Follows the target's REQ: one asynchronous REQ/ACK handshake at a time, 8 or 16 bit; owns ACK, ATN and the data drivers of a
// connection. The strobes of synchronous data phases are left to ini_sync.
//
// Used by scsi_initiator. Rules: asynchronous transfers (data set up before ACK, held until REQ is false), 50 ns from REQ to ACK and
// of ACK in MESSAGE phases, and with QAS in COMMAND and STATUS too, so that snoopers see every byte; ATN negated 90 ns before ACK of a last
// message byte and asserted 90 ns before the negation of ACK, DB released as soon as I/O is true. The next byte or word out is put on the
// bus when ACK falls, so that its set-up time runs while the target thinks. A data phase of the kind (ST or DT) that is not agreed is
// handled as an asynchronous one, and so is a COMMAND phase in a mirrored operation: others tell that it is wrong; DB stays released, for a
// target that is in another phase than the wires seem to say shall find wrong parity, not data.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"

module ini_link #(
    parameter CLK_PERIOD_PS = 6250,
    parameter CRC_LSB_FIRST = 1,  // see scsi_crc
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
) (
    input wire clk_i,
    input wire rst_ni,

    // conditioned wires
    input wire [ 2:0] phase_i,   // without glitches
    input wire        steady_i,  // ... and not in doubt
    input wire        io_i,      // I/O as it is: DB is released at once
    input wire        req_i,
    input wire [15:0] db_i,
    input wire [ 1:0] dbp_i,
    // the wires themselves
    input wire        scsi_req_i,
    input wire [15:0] scsi_db_i,
    input wire [ 1:0] scsi_dbp_i,

    input wire conn_i,   // a connection is up; 0 releases everything
    input wire attn_i,   // pulse at the start of a connection by selection: take ATN over
    input wire stall_i,  // do not answer a REQ yet
    input wire [`SCSI_AGR_W-1:0] agree_i,  // with the current target; counts in data phases

    // what to send, for the phase on the wires
    input wire [15:0] tx_word_i,  // of data
    input wire [ 7:0] tx_byte_i,  // of a command or message
    input wire        tx_last_i,  // last message byte: negate ATN before its ACK
    input wire        tx_atn_i,   // data word, out or in: assert ATN before the negation of its ACK
    input wire        tx_more_i,  // there is a byte or word to put on the bus in advance
    input wire        mirror_i,   // a mirrored operation: no COMMAND phase
    input wire        qas_i,      // this initiator can take part in QAS: others may snoop commands and status
    input wire        say_i,      // pulse: assert ATN

    output reg  [ 2:0] phase_o,      // phase of the current or latest handshake
    output reg         phase_new_o,  // pulse: first REQ of a phase
    output reg         byte_req_o,   // pulse: REQ for a COMMAND or MESSAGE OUT byte
    output wire        tx_take_o,    // pulse: it is being sent; the next is there two clocks later
    output wire        rx_stb_o,     // pulse: a word came in
    output wire [15:0] rx_data_o,
    output wire        rx_perr_o,    // with rx_stb_o: wrong parity; without: wrong CRC
    output wire        done_o,       // pulse: ACK negated, and no REQ waits for an answer
    output wire        rest_o,       // no handshake under way

    output wire        drv_ack_o,
    output reg         drv_atn_o,
    output wire [15:0] drv_db_o,
    output wire [ 1:0] drv_dbp_o
);

  // A wait of n clocks lets the next edge come n + 1 clocks after the one that started it. REQ is two clocks old or more when it is
  // seen, three when its byte is taken, five when a message byte has been looked up.
  localparam SETUP_WAIT = `SCSI_TICKS(`SCSI_ASYNC_SETUP_NS) - 1;
  localparam SNOOP_WAIT = `SCSI_TICKS(`SCSI_SNOOP_ACK_NS) - 1;
  localparam HEED_WAIT = SNOOP_WAIT > 2 ? SNOOP_WAIT - 2 : 0;
  localparam LOOK_WAIT = SNOOP_WAIT > 5 ? SNOOP_WAIT - 5 : 0;
  localparam WRONG_WAIT = 3;  // from a word's ACK until ATN is up if the word was wrong
  localparam NEXT_WAIT = 3;  // from a byte's ACK until tx_q is the next one
  localparam ATN_WAIT = `SCSI_TICKS(`SCSI_ATN_SETUP_NS) - 1;
  localparam OPEN_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS / 4);  // what the wires do while a phase settles is not listened to

  localparam REST = 3'd0;  // no handshake
  localparam ENTER = 3'd1;  // the units prepare for a new phase or a new message or command byte
  localparam REQUESTED = 3'd2;  // REQ is true, nothing done about it yet
  localparam OFFER = 3'd3;  // own data on the bus, set-up time running
  localparam HEED = 3'd4;  // data taken, snoopers get their time
  localparam ACKED = 3'd5;  // ACK asserted
  localparam LOOK = 3'd6;  // tx_q takes over what is to be sent

  reg  [ 2:0] state_q;
  reg         live_q;  // connected in the last clock
  reg         known_q;  // phase_o is the phase on the wires
  reg         drive_q;
  reg         wide_q;   // DB(15-8) takes part
  reg         void_q;   // nothing can be due in this phase
  reg  [15:0] db_q;
  reg  [15:0] tx_q;   // what is to be sent, a clock ago
  reg         last_q;  // tx_last_i with it
  reg  [ 4:0] wait_q;   // clocks before the next ACK edge: set-up or snoop time
  reg  [ 4:0] atn_age_q;  // clocks before an ACK edge may follow the latest ATN edge

  reg  [`SCSI_AGR_W-1:0] agree_q;
  reg         agreed_q;  // it is synchronous
  reg         tx_take_q, rx_stb_q, rx_perr_q, done_q, ack_q;
  reg  [15:0] rx_data_q;
  reg         open_q;  // synchronous phase
  reg         in_q;    // phase_i is an input phase
  reg  [ 5:0] open_age_q;  // clocks until it counts as stable

  wire        pulsed = phase_new_o || byte_req_o || tx_take_q || rx_stb_q || done_q;
  // What the phase is has been so for long when a REQ comes: looked at a clock before.
  reg         same_q;  // known_q, and phase_o is the phase on the wires
  reg         sync_q;  // sync_phase
  wire        same_phase = known_q && phase_i == phase_o;
  reg         data_q;  // it is a data phase
  reg         snooped_q;  // outside of data phases: others listen
  wire        is_out = !in_q;
  wire        is_data = !phase_i[1];
  wire        snooped = phase_i[2] || qas_i;
  wire        ready = drive_q && db_q[7:0] == tx_q[7:0];  // the byte asked for is on the bus already
  wire        wide_now = agree_q[`SCSI_AGR_WIDE] && data_q;
  wire        sync_phase = conn_i && is_data && agreed_q && phase_i[2] == agree_q[`SCSI_AGR_DT];
  wire        sync_first, sync_take, sync_stb, sync_perr, sync_raise, sync_due, sync_rest, sync_done, sync_ack;
  wire [15:0] sync_data, sync_db;
  wire [ 1:0] sync_dbp;
  wire        asked = req_i && steady_i && !sync_q;
  wire        bad_low = ~^{db_i[7:0], dbp_i[0]};
  wire        bad_high = ~^{db_i[15:8], dbp_i[1]};
  wire        may_ack = wait_q == 5'd0 && (drv_atn_o || atn_age_q == 5'd0);
  wire        may_end = wait_q == 5'd0 && (!drv_atn_o || atn_age_q == 5'd0);
  wire        drive = drive_q && !phase_i[0] && !io_i && !void_q;

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(conn_i
      ? !live_q || asked || state_q != REST || pulsed || say_i || wait_q != 5'd0 || atn_age_q != 5'd0 || same_phase != same_q || sync_phase != sync_q || known_q != same_q
        || data_q != is_data || snooped_q != snooped || agree_i != agree_q || sync_first || sync_raise || sync_phase != open_q || in_q != phase_i[0]
      : live_q || attn_i);

  assign tx_take_o = tx_take_q | sync_take;
  assign rx_stb_o = rx_stb_q | sync_stb;
  assign rx_data_o = sync_stb ? sync_data : rx_data_q;
  assign rx_perr_o = (rx_stb_q & rx_perr_q) | sync_perr;
  assign done_o = done_q | sync_done;
  assign rest_o = state_q == REST && sync_rest;
  assign drv_ack_o = ack_q | sync_ack;
  assign drv_db_o = (io_i ? 16'd0 : sync_db) | (drive ? {wide_q ? db_q[15:8] : 8'd0, db_q[7:0]} : 16'd0);
  assign drv_dbp_o = (io_i ? 2'd0 : sync_dbp) | (drive ? {wide_q & ~^db_q[15:8], ~^db_q[7:0]} : 2'd0);

  ini_sync #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS),
      .CRC_LSB_FIRST(CRC_LSB_FIRST),
      .CRC_SEED(CRC_SEED),
      .CRC_INVERT(CRC_INVERT)
  ) u_sync (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .open_i    (open_q),
      .in_i      (in_q),
      .stall_i   (stall_i),
      .ready_i   (same_q),
      .agree_i   (agree_q),
      .first_o   (sync_first),
      .tx_data_i (tx_word_i),
      .tx_atn_i  (tx_atn_i),
      .tx_take_o (sync_take),
      .rx_stb_o  (sync_stb),
      .rx_data_o (sync_data),
      .rx_perr_o (sync_perr),
      .raise_o   (sync_raise),
      .due_o     (sync_due),
      .steady_i  (atn_age_q == 5'd0),
      .rest_o    (sync_rest),
      .done_o    (sync_done),
      .scsi_req_i(scsi_req_i),
      .scsi_db_i (scsi_db_i),
      .scsi_dbp_i(scsi_dbp_i),
      .drv_ack_o (sync_ack),
      .drv_db_o  (sync_db),
      .drv_dbp_o (sync_dbp)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= REST;
      live_q <= 1'b0;
      agree_q <= `SCSI_AGR_ASYNC_8;
      agreed_q <= 1'b0;
      {known_q, same_q, sync_q} <= 3'd0;
      drive_q <= 1'b0;
      {wide_q, void_q} <= 2'b00;
      {db_q, tx_q} <= 32'd0;
      last_q <= 1'b0;
      wait_q <= 5'd0;
      atn_age_q <= 5'd0;
      {open_q, in_q, data_q, snooped_q} <= 4'd0;
      open_age_q <= OPEN_TICKS[5:0];
      phase_o <= 3'd0;
      {phase_new_o, byte_req_o, tx_take_q, rx_stb_q, rx_perr_q, done_q} <= 6'd0;
      rx_data_q <= 16'd0;
      ack_q <= 1'b0;
      drv_atn_o <= 1'b0;
    end else if (!awake) begin
      // nothing changes
    end else if (!conn_i) begin
      live_q <= 1'b0;
      state_q <= REST;
      {known_q, same_q, sync_q} <= 3'd0;
      drive_q <= 1'b0;
      open_q <= 1'b0;
      wait_q <= 5'd0;
      atn_age_q <= 5'd0;
      {phase_new_o, byte_req_o, tx_take_q, rx_stb_q, done_q} <= 5'd0;
      ack_q <= 1'b0;
      drv_atn_o <= attn_i;
    end else begin
      live_q <= 1'b1;
      {same_q, sync_q} <= {same_phase, sync_phase};
      void_q <= is_data ? phase_i[2] != agree_q[`SCSI_AGR_DT] : mirror_i && phase_i == `SCSI_PH_COMMAND;
      tx_q <= data_q ? tx_word_i : {8'd0, tx_byte_i};
      last_q <= tx_last_i;
      agree_q <= agree_i;
      agreed_q <= agree_i[`SCSI_AGR_OFFSET] != 7'd0;
      {phase_new_o, byte_req_o, tx_take_q, rx_stb_q, done_q} <= 5'd0;
      if (wait_q != 5'd0) wait_q <= wait_q - 5'd1;
      if (atn_age_q != 5'd0) atn_age_q <= atn_age_q - 5'd1;
      // Another direction is another phase: a REQ of the old one stays without an ACK, so that the target notices.
      {in_q, data_q, snooped_q} <= {phase_i[0], is_data, snooped};
      if (!sync_phase || in_q != phase_i[0]) begin
        open_q <= 1'b0;
        open_age_q <= OPEN_TICKS[5:0];
      end else if (open_age_q != 6'd0) begin
        open_age_q <= open_age_q - 6'd1;
      end else begin
        open_q <= 1'b1;
      end

      case (state_q)
        REST:
        if (sync_first && !same_q) begin
          enter;
        end else if (asked) begin
          if (!stall_i) begin
            if (!same_q) begin
              enter;
              state_q <= ENTER;
            end else if (is_out && !data_q && (snooped_q || !drive_q)) begin
              byte_req_o <= 1'b1;
              state_q <= ENTER;
            end else if (!is_out) begin
              latch;
            end else if (!drive_q) begin
              offer;
            end else begin
              if (tx_atn_i) raise_atn;
              if (may_ack) acknowledge;
              else state_q <= OFFER;
            end
          end
        end else if (!same_q && known_q) begin
          {known_q, same_q} <= 2'b00;
          drive_q <= 1'b0;
        end

        ENTER: state_q <= is_out ? LOOK : REQUESTED;

        LOOK: state_q <= REQUESTED;

        REQUESTED:
        if (!stall_i) begin
          if (!is_out) latch;
          else if (!data_q && ready) answer;
          else offer;
        end

        OFFER: if (may_ack) acknowledge;

        HEED:
        if (may_ack) begin
          ack_q <= 1'b1;
          if (snooped_q) wait_q <= SNOOP_WAIT[4:0];
          state_q <= ACKED;
        end

        default:  // ACKED
        if (!req_i && may_end) begin
          ack_q <= 1'b0;
          done_q <= 1'b1;
          state_q <= REST;
          if (is_out) begin
            if (tx_more_i) begin
              db_q <= tx_q;
              wait_q <= SETUP_WAIT[4:0];
            end else begin
              drive_q <= 1'b0;
            end
          end
        end
      endcase

      // Not before the last REQ of a mirrored copy.
      if (sync_raise || (say_i && !sync_due)) raise_atn;
    end
  end

  task enter;
    begin
      phase_o <= phase_i;
      {known_q, same_q} <= 2'b11;
      drive_q <= 1'b0;
      phase_new_o <= 1'b1;
    end
  endtask

  // Word in: DATA IN is acknowledged at once, the snooped phases after the snoopers' time.
  task latch;
    begin
      rx_stb_q <= 1'b1;
      rx_data_q <= {wide_now ? db_i[15:8] : 8'd0, db_i[7:0]};
      rx_perr_q <= bad_low || (wide_now && bad_high);
      if (data_q) begin
        if (tx_atn_i) raise_atn;
        ack_q <= 1'b1;
        wait_q <= WRONG_WAIT[4:0];
        state_q <= ACKED;
      end else begin
        if (snooped_q) wait_q <= HEED_WAIT[4:0];
        state_q <= HEED;
      end
    end
  endtask

  task offer;
    begin
      db_q <= tx_q;
      wide_q <= wide_now;
      drive_q <= 1'b1;
      wait_q <= SETUP_WAIT[4:0];
      if (tx_atn_i && data_q) raise_atn;
      if (!data_q) drop_atn;
      state_q <= OFFER;
    end
  endtask

  // A message byte that was set up in advance: what is left of the snoopers' time.
  task answer;
    begin
      if (wait_q <= LOOK_WAIT[4:0]) wait_q <= LOOK_WAIT[4:0];
      drop_atn;
      state_q <= OFFER;
    end
  endtask

  // Before the ACK of a last message byte.
  task drop_atn;
    if (last_q && drv_atn_o) begin
      drv_atn_o <= 1'b0;
      atn_age_q <= ATN_WAIT[4:0];
    end
  endtask

  task acknowledge;
    begin
      ack_q <= 1'b1;
      tx_take_q <= 1'b1;
      wait_q <= !data_q && snooped_q && SNOOP_WAIT > NEXT_WAIT ? SNOOP_WAIT[4:0] : NEXT_WAIT[4:0];
      state_q <= ACKED;
    end
  endtask

  task raise_atn;
    if (!drv_atn_o) begin
      drv_atn_o <= 1'b1;
      atn_age_q <= ATN_WAIT[4:0];
    end
  endtask

endmodule
`default_nettype wire
