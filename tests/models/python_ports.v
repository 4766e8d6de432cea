// Test top without any RTL device: five Python ports round one wired-OR bus, each on a cable with its own delay, which may be
// changed at run time; with py<n>_flip, port n alone sees DB(P0) inverted. Each port has the signals that
// cocotbext.scsi.models.ScsiPort expects; `bus_all` is the bus at the centre in vector order, `drv_all` what each port
// asserts there. Simulation only.
`default_nettype none
module python_ports;
    wire [26:0] bus_all /*verilator public_flat_rd*/;

    // Port 0
    reg [31:0] py0_cable_ps /*verilator public_flat_rw*/;
    reg py0_flip /*verilator public_flat_rw*/;
    reg py0_bsy_o /*verilator public_flat_rw*/;
    reg py0_sel_o /*verilator public_flat_rw*/;
    reg py0_rst_o /*verilator public_flat_rw*/;
    reg py0_msg_o /*verilator public_flat_rw*/;
    reg py0_cd_o /*verilator public_flat_rw*/;
    reg py0_io_o /*verilator public_flat_rw*/;
    reg py0_req_o /*verilator public_flat_rw*/;
    reg py0_ack_o /*verilator public_flat_rw*/;
    reg py0_atn_o /*verilator public_flat_rw*/;
    reg [15:0] py0_db_o /*verilator public_flat_rw*/;
    reg [1:0] py0_dbp_o /*verilator public_flat_rw*/;
    wire [26:0] says0 = {py0_dbp_o, py0_db_o, py0_atn_o, py0_ack_o, py0_req_o,
                         py0_io_o, py0_cd_o, py0_msg_o, py0_rst_o, py0_sel_o, py0_bsy_o};
    wire [26:0] drives0;
    wire [26:0] hears0;
    wire py0_bsy_i /*verilator public_flat_rd*/ = hears0[0];
    wire py0_sel_i /*verilator public_flat_rd*/ = hears0[1];
    wire py0_rst_i /*verilator public_flat_rd*/ = hears0[2];
    wire py0_msg_i /*verilator public_flat_rd*/ = hears0[3];
    wire py0_cd_i /*verilator public_flat_rd*/ = hears0[4];
    wire py0_io_i /*verilator public_flat_rd*/ = hears0[5];
    wire py0_req_i /*verilator public_flat_rd*/ = hears0[6];
    wire py0_ack_i /*verilator public_flat_rd*/ = hears0[7];
    wire py0_atn_i /*verilator public_flat_rd*/ = hears0[8];
    wire [15:0] py0_db_i /*verilator public_flat_rd*/ = hears0[24:9];
    wire [1:0] py0_dbp_i /*verilator public_flat_rd*/ = hears0[26:25] ^ {1'b0, py0_flip};
    cable u_out0 (.delay_ps_i(py0_cable_ps), .in_i(says0), .out_o(drives0));
    cable u_in0 (.delay_ps_i(py0_cable_ps), .in_i(bus_all), .out_o(hears0));
    initial begin
        py0_cable_ps = 32'd0;
        py0_flip = 1'b0;
        {py0_dbp_o, py0_db_o, py0_atn_o, py0_ack_o, py0_req_o,
         py0_io_o, py0_cd_o, py0_msg_o, py0_rst_o, py0_sel_o, py0_bsy_o} = 27'd0;
    end

    // Port 1
    reg [31:0] py1_cable_ps /*verilator public_flat_rw*/;
    reg py1_flip /*verilator public_flat_rw*/;
    reg py1_bsy_o /*verilator public_flat_rw*/;
    reg py1_sel_o /*verilator public_flat_rw*/;
    reg py1_rst_o /*verilator public_flat_rw*/;
    reg py1_msg_o /*verilator public_flat_rw*/;
    reg py1_cd_o /*verilator public_flat_rw*/;
    reg py1_io_o /*verilator public_flat_rw*/;
    reg py1_req_o /*verilator public_flat_rw*/;
    reg py1_ack_o /*verilator public_flat_rw*/;
    reg py1_atn_o /*verilator public_flat_rw*/;
    reg [15:0] py1_db_o /*verilator public_flat_rw*/;
    reg [1:0] py1_dbp_o /*verilator public_flat_rw*/;
    wire [26:0] says1 = {py1_dbp_o, py1_db_o, py1_atn_o, py1_ack_o, py1_req_o,
                         py1_io_o, py1_cd_o, py1_msg_o, py1_rst_o, py1_sel_o, py1_bsy_o};
    wire [26:0] drives1;
    wire [26:0] hears1;
    wire py1_bsy_i /*verilator public_flat_rd*/ = hears1[0];
    wire py1_sel_i /*verilator public_flat_rd*/ = hears1[1];
    wire py1_rst_i /*verilator public_flat_rd*/ = hears1[2];
    wire py1_msg_i /*verilator public_flat_rd*/ = hears1[3];
    wire py1_cd_i /*verilator public_flat_rd*/ = hears1[4];
    wire py1_io_i /*verilator public_flat_rd*/ = hears1[5];
    wire py1_req_i /*verilator public_flat_rd*/ = hears1[6];
    wire py1_ack_i /*verilator public_flat_rd*/ = hears1[7];
    wire py1_atn_i /*verilator public_flat_rd*/ = hears1[8];
    wire [15:0] py1_db_i /*verilator public_flat_rd*/ = hears1[24:9];
    wire [1:0] py1_dbp_i /*verilator public_flat_rd*/ = hears1[26:25] ^ {1'b0, py1_flip};
    cable u_out1 (.delay_ps_i(py1_cable_ps), .in_i(says1), .out_o(drives1));
    cable u_in1 (.delay_ps_i(py1_cable_ps), .in_i(bus_all), .out_o(hears1));
    initial begin
        py1_cable_ps = 32'd0;
        py1_flip = 1'b0;
        {py1_dbp_o, py1_db_o, py1_atn_o, py1_ack_o, py1_req_o,
         py1_io_o, py1_cd_o, py1_msg_o, py1_rst_o, py1_sel_o, py1_bsy_o} = 27'd0;
    end

    // Port 2
    reg [31:0] py2_cable_ps /*verilator public_flat_rw*/;
    reg py2_flip /*verilator public_flat_rw*/;
    reg py2_bsy_o /*verilator public_flat_rw*/;
    reg py2_sel_o /*verilator public_flat_rw*/;
    reg py2_rst_o /*verilator public_flat_rw*/;
    reg py2_msg_o /*verilator public_flat_rw*/;
    reg py2_cd_o /*verilator public_flat_rw*/;
    reg py2_io_o /*verilator public_flat_rw*/;
    reg py2_req_o /*verilator public_flat_rw*/;
    reg py2_ack_o /*verilator public_flat_rw*/;
    reg py2_atn_o /*verilator public_flat_rw*/;
    reg [15:0] py2_db_o /*verilator public_flat_rw*/;
    reg [1:0] py2_dbp_o /*verilator public_flat_rw*/;
    wire [26:0] says2 = {py2_dbp_o, py2_db_o, py2_atn_o, py2_ack_o, py2_req_o,
                         py2_io_o, py2_cd_o, py2_msg_o, py2_rst_o, py2_sel_o, py2_bsy_o};
    wire [26:0] drives2;
    wire [26:0] hears2;
    wire py2_bsy_i /*verilator public_flat_rd*/ = hears2[0];
    wire py2_sel_i /*verilator public_flat_rd*/ = hears2[1];
    wire py2_rst_i /*verilator public_flat_rd*/ = hears2[2];
    wire py2_msg_i /*verilator public_flat_rd*/ = hears2[3];
    wire py2_cd_i /*verilator public_flat_rd*/ = hears2[4];
    wire py2_io_i /*verilator public_flat_rd*/ = hears2[5];
    wire py2_req_i /*verilator public_flat_rd*/ = hears2[6];
    wire py2_ack_i /*verilator public_flat_rd*/ = hears2[7];
    wire py2_atn_i /*verilator public_flat_rd*/ = hears2[8];
    wire [15:0] py2_db_i /*verilator public_flat_rd*/ = hears2[24:9];
    wire [1:0] py2_dbp_i /*verilator public_flat_rd*/ = hears2[26:25] ^ {1'b0, py2_flip};
    cable u_out2 (.delay_ps_i(py2_cable_ps), .in_i(says2), .out_o(drives2));
    cable u_in2 (.delay_ps_i(py2_cable_ps), .in_i(bus_all), .out_o(hears2));
    initial begin
        py2_cable_ps = 32'd0;
        py2_flip = 1'b0;
        {py2_dbp_o, py2_db_o, py2_atn_o, py2_ack_o, py2_req_o,
         py2_io_o, py2_cd_o, py2_msg_o, py2_rst_o, py2_sel_o, py2_bsy_o} = 27'd0;
    end

    // Port 3
    reg [31:0] py3_cable_ps /*verilator public_flat_rw*/;
    reg py3_flip /*verilator public_flat_rw*/;
    reg py3_bsy_o /*verilator public_flat_rw*/;
    reg py3_sel_o /*verilator public_flat_rw*/;
    reg py3_rst_o /*verilator public_flat_rw*/;
    reg py3_msg_o /*verilator public_flat_rw*/;
    reg py3_cd_o /*verilator public_flat_rw*/;
    reg py3_io_o /*verilator public_flat_rw*/;
    reg py3_req_o /*verilator public_flat_rw*/;
    reg py3_ack_o /*verilator public_flat_rw*/;
    reg py3_atn_o /*verilator public_flat_rw*/;
    reg [15:0] py3_db_o /*verilator public_flat_rw*/;
    reg [1:0] py3_dbp_o /*verilator public_flat_rw*/;
    wire [26:0] says3 = {py3_dbp_o, py3_db_o, py3_atn_o, py3_ack_o, py3_req_o,
                         py3_io_o, py3_cd_o, py3_msg_o, py3_rst_o, py3_sel_o, py3_bsy_o};
    wire [26:0] drives3;
    wire [26:0] hears3;
    wire py3_bsy_i /*verilator public_flat_rd*/ = hears3[0];
    wire py3_sel_i /*verilator public_flat_rd*/ = hears3[1];
    wire py3_rst_i /*verilator public_flat_rd*/ = hears3[2];
    wire py3_msg_i /*verilator public_flat_rd*/ = hears3[3];
    wire py3_cd_i /*verilator public_flat_rd*/ = hears3[4];
    wire py3_io_i /*verilator public_flat_rd*/ = hears3[5];
    wire py3_req_i /*verilator public_flat_rd*/ = hears3[6];
    wire py3_ack_i /*verilator public_flat_rd*/ = hears3[7];
    wire py3_atn_i /*verilator public_flat_rd*/ = hears3[8];
    wire [15:0] py3_db_i /*verilator public_flat_rd*/ = hears3[24:9];
    wire [1:0] py3_dbp_i /*verilator public_flat_rd*/ = hears3[26:25] ^ {1'b0, py3_flip};
    cable u_out3 (.delay_ps_i(py3_cable_ps), .in_i(says3), .out_o(drives3));
    cable u_in3 (.delay_ps_i(py3_cable_ps), .in_i(bus_all), .out_o(hears3));
    initial begin
        py3_cable_ps = 32'd0;
        py3_flip = 1'b0;
        {py3_dbp_o, py3_db_o, py3_atn_o, py3_ack_o, py3_req_o,
         py3_io_o, py3_cd_o, py3_msg_o, py3_rst_o, py3_sel_o, py3_bsy_o} = 27'd0;
    end

    // Port 4
    reg [31:0] py4_cable_ps /*verilator public_flat_rw*/;
    reg py4_flip /*verilator public_flat_rw*/;
    reg py4_bsy_o /*verilator public_flat_rw*/;
    reg py4_sel_o /*verilator public_flat_rw*/;
    reg py4_rst_o /*verilator public_flat_rw*/;
    reg py4_msg_o /*verilator public_flat_rw*/;
    reg py4_cd_o /*verilator public_flat_rw*/;
    reg py4_io_o /*verilator public_flat_rw*/;
    reg py4_req_o /*verilator public_flat_rw*/;
    reg py4_ack_o /*verilator public_flat_rw*/;
    reg py4_atn_o /*verilator public_flat_rw*/;
    reg [15:0] py4_db_o /*verilator public_flat_rw*/;
    reg [1:0] py4_dbp_o /*verilator public_flat_rw*/;
    wire [26:0] says4 = {py4_dbp_o, py4_db_o, py4_atn_o, py4_ack_o, py4_req_o,
                         py4_io_o, py4_cd_o, py4_msg_o, py4_rst_o, py4_sel_o, py4_bsy_o};
    wire [26:0] drives4;
    wire [26:0] hears4;
    wire py4_bsy_i /*verilator public_flat_rd*/ = hears4[0];
    wire py4_sel_i /*verilator public_flat_rd*/ = hears4[1];
    wire py4_rst_i /*verilator public_flat_rd*/ = hears4[2];
    wire py4_msg_i /*verilator public_flat_rd*/ = hears4[3];
    wire py4_cd_i /*verilator public_flat_rd*/ = hears4[4];
    wire py4_io_i /*verilator public_flat_rd*/ = hears4[5];
    wire py4_req_i /*verilator public_flat_rd*/ = hears4[6];
    wire py4_ack_i /*verilator public_flat_rd*/ = hears4[7];
    wire py4_atn_i /*verilator public_flat_rd*/ = hears4[8];
    wire [15:0] py4_db_i /*verilator public_flat_rd*/ = hears4[24:9];
    wire [1:0] py4_dbp_i /*verilator public_flat_rd*/ = hears4[26:25] ^ {1'b0, py4_flip};
    cable u_out4 (.delay_ps_i(py4_cable_ps), .in_i(says4), .out_o(drives4));
    cable u_in4 (.delay_ps_i(py4_cable_ps), .in_i(bus_all), .out_o(hears4));
    initial begin
        py4_cable_ps = 32'd0;
        py4_flip = 1'b0;
        {py4_dbp_o, py4_db_o, py4_atn_o, py4_ack_o, py4_req_o,
         py4_io_o, py4_cd_o, py4_msg_o, py4_rst_o, py4_sel_o, py4_bsy_o} = 27'd0;
    end

    assign bus_all = drives0 | drives1 | drives2 | drives3 | drives4;
    wire [134:0] drv_all /*verilator public_flat_rd*/ = {drives4, drives3, drives2, drives1, drives0};
endmodule
`default_nettype wire
