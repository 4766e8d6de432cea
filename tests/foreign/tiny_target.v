// A small ordinary target in a style that is not this project's: active-low pins split into input, output and enable, and
// phase lines that it drives but does not read back. The example examples/attach_to_your_core.py watches it. It is
// selected, takes messages and one six-byte command, answers GOOD and TASK COMPLETE. Rules: spi-facts 3.5, 4.2, 5.1.
// DEFECT = 1 makes it ask for the first byte before the bus has settled, to show that the checker notices.
`default_nettype none
module tiny_target #(
    parameter ID = 2,
    parameter DEFECT = 0
) (
    input wire clk,  // 100 MHz
    input wire reset_n,
    input wire scsi_sel_n_i,
    input wire scsi_rst_n_i,
    input wire scsi_atn_n_i,
    input wire scsi_ack_n_i,
    input wire scsi_bsy_n_i,
    output wire scsi_bsy_n_o,
    output wire scsi_bsy_oe,
    output wire scsi_msg_n_o,
    output wire scsi_cd_n_o,
    output wire scsi_io_n_o,
    output wire scsi_req_n_o,
    output wire scsi_phase_oe,
    input wire [7:0] scsi_db_n_i,
    output wire [7:0] scsi_db_n_o,
    input wire scsi_dbp_n_i,
    output wire scsi_dbp_n_o,
    output wire scsi_db_oe
);
  localparam SETTLE = 8'd45;  // bus settle delay and a little, in clocks
  localparam TURN = 8'd90;  // data release and bus settle delay
  localparam DESKEW = 8'd8;

  localparam IDLE = 3'd0;  // waits to be selected
  localparam CALLED = 3'd1;  // has BSY, waits for SEL to go
  localparam ENTER = 3'd2;  // new phase code, counts the settle delay
  localparam SETUP = 3'd3;  // own data before REQ
  localparam ASK = 3'd4;  // REQ, waits for ACK
  localparam TAKEN = 3'd5;  // waits for ACK to go

  localparam MSG_OUT = 3'b110;
  localparam COMMAND = 3'b010;
  localparam STATUS = 3'b011;
  localparam MSG_IN = 3'b111;

  reg [2:0] state, phase;
  reg [7:0] count;
  reg [2:0] left;
  reg bsy, req, drive;
  reg [1:0] ack_s, atn_s, sel_s, bsy_s;

  wire ack = ack_s[1], atn = atn_s[1];
  wire called = sel_s[1] && !bsy_s[1] && !scsi_db_n_i[ID];

  assign scsi_bsy_n_o = 1'b0;
  assign scsi_bsy_oe = bsy;
  assign {scsi_msg_n_o, scsi_cd_n_o, scsi_io_n_o} = ~phase;
  assign scsi_req_n_o = !req;
  assign scsi_phase_oe = bsy && state != CALLED;
  assign scsi_db_n_o = 8'hFF;  // both bytes it ever sends are 00h
  assign scsi_dbp_n_o = 1'b0;
  assign scsi_db_oe = drive;

  always @(posedge clk or negedge reset_n)
    if (!reset_n) begin
      state <= IDLE;
      phase <= MSG_OUT;
      count <= 8'd0;
      left  <= 3'd0;
      {bsy, req, drive} <= 3'b000;
      {ack_s, atn_s, sel_s, bsy_s} <= 8'd0;
    end else begin
      ack_s <= {ack_s[0], !scsi_ack_n_i};
      atn_s <= {atn_s[0], !scsi_atn_n_i};
      sel_s <= {sel_s[0], !scsi_sel_n_i};
      bsy_s <= {bsy_s[0], !scsi_bsy_n_i};
      if (!scsi_rst_n_i) begin
        state <= IDLE;
        {bsy, req, drive} <= 3'b000;
      end else
        case (state)
          IDLE: begin
            count <= called ? count + 8'd1 : 8'd0;
            if (called && count == SETTLE) begin
              bsy   <= 1'b1;
              state <= CALLED;
            end
          end
          CALLED:
          if (!sel_s[1]) begin
            phase <= atn ? MSG_OUT : COMMAND;
            left  <= 3'd6;
            count <= DEFECT ? 8'd5 : SETTLE;
            state <= ENTER;
          end
          ENTER: begin
            count <= count - 8'd1;
            if (count == 8'd0) begin
              drive <= phase[0];
              count <= DESKEW;
              state <= SETUP;
            end
          end
          SETUP: begin
            count <= count - 8'd1;
            if (count == 8'd0 || !phase[0]) begin
              req   <= 1'b1;
              state <= ASK;
            end
          end
          ASK:
          if (ack) begin
            req   <= 1'b0;
            left  <= left - 3'd1;
            state <= TAKEN;
          end
          default:
          if (!ack) begin
            drive <= 1'b0;
            count <= SETTLE;
            state <= ENTER;
            case (phase)
              MSG_OUT: begin
                left <= 3'd6;
                if (atn) state <= ASK;
                if (atn) req <= 1'b1;
                else phase <= COMMAND;
              end
              COMMAND:
              if (left == 3'd0) begin
                phase <= STATUS;
                count <= TURN;
              end else begin
                req   <= 1'b1;
                state <= ASK;
              end
              STATUS: phase <= MSG_IN;
              default: begin
                bsy   <= 1'b0;
                phase <= MSG_OUT;
                state <= IDLE;
              end
            endcase
          end
        endcase
    end
endmodule
`default_nettype wire
