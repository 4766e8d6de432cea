// Bench for tiny_target: terminated open-drain wires and a behavioural host that gives one command and raises `done`.
// Host timing: spi-facts 4.1, 4.2, 3.5 with a few ns to spare.
`timescale 1ns / 1ps
`default_nettype none
module foreign_top;
  parameter DEFECT = 0;

  reg clk = 1'b0;
  reg reset_n;
  initial reset_n = 1'b0;  // an edge at time 0, so that the core's registers are known from then on
  always #5 clk = !clk;

  // What the host asserts, active high
  reg bsy = 1'b0, sel = 1'b0, ack = 1'b0, atn = 1'b0, drive = 1'b0;
  reg [7:0] db = 8'd0;
  reg done = 1'b0;

  wire core_bsy_n, core_bsy_oe, core_msg_n, core_cd_n, core_io_n, core_req_n, core_phase_oe, core_dbp_n, core_db_oe;
  wire [7:0] core_db_n;

  // The cable: low = asserted
  wire bsy_n = !(bsy || (core_bsy_oe && !core_bsy_n));
  wire io = core_phase_oe && !core_io_n;
  wire req = core_phase_oe && !core_req_n;
  wire [7:0] db_n = ~((drive ? db : 8'd0) | (core_db_oe ? ~core_db_n : 8'd0));
  // A device that arbitrates releases parity.
  wire dbp_n = !((drive && !(bsy && !sel) && !(^db)) || (core_db_oe && !core_dbp_n));

  tiny_target #(
      .ID(2),
      .DEFECT(DEFECT)
  ) core (
      .clk(clk), .reset_n(reset_n), .scsi_sel_n_i(!sel), .scsi_rst_n_i(1'b1), .scsi_atn_n_i(!atn), .scsi_ack_n_i(!ack),
      .scsi_bsy_n_i(bsy_n), .scsi_bsy_n_o(core_bsy_n), .scsi_bsy_oe(core_bsy_oe), .scsi_msg_n_o(core_msg_n),
      .scsi_cd_n_o(core_cd_n), .scsi_io_n_o(core_io_n), .scsi_req_n_o(core_req_n), .scsi_phase_oe(core_phase_oe),
      .scsi_db_n_i(db_n), .scsi_db_n_o(core_db_n), .scsi_dbp_n_i(dbp_n), .scsi_dbp_n_o(core_dbp_n), .scsi_db_oe(core_db_oe)
  );

  // One byte out: ATN goes with the last message byte.
  task send(input [7:0] value, input last);
    begin
      wait (req);
      #10 drive = 1'b1;
      db = value;
      if (last) atn = 1'b0;
      #100 ack = 1'b1;
      wait (!req);
      #10 ack = 1'b0;
    end
  endtask

  // One byte in.
  task take;
    begin
      wait (req);
      #60 ack = 1'b1;
      wait (!req);
      #10 ack = 1'b0;
    end
  endtask

  initial begin
    #100 reset_n = 1'b1;
    #3000 bsy = 1'b1;  // arbitration
    drive = 1'b1;
    db = 8'h80;
    #2500 sel = 1'b1;
    #1300 atn = 1'b1;  // selection
    db = 8'h84;
    #100 bsy = 1'b0;
    #410 wait (!bsy_n);
    #100 sel = 1'b0;
    drive = 1'b0;
    send(8'h80, 1'b1);  // IDENTIFY
    repeat (6) send(8'h00, 1'b0);  // TEST UNIT READY
    wait (io) drive = 1'b0;
    repeat (2) take;
    wait (bsy_n);
    #3000 done = 1'b1;
  end
endmodule
`default_nettype wire
