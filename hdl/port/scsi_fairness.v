// The fairness register: devices of lower priority that have lost to this one, or while it did not take part.
//
// Used by scsi_initiator and scsi_target: mandatory for QAS, an option in normal arbitration. Rule (docs/protocol.md 13): IDs are
// looked at once an arbitration, after the bus set delay and before the arbitration delay ends, or in a QAS phase once all are on DB;
// what has lost is remembered, what has won or no longer asks is forgotten. A device that loses itself takes on nothing
// new. A bus that nobody wants any longer empties the register.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_timing.vh"

module scsi_fairness #(
    parameter CLK_PERIOD_PS = 6250
) (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire        bus_rst_i,
    input  wire        enable_i,
    input  wire        bsy_i,
    input  wire        sel_i,
    input  wire [15:0] db_i,
    input  wire        free_i,    // from scsi_bus_free
    input  wire        look_i,  // from scsi_qas
    input  wire [ 3:0] own_id_i,
    output reg         clear_o    // the register is empty
);

  localparam SAMPLE_TICKS = `SCSI_TICKS(`SCSI_FAIR_SAMPLE_NS);
  localparam IDLE_TICKS = `SCSI_TICKS(`SCSI_BUS_FREE_NS) + `SCSI_TICKS(`SCSI_BUS_SET_NS);

  localparam REST = 3'd0;  // no arbitration
  localparam WATCH = 3'd1;  // BSY after BUS FREE: wait until everybody who asks has his ID on the bus
  localparam JUDGE = 3'd2;  // the IDs have been taken
  localparam ENTER = 3'd3;  // those that lost are known
  localparam CONNECTED = 3'd4;  // until the bus is free

  reg  [ 2:0] state_q;
  reg  [ 9:0] count_q;  // since BSY, or since BUS FREE
  reg  [15:0] asks_q;  // in order of priority, bit 0 the highest: IDs 7 to 0, 15 to 8
  reg  [15:0] register_q;  // in the same order

  wire [ 3:0] own_rank = own_id_i ^ 4'd7;
  reg  [15:0] higher, lower;
  // of a clock before JUDGE
  reg  [15:0] own_q, higher_q, lower_q;
  reg  [15:0] losers_q;
  reg         lost_q;
  integer     n;
  wire        lost = |(asks_q & own_q) && |(asks_q & higher_q);
  wire        begins = free_i && bsy_i;
  wire        empty = register_q == 16'd0;

  always @(*) begin
    for (n = 0; n < 16; n = n + 1) begin
      higher[n] = n[3:0] < own_rank;
      lower[n]  = n[3:0] > own_rank;
    end
  end

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = `SCSI_AWAKE(!enable_i || bus_rst_i ? state_q != REST || !empty || !clear_o
      : look_i || empty != clear_o
      || (state_q == CONNECTED ? free_i : state_q != REST || begins || (free_i ? !empty : count_q != 10'd0)));

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= REST;
      count_q <= 10'd0;
      {asks_q, losers_q} <= 32'd0;
      {own_q, higher_q, lower_q} <= 48'd0;
      lost_q <= 1'b0;
      register_q <= 16'd0;
      clear_o <= 1'b1;
    end else if (!awake) begin
      // nothing changes
    end else if (!enable_i || bus_rst_i) begin
      state_q <= REST;
      count_q <= 10'd0;
      register_q <= 16'd0;
      clear_o <= 1'b1;
    end else begin
      clear_o <= empty;
      if (look_i) begin
        take;
      end else begin
        case (state_q)
          REST:
          if (begins) begin
            count_q <= 10'd1;
            state_q <= WATCH;
          end else if (!free_i) begin
            count_q <= 10'd0;
          end else if (count_q == IDLE_TICKS[9:0]) begin
            register_q <= 16'd0;
          end else begin
            count_q <= count_q + 10'd1;
          end

          WATCH:
          if (!bsy_i) begin
            count_q <= 10'd0;
            state_q <= REST;
          end else if (sel_i || count_q == SAMPLE_TICKS[9:0]) begin
            take;
          end else begin
            count_q <= count_q + 10'd1;
          end

          JUDGE: begin
            losers_q <= asks_q & (asks_q - 16'd1) & lower_q;  // the lowest bit has won
            lost_q   <= lost;
            state_q  <= ENTER;
          end

          ENTER: begin
            register_q <= lost_q ? register_q & losers_q : losers_q;
            count_q <= 10'd0;
            state_q <= CONNECTED;
          end

          default:  // CONNECTED
          if (free_i) state_q <= REST;
        endcase
      end
    end
  end

  task take;
    begin
      own_q <= 16'd1 << own_rank;
      {higher_q, lower_q} <= {higher, lower};
      asks_q <= {
        db_i[8], db_i[9], db_i[10], db_i[11], db_i[12], db_i[13], db_i[14], db_i[15],
        db_i[0], db_i[1], db_i[2], db_i[3], db_i[4], db_i[5], db_i[6], db_i[7]
      };
      state_q <= JUDGE;
    end
  endtask

endmodule
`default_nettype wire
