// Drives the phase lines, REQ and, towards the initiator, data: the target's side of the asynchronous handshake.
//
// Used by scsi_target through tgt_link. Rules: phase lines stable for a bus settle delay before the first REQ; I/O asserted for data
// release + bus settle before DB is driven; data set up before REQ and held until ACK; the byte is judged when ACK is negated
// (SPI-3 asynchronous transfers). A start moves `bytes_i` bytes in the phase that is driven, then stops with REQ and ACK false.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "scsi_timing.vh"

module tgt_phase #(
    parameter CLK_PERIOD_PS = 6250
) (
    input wire clk_i,
    input wire rst_ni,

    input wire        drive_i,    // this device owns the phase lines; falling: everything released at once
    input wire        settled_i,  // with drive_i rising: the lines have already been stable long enough
    input wire [ 2:0] phase_i,    // changes only while not busy
    input wire [`SCSI_AGR_W-1:0] agree_i,  // with the initiator of this connection; counts in data phases
    input wire        start_i,    // pulse
    input wire [23:0] bytes_i,
    input wire [15:0] wdata_i,    // next data towards the initiator

    output wire        busy_o,
    output reg         put_o,     // pulse: wdata_i has been taken
    output reg         got_o,     // pulse: rdata_o and error_o hold a transfer from the initiator
    output reg         done_o,    // pulse: the last ACK has been negated
    output reg  [15:0] rdata_o,
    output reg         error_o,

    input  wire        ack_i,
    input  wire [15:0] db_i,
    input  wire [ 1:0] dbp_i,
    output reg  [ 2:0] drv_phase_o,
    output reg         drv_req_o,
    output reg  [15:0] drv_db_o,
    output reg  [ 1:0] drv_dbp_o
);

  localparam SETTLE_TICKS = `SCSI_TICKS(`SCSI_BUS_SETTLE_NS);
  localparam TURN_TICKS = `SCSI_TICKS(`SCSI_DATA_TURNAROUND_NS);
  localparam SETUP_TICKS = `SCSI_TICKS(`SCSI_ASYNC_SETUP_NS);

  localparam IDLE = 3'd0;  // REQ false, nothing to move
  localparam WAIT = 3'd1;  // phase lines settling
  localparam SETUP = 3'd2;  // data driven, REQ still false
  localparam ASKED = 3'd3;  // REQ true, wait for ACK
  localparam FALL = 3'd4;  // REQ false, wait for ACK to fall

  reg  [ 2:0] state_q;
  reg         driving_q;
  reg  [ 7:0] settle_q;  // clocks until REQ (or, towards the initiator, DB) may be driven
  reg  [ 4:0] setup_q;
  reg  [23:0] left_q;

  wire        to_initiator = drv_phase_o[0];
  wire        wide = agree_i[`SCSI_AGR_WIDE] && !phase_i[1];
  wire        last = left_q == 24'd1 || (wide && left_q == 24'd2);

  assign busy_o = state_q != IDLE;

  wire        unused = &{1'b0, agree_i};

  // Nothing to do in a clock should cost a simulation nothing.
  wire        awake = put_o || got_o || done_o || start_i || drive_i != driving_q || (drive_i && phase_i != drv_phase_o)
      || settle_q != 8'd0 || state_q == WAIT || state_q == SETUP || (state_q == ASKED && ack_i) || (state_q == FALL && !ack_i);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      driving_q <= 1'b0;
      settle_q <= 8'd0;
      setup_q <= 5'd0;
      left_q <= 24'd0;
      {put_o, got_o, done_o, error_o} <= 4'd0;
      rdata_o <= 16'd0;
      drv_phase_o <= 3'd0;
      drv_req_o <= 1'b0;
      drv_db_o <= 16'd0;
      drv_dbp_o <= 2'd0;
    end else if (awake) begin
      put_o <= 1'b0;
      got_o <= 1'b0;
      done_o <= 1'b0;
      if (settle_q != 8'd0) settle_q <= settle_q - 8'd1;

      if (!drive_i) begin
        state_q <= IDLE;
        driving_q <= 1'b0;
        drv_phase_o <= 3'd0;
        drv_req_o <= 1'b0;
        drv_db_o <= 16'd0;
        drv_dbp_o <= 2'd0;
      end else if (!driving_q || phase_i != drv_phase_o) begin
        driving_q <= 1'b1;
        drv_phase_o <= phase_i;
        if (!phase_i[0]) begin
          drv_db_o <= 16'd0;
          drv_dbp_o <= 2'd0;
        end
        if (!driving_q && settled_i) settle_q <= 8'd0;
        else if (phase_i[0] && !(driving_q && drv_phase_o[0])) settle_q <= TURN_TICKS[7:0];
        else settle_q <= SETTLE_TICKS[7:0];
        if (start_i) accept;
      end else begin
        case (state_q)
          IDLE: if (start_i) accept;
          WAIT:
          if (settle_q == 8'd0) begin
            if (to_initiator) put;
            else ask;
          end
          SETUP: begin
            setup_q <= setup_q - 5'd1;
            if (setup_q == 5'd1) ask;
          end
          ASKED:
          if (ack_i) begin
            drv_req_o <= 1'b0;
            rdata_o <= db_i;
            error_o <= !to_initiator && !(^{db_i[7:0], dbp_i[0]} && (!wide || ^{db_i[15:8], dbp_i[1]}));
            left_q <= last ? 24'd0 : left_q - (wide ? 24'd2 : 24'd1);
            state_q <= FALL;
            got_o <= !to_initiator;
          end
          default:  // FALL
          if (!ack_i) begin
            if (left_q == 24'd0) begin
              done_o <= 1'b1;
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

  task accept;
    begin
      left_q <= bytes_i;
      state_q <= WAIT;
    end
  endtask

  task put;
    begin
      drv_db_o <= wide ? wdata_i : {8'd0, wdata_i[7:0]};
      drv_dbp_o <= {wide && ~^wdata_i[15:8], ~^wdata_i[7:0]};
      put_o <= 1'b1;
      setup_q <= SETUP_TICKS[4:0];
      state_q <= SETUP;
    end
  endtask

  task ask;
    begin
      drv_req_o <= 1'b1;
      state_q <= ASKED;
    end
  endtask

endmodule
`default_nettype wire
