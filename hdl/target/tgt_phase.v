// Drives the phase lines, REQ and, towards the initiator, data: the target's side of the asynchronous handshake. Synchronous data
// phases are left to tgt_sync once the phase lines have settled.
//
// Used by scsi_target through tgt_link. Rules: phase lines stable for a bus settle delay before the first REQ; I/O asserted for data
// release + bus settle before DB is driven; data set up before REQ and held until ACK; the byte is judged when ACK is negated
// (SPI-3 asynchronous transfers). A start moves `bytes_i` bytes in the phase that is driven, then stops with REQ and ACK false.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"

module tgt_phase #(
    parameter CLK_PERIOD_PS = 6250,
    parameter CRC_LSB_FIRST = 1,  // see scsi_crc
    parameter [31:0] CRC_SEED = 32'hFFFFFFFF,
    parameter [31:0] CRC_INVERT = 32'hFFFFFFFF
) (
    input wire clk_i,
    input wire rst_ni,

    input wire        drive_i,    // this device owns the phase lines; falling: everything released at once
    input wire        held_i,     // with drive_i rising: this device has held I/O, and the data bus with it
    input wire        settled_i,  // with drive_i rising: the lines have already been stable long enough
    input wire [ 2:0] phase_i,    // changes only while not busy
    input wire [`SCSI_AGR_W-1:0] agree_i,  // with the initiator of this connection; counts in data phases
    input wire        start_i,    // pulse
    input wire [23:0] bytes_i,
    input wire        more_i,     // pulse, while not busy: one byte more in the phase that is driven
    input wire [15:0] wdata_i,    // next data towards the initiator, from the second clock after start_i on

    output wire        busy_o,
    output wire        put_o,     // pulse: wdata_i has been taken; the next is there two clocks later
    output wire        got_o,     // pulse: rdata_o and error_o hold a transfer from the initiator
    output wire        done_o,    // pulse: the last ACK has been negated; with error_o: wrong CRC in DT, an ACK too many
    output wire [15:0] rdata_o,
    output wire        error_o,
    output wire        tail_o,    // a data phase, or the lines settle: an ACK too many of the phase before may still come
    output reg         stray_o,   // pulse, while tail_o: one did

    // conditioned wires
    input  wire        ack_i,
    input  wire [15:0] db_i,
    input  wire [ 1:0] dbp_i,
    // the wires themselves
    input  wire        scsi_ack_i,
    input  wire [15:0] scsi_db_i,
    input  wire [ 1:0] scsi_dbp_i,

    output reg  [ 2:0] drv_phase_o,
    output wire        drv_req_o,
    output wire [15:0] drv_db_o,
    output wire [ 1:0] drv_dbp_o
);

  localparam SETTLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  localparam TURN_TICKS = `SCSI_TICKS(`SCSI_DATA_TURNAROUND_NS);
  localparam SETUP_TICKS = `SCSI_TICKS(`SCSI_ASYNC_SETUP_NS);

  localparam IDLE = 3'd0;  // REQ false, nothing to move
  localparam WAIT = 3'd1;  // phase lines settling
  localparam SETUP = 3'd2;  // data driven, REQ still false
  localparam ASKED = 3'd3;  // REQ true, wait for ACK
  localparam FALL = 3'd4;  // REQ false, wait for ACK to fall
  localparam SYNC = 3'd5;  // tgt_sync moves the data

  reg  [ 2:0] state_q;
  reg         driving_q;
  reg  [ 7:0] settle_q;  // clocks until REQ (or, towards the initiator, DB) may be driven
  reg         ripe_q;    // settle_q is 0
  reg         soon_q;    // settle_q is 1 or 0
  reg         near_q;    // settle_q is within the set-up time
  reg  [ 4:0] setup_q;
  reg  [ 1:0] lead_q;   // clocks until word_q is the first of this start
  reg  [15:0] word_q;   // wdata_i, ready for its parity
  reg  [23:0] left_q;
  reg         last_q;  // the transfer under way is the last of this start
  reg         none_q;  // ... has been
  reg         sync_start_q;
  reg         ours_q;  // the data bus was this device's before the phase began
  reg  [`SCSI_AGR_W-1:0] agree_q;
  reg         put_q, got_q, done_q, error_q, req_q;
  reg  [15:0] rdata_q, db_q;
  reg  [ 1:0] dbp_q;
  reg  [ 2:0] tail_q;  // long enough for stray_o to come first

  wire        to_initiator = drv_phase_o[0];
  wire        wide = agree_q[`SCSI_AGR_WIDE] && !phase_i[1];

  wire        turn = phase_i[0] && !(driving_q ? drv_phase_o[0] : held_i);
  wire        sync = !drv_phase_o[1] && agree_q[`SCSI_AGR_OFFSET] != 7'd0;
  wire        early = ours_q && to_initiator && !sync;  // data set up while the phase settles
  wire        sync_put, sync_got, sync_done, sync_error, sync_req;
  wire [15:0] sync_rdata, sync_db;
  wire [ 1:0] sync_dbp;

  // Between transfers ACK is false.
  wire        open = driving_q && (!drv_phase_o[1] || settle_q != 8'd0);
  wire        stray = open && ack_i && !(state_q == ASKED || state_q == FALL || (state_q == SYNC && !sync_done));

  assign tail_o = tail_q != 3'd0;
  assign busy_o = state_q != IDLE;
  assign put_o = put_q | sync_put;
  assign got_o = got_q | sync_got;
  assign done_o = done_q | sync_done;
  assign error_o = error_q | sync_error;
  assign rdata_o = sync_got ? sync_rdata : rdata_q;
  assign drv_req_o = req_q | sync_req;
  assign drv_db_o = db_q | sync_db;
  assign drv_dbp_o = dbp_q | sync_dbp;

  wire        unused = &{1'b0, agree_q[`SCSI_AGR_DT], agree_q[`SCSI_AGR_QAS]};

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = `SCSI_AWAKE(agree_i != agree_q || sync_start_q || put_q || got_q || done_q || (sync_done && state_q == SYNC) || start_i || more_i
      || drive_i != driving_q || (drive_i && phase_i != drv_phase_o) || settle_q != 8'd0 || state_q == WAIT || state_q == SETUP
      || (state_q == ASKED && ack_i) || (state_q == FALL && !ack_i) || stray || stray_o || tail_q != {3{open}});

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      driving_q <= 1'b0;
      agree_q <= `SCSI_AGR_ASYNC_8;
      settle_q <= 8'd0;
      {ripe_q, soon_q, near_q} <= 3'b111;
      {last_q, none_q, sync_start_q} <= 3'd0;
      setup_q <= 5'd0;
      lead_q <= 2'd0;
      word_q <= 16'd0;
      left_q <= 24'd0;
      ours_q <= 1'b0;
      {put_q, got_q, done_q, error_q, stray_o} <= 5'd0;
      tail_q <= 3'd0;
      rdata_q <= 16'd0;
      drv_phase_o <= 3'd0;
      req_q <= 1'b0;
      db_q <= 16'd0;
      dbp_q <= 2'd0;
    end else if (awake) begin
      agree_q <= agree_i;
      put_q <= 1'b0;
      got_q <= 1'b0;
      done_q <= 1'b0;
      stray_o <= stray;
      tail_q <= {tail_q[1:0], open};
      sync_start_q <= 1'b0;
      if (!ripe_q) settle_q <= settle_q - 8'd1;
      ripe_q <= settle_q <= 8'd1;
      soon_q <= settle_q <= 8'd2;
      near_q <= settle_q <= SETUP_TICKS[7:0] + 8'd1;
      last_q <= left_q == 24'd1 || (wide && left_q == 24'd2);
      if (lead_q != 2'd0) lead_q <= lead_q - 2'd1;
      if (state_q == WAIT || state_q == SETUP) word_q <= wdata_i;

      if (!drive_i) begin
        state_q <= IDLE;
        driving_q <= 1'b0;
        drv_phase_o <= 3'd0;
        req_q <= 1'b0;
        db_q <= 16'd0;
        dbp_q <= 2'd0;
      end else begin
        if (state_q == IDLE && (!driving_q || phase_i != drv_phase_o)) begin
          driving_q <= 1'b1;
          drv_phase_o <= phase_i;
          // what was parity becomes P_CRCA in a DT phase
          db_q <= 16'd0;
          dbp_q <= 2'd0;
          {ripe_q, soon_q, near_q} <= {3{!driving_q && settled_i}};
          if (!driving_q && settled_i) settle_q <= 8'd0;
          else settle_q <= turn ? TURN_TICKS[7:0] : SETTLE_TICKS[7:0];
          ours_q <= !turn;
        end
        case (state_q)
          IDLE:
          if (more_i) begin
            left_q <= 24'd1;
            last_q <= 1'b1;
            ask;
          end else if (start_i) begin
            accept;
          end
          WAIT:
          if (sync) begin
            if (soon_q) begin
              sync_start_q <= 1'b1;
              error_q <= 1'b0;
              state_q <= SYNC;
            end
          end else if (ripe_q || (early && near_q)) begin
            if (!to_initiator) ask;
            else if (lead_q == 2'd0) put;
          end
          SETUP: begin
            setup_q <= setup_q - 5'd1;
            if (setup_q == 5'd1) ask;
          end
          ASKED:
          if (ack_i) begin
            req_q <= 1'b0;
            rdata_q <= db_i;
            error_q <= !to_initiator && !(^{db_i[7:0], dbp_i[0]} && (!wide || ^{db_i[15:8], dbp_i[1]}));
            left_q <= left_q - (wide ? 24'd2 : 24'd1);
            none_q <= last_q;
            state_q <= FALL;
            got_q <= !to_initiator;
          end
          SYNC: if (sync_done) state_q <= IDLE;
          default:  // FALL
          if (!ack_i) begin
            if (none_q) begin
              done_q <= 1'b1;
              state_q <= IDLE;
            end else if (to_initiator) begin
              put;
            end else begin
              ask;
            end
          end
        endcase
      end
    end
  end

  tgt_sync #(
      .CLK_PERIOD_PS(CLK_PERIOD_PS),
      .CRC_LSB_FIRST(CRC_LSB_FIRST),
      .CRC_SEED(CRC_SEED),
      .CRC_INVERT(CRC_INVERT)
  ) u_sync (
      .clk_i     (clk_i),
      .rst_ni    (rst_ni),
      .clear_i   (!drive_i),
      .start_i   (sync_start_q),
      .in_i      (to_initiator),
      .dt_i      (drv_phase_o[2]),
      .wide_i    (wide),
      .factor_i  (agree_q[`SCSI_AGR_PERIOD]),
      .offset_i  (agree_q[`SCSI_AGR_OFFSET]),
      .bytes_i   (left_q),
      .put_o     (sync_put),
      .wdata_i   (wdata_i),
      .got_o     (sync_got),
      .rdata_o   (sync_rdata),
      .done_o    (sync_done),
      .error_o   (sync_error),
      .ack_i     (ack_i),
      .scsi_ack_i(scsi_ack_i),
      .scsi_db_i (scsi_db_i),
      .scsi_dbp_i(scsi_dbp_i),
      .drv_req_o (sync_req),
      .drv_db_o  (sync_db),
      .drv_dbp_o (sync_dbp)
  );

  task accept;
    begin
      left_q <= bytes_i;
      lead_q <= 2'd2;
      state_q <= WAIT;
    end
  endtask

  task put;
    begin
      db_q <= wide ? word_q : {8'd0, word_q[7:0]};
      dbp_q <= {wide && ~^word_q[15:8], ~^word_q[7:0]};
      put_q <= 1'b1;
      setup_q <= SETUP_TICKS[4:0];
      state_q <= SETUP;
    end
  endtask

  task ask;
    begin
      req_q <= 1'b1;
      state_q <= ASKED;
    end
  endtask

endmodule
`default_nettype wire
