// Follows the target's REQ: one asynchronous REQ/ACK handshake at a time, 8 or 16 bit; owns ACK, ATN and the data drivers of a
// connection.
//
// Used by scsi_initiator. Rules: asynchronous transfers (data set up before ACK, held until REQ is false), 50 ns from REQ to ACK and
// of ACK in COMMAND, MESSAGE and STATUS so that snoopers see every byte, ATN negated 90 ns before ACK of a last message byte and
// asserted 90 ns before the negation of ACK, DB released as soon as I/O is true. In DATA OUT the next word is put on the bus when
// ACK falls, so that its set-up time runs while the target thinks.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"

module ini_link #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    // conditioned wires
    input wire [ 2:0] phase_i,
    input wire        req_i,
    input wire [15:0] db_i,
    input wire [ 1:0] dbp_i,

    input wire conn_i,   // a connection is up; 0 releases everything
    input wire attn_i,   // pulse at the start of a connection by selection: take ATN over
    input wire stall_i,  // do not answer a REQ yet
    input wire [`SCSI_AGR_W-1:0] agree_i,  // with the current target; counts in data phases

    // words to send, for the phase on the wires
    input wire [15:0] tx_data_i,
    input wire        tx_last_i,  // last message byte: negate ATN before its ACK
    input wire        tx_atn_i,   // assert ATN during this data word
    input wire        tx_more_i,  // DATA OUT: there is a word to put on the bus in advance
    input wire        say_i,      // pulse: assert ATN

    output reg  [ 2:0] phase_o,      // phase of the current or latest handshake
    output reg         phase_new_o,  // pulse: first REQ of a phase
    output reg         byte_req_o,   // pulse: REQ for a COMMAND or MESSAGE OUT byte
    output reg         tx_take_o,    // pulse: ACK asserted for a word sent
    output reg         rx_stb_o,     // pulse: a word came in
    output reg  [15:0] rx_data_o,
    output reg         rx_perr_o,    // with rx_stb_o: wrong parity
    output reg         done_o,       // pulse: ACK negated
    output wire        rest_o,       // no handshake under way

    output reg         drv_ack_o,
    output reg         drv_atn_o,
    output wire [15:0] drv_db_o,
    output wire [ 1:0] drv_dbp_o
);

  localparam SETUP_TICKS = `SCSI_TICKS(`SCSI_ASYNC_SETUP_NS);
  localparam SNOOP_TICKS = `SCSI_TICKS(`SCSI_SNOOP_ACK_NS);
  localparam ATN_TICKS = `SCSI_TICKS(`SCSI_ATN_SETUP_NS);

  localparam REST = 3'd0;  // no handshake
  localparam ENTER = 3'd1;  // the units prepare for a new phase or a new message or command byte
  localparam REQUESTED = 3'd2;  // REQ is true, nothing done about it yet
  localparam OFFER = 3'd3;  // own data on the bus, set-up time running
  localparam HEED = 3'd4;  // data taken, snoopers get their time
  localparam ACKED = 3'd5;  // ACK asserted

  reg  [ 2:0] state_q;
  reg         live_q;  // connected in the last clock
  reg         known_q;  // phase_o is the phase on the wires
  reg         drive_q;
  reg         wide_q;   // DB(15-8) takes part
  reg  [15:0] db_q;
  reg  [ 4:0] wait_q;   // clocks before the next ACK edge: set-up or snoop time
  reg  [ 4:0] atn_age_q;  // clocks before an ACK edge may follow the latest ATN edge

  wire        pulsed = phase_new_o || byte_req_o || tx_take_o || rx_stb_o || done_o;
  wire        same_phase = known_q && phase_i == phase_o;
  wire        is_out = !phase_i[0];
  wire        is_data = !phase_i[1];
  wire        wide_now = agree_i[`SCSI_AGR_WIDE] && is_data;
  wire        unused = &{1'b0, agree_i};
  wire        bad_low = ~^{db_i[7:0], dbp_i[0]};
  wire        bad_high = ~^{db_i[15:8], dbp_i[1]};
  wire        may_ack = wait_q == 5'd0 && (drv_atn_o || atn_age_q == 5'd0);
  wire        may_end = wait_q == 5'd0 && (!drv_atn_o || atn_age_q == 5'd0);
  wire        drive = drive_q && is_out;

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = conn_i
      ? !live_q || req_i || state_q != REST || pulsed || say_i || wait_q != 5'd0 || atn_age_q != 5'd0 || (known_q && !same_phase)
      : live_q || attn_i;

  assign rest_o = state_q == REST;
  assign drv_db_o = drive ? {wide_q ? db_q[15:8] : 8'd0, db_q[7:0]} : 16'd0;
  assign drv_dbp_o = drive ? {wide_q & ~^db_q[15:8], ~^db_q[7:0]} : 2'd0;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= REST;
      live_q <= 1'b0;
      known_q <= 1'b0;
      drive_q <= 1'b0;
      wide_q <= 1'b0;
      db_q <= 16'd0;
      wait_q <= 5'd0;
      atn_age_q <= 5'd0;
      phase_o <= 3'd0;
      {phase_new_o, byte_req_o, tx_take_o, rx_stb_o, rx_perr_o, done_o} <= 6'd0;
      rx_data_o <= 16'd0;
      drv_ack_o <= 1'b0;
      drv_atn_o <= 1'b0;
    end else if (!awake) begin
      // nothing changes
    end else if (!conn_i) begin
      live_q <= 1'b0;
      state_q <= REST;
      known_q <= 1'b0;
      drive_q <= 1'b0;
      wait_q <= 5'd0;
      atn_age_q <= 5'd0;
      {phase_new_o, byte_req_o, tx_take_o, rx_stb_o, done_o} <= 5'd0;
      drv_ack_o <= 1'b0;
      drv_atn_o <= attn_i;
    end else begin
      live_q <= 1'b1;
      {phase_new_o, byte_req_o, tx_take_o, rx_stb_o, done_o} <= 5'd0;
      if (wait_q != 5'd0) wait_q <= wait_q - 5'd1;
      if (atn_age_q != 5'd0) atn_age_q <= atn_age_q - 5'd1;

      case (state_q)
        REST:
        if (req_i) begin
          if (!stall_i) begin
            if (!same_phase) begin
              phase_o <= phase_i;
              known_q <= 1'b1;
              drive_q <= 1'b0;
              phase_new_o <= 1'b1;
              state_q <= ENTER;
            end else if (is_out && !is_data) begin
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
        end else if (!same_phase && known_q) begin
          known_q <= 1'b0;
          drive_q <= 1'b0;
        end

        ENTER: state_q <= REQUESTED;

        REQUESTED:
        if (!stall_i) begin
          if (is_out) offer;
          else latch;
        end

        OFFER: if (may_ack) acknowledge;

        HEED:
        if (may_ack) begin
          drv_ack_o <= 1'b1;
          wait_q <= SNOOP_TICKS[4:0];
          state_q <= ACKED;
        end

        default:  // ACKED
        if (!req_i && may_end) begin
          drv_ack_o <= 1'b0;
          done_o <= 1'b1;
          state_q <= REST;
          if (is_out && is_data) begin
            if (tx_more_i) begin
              db_q <= tx_data_i;
              wait_q <= SETUP_TICKS[4:0];
            end else begin
              drive_q <= 1'b0;
            end
          end
        end
      endcase

      if (say_i) raise_atn;
    end
  end

  // Word in: DATA IN is acknowledged at once, the snooped phases after the snoopers' time.
  task latch;
    begin
      rx_stb_o <= 1'b1;
      rx_data_o <= {wide_now ? db_i[15:8] : 8'd0, db_i[7:0]};
      rx_perr_o <= bad_low || (wide_now && bad_high);
      if (is_data) begin
        drv_ack_o <= 1'b1;
        state_q <= ACKED;
      end else begin
        wait_q <= SNOOP_TICKS[4:0];
        state_q <= HEED;
      end
    end
  endtask

  task offer;
    begin
      db_q <= tx_data_i;
      wide_q <= wide_now;
      drive_q <= 1'b1;
      wait_q <= SETUP_TICKS[4:0];
      if (tx_atn_i && is_data) raise_atn;
      if (tx_last_i && !is_data && drv_atn_o) begin
        drv_atn_o <= 1'b0;
        atn_age_q <= ATN_TICKS[4:0];
      end
      state_q <= OFFER;
    end
  endtask

  task acknowledge;
    begin
      drv_ack_o <= 1'b1;
      tx_take_o <= 1'b1;
      if (!is_data) wait_q <= SNOOP_TICKS[4:0];
      state_q <= ACKED;
    end
  endtask

  task raise_atn;
    if (!drv_atn_o) begin
      drv_atn_o <= 1'b1;
      atn_age_q <= ATN_TICKS[4:0];
    end
  endtask

endmodule
`default_nettype wire
