// One Python port of a test top on the wired-OR `bus_all`, as cocotbext.scsi.models.ScsiPort expects it; py<N>_says is its drive.
`define PYTHON_PORT(N) \
    reg py``N``_bsy_o, py``N``_sel_o, py``N``_rst_o, py``N``_msg_o, py``N``_cd_o, py``N``_io_o; \
    reg py``N``_req_o, py``N``_ack_o, py``N``_atn_o; \
    reg [15:0] py``N``_db_o; \
    reg [1:0] py``N``_dbp_o; \
    wire [26:0] py``N``_says = {py``N``_dbp_o, py``N``_db_o, py``N``_atn_o, py``N``_ack_o, py``N``_req_o, \
        py``N``_io_o, py``N``_cd_o, py``N``_msg_o, py``N``_rst_o, py``N``_sel_o, py``N``_bsy_o}; \
    initial {py``N``_dbp_o, py``N``_db_o, py``N``_atn_o, py``N``_ack_o, py``N``_req_o, \
        py``N``_io_o, py``N``_cd_o, py``N``_msg_o, py``N``_rst_o, py``N``_sel_o, py``N``_bsy_o} = 27'd0; \
    wire py``N``_bsy_i = bus_all[0]; \
    wire py``N``_sel_i = bus_all[1]; \
    wire py``N``_rst_i = bus_all[2]; \
    wire py``N``_msg_i = bus_all[3]; \
    wire py``N``_cd_i = bus_all[4]; \
    wire py``N``_io_i = bus_all[5]; \
    wire py``N``_req_i = bus_all[6]; \
    wire py``N``_ack_i = bus_all[7]; \
    wire py``N``_atn_i = bus_all[8]; \
    wire [15:0] py``N``_db_i = bus_all[24:9]; \
    wire [1:0] py``N``_dbp_i = bus_all[26:25]
