// What happens on the bus as text, for people who look at waves: the phase, the message and its bytes. Simulation only; the
// bench instantiates it, nothing reads it. Phases: spi-facts sections 2 and 3; messages: silent-mirroring section 3.
`default_nettype none
module bus_view (
    // In the order of docs/architecture.md section 2; REQ, ATN, parity and the upper data byte name nothing.
    // verilator lint_off UNUSEDSIGNAL
    input wire [26:0] bus_i
    // verilator lint_on UNUSEDSIGNAL
);
  `include "scsi_defs.vh"

  // Steps through the bytes of a message
  localparam FIRST = 3'd0;  // a message code
  localparam SECOND = 3'd1;  // second byte of a standard two-byte message
  localparam LENGTH = 3'd2;  // length of an extended message
  localparam EXTENDED = 3'd3;  // its code
  localparam GROUP = 3'd4;  // group/ID of a mirroring message
  localparam REST = 3'd5;  // bytes without a name of their own
  localparam OPTIONAL = 3'd6;  // FFh may follow: the last participant

  wire bsy = bus_i[0];
  wire sel = bus_i[1];
  wire rst = bus_i[2];
  wire [2:0] code = {bus_i[3], bus_i[4], bus_i[5]};  // {MSG, C/D, I/O}
  wire ack = bus_i[7];
  wire [7:0] db = bus_i[16:9];
  wire talk = bsy && !sel && code[2:1] == 2'b11;

  reg linked;  // a selection or reselection has been, so BSY is a target's
  reg inward_q;  // direction of the last message byte
  reg [2:0] step_q;
  reg [7:0] left_q;  // bytes of an extended message still to come
  // Another direction begins another message.
  wire [2:0] step = code[0] == inward_q ? step_q : FIRST;
  wire vendor = db == `MIRROR_MSG_QUERY || db == `MIRROR_MSG_SWITCH_ROLE || db == `MIRROR_MSG_REPORT || db == `MIRROR_MSG_RELEASE;
  wire vendor_extended = db == `MIRROR_EXT_WRITE || db == `MIRROR_EXT_READ || db == `MIRROR_EXT_NEXT || db == `MIRROR_EXT_CAPABILITY ||
      db == `MIRROR_EXT_FAILED;

  // Seen in the waves only
  // verilator lint_off UNUSEDSIGNAL
  reg [8*12-1:0] phase;
  reg [8*16-1:0] message;
  reg [7:0] message_byte;
  reg [7:0] group_id;  // of the last mirroring message
  // verilator lint_on UNUSEDSIGNAL

  initial begin
    linked       = 1'b0;
    inward_q     = 1'b0;
    step_q       = FIRST;
    left_q       = 8'd0;
    phase        = "BUS FREE";
    message      = "";
    message_byte = 8'd0;
    group_id     = 8'd0;
  end

  function [8*16-1:0] name(input [7:0] first);
    casez (first)
      8'b1???????: name = "IDENTIFY";
      `SCSI_MSG_TASK_COMPLETE: name = "TASK COMPLETE";
      `SCSI_MSG_EXTENDED: name = "EXTENDED";
      `SCSI_MSG_SAVE_DATA_POINTER: name = "SAVE POINTERS";
      `SCSI_MSG_RESTORE_POINTERS: name = "RESTORE POINTERS";
      `SCSI_MSG_DISCONNECT: name = "DISCONNECT";
      `SCSI_MSG_INITIATOR_DETECTED_ERROR: name = "INITIATOR ERROR";
      `SCSI_MSG_ABORT_TASK_SET: name = "ABORT TASK SET";
      `SCSI_MSG_MESSAGE_REJECT: name = "MESSAGE REJECT";
      `SCSI_MSG_NO_OPERATION: name = "NO OPERATION";
      `SCSI_MSG_MESSAGE_PARITY_ERROR: name = "PARITY ERROR";
      `SCSI_MSG_TARGET_RESET: name = "TARGET RESET";
      `SCSI_MSG_ABORT_TASK: name = "ABORT TASK";
      `SCSI_MSG_SIMPLE: name = "SIMPLE";
      `MIRROR_MSG_QUERY: name = "MIRROR QUERY";
      `MIRROR_MSG_SWITCH_ROLE: name = "SWITCH ROLE";
      `MIRROR_MSG_REPORT: name = "REPORT";
      `MIRROR_MSG_RELEASE: name = "RELEASE";
      default: name = "OTHER";
    endcase
  endfunction

  function [8*16-1:0] extended_name(input [7:0] extended);
    case (extended)
      `SCSI_EXT_SDTR: extended_name = "SDTR";
      `SCSI_EXT_WDTR: extended_name = "WDTR";
      `SCSI_EXT_PPR: extended_name = "PPR";
      `MIRROR_EXT_WRITE: extended_name = "MIRROR WRITE";
      `MIRROR_EXT_READ: extended_name = "MIRROR READ";
      `MIRROR_EXT_NEXT: extended_name = "NEXT";
      `MIRROR_EXT_CAPABILITY: extended_name = "CAPABILITY";
      `MIRROR_EXT_FAILED: extended_name = "FAILED BLOCK";
      default: extended_name = "EXTENDED";
    endcase
  endfunction

  // verilator lint_off LATCH
  always @(bsy or sel or rst or code) begin
    if (rst || !(bsy || sel)) linked = 1'b0;
    else if (sel && !bsy) linked = 1'b1;
    if (rst) phase = "RESET";
    else if (!bsy && !sel) phase = "BUS FREE";
    else if (!linked) phase = "ARBITRATION";
    else if (sel) phase = code[0] ? "RESELECTION" : "SELECTION";
    else
      case (code)
        `SCSI_PH_DATA_OUT: phase = "DATA OUT";
        `SCSI_PH_DATA_IN: phase = "DATA IN";
        `SCSI_PH_COMMAND: phase = "COMMAND";
        `SCSI_PH_STATUS: phase = "STATUS";
        `SCSI_PH_DT_DATA_OUT: phase = "DT DATA OUT";
        `SCSI_PH_DT_DATA_IN: phase = "DT DATA IN";
        `SCSI_PH_MSG_OUT: phase = "MESSAGE OUT";
        default: phase = "MESSAGE IN";
      endcase
  end
  // verilator lint_on LATCH

  // In either direction the byte is on the wires when ACK is asserted; a message phase begins with a message code.
  always @(posedge ack or negedge talk)
    if (!talk) begin
      step_q  <= FIRST;
      message <= "";
    end else begin
      inward_q     <= code[0];
      message_byte <= db;
      case (step)
        SECOND: step_q <= FIRST;
        LENGTH: begin
          left_q <= db;
          step_q <= EXTENDED;
        end
        EXTENDED: begin
          message <= extended_name(db);
          left_q  <= left_q - 8'd1;
          step_q  <= left_q == 8'd1 ? FIRST : vendor_extended ? GROUP : REST;
        end
        GROUP: begin
          group_id <= db;
          left_q   <= left_q - 8'd1;
          step_q   <= left_q == 8'd0 ? OPTIONAL : left_q == 8'd1 ? FIRST : REST;
        end
        REST: begin
          left_q <= left_q - 8'd1;
          if (left_q == 8'd1) step_q <= FIRST;
        end
        default:
        if (step == OPTIONAL && db == `MIRROR_LAST) step_q <= FIRST;
        else begin
          message <= name(db);
          left_q  <= 8'd0;
          step_q  <= vendor ? GROUP : db == `SCSI_MSG_EXTENDED ? LENGTH : db[7:4] == 4'h2 ? SECOND : FIRST;
        end
      endcase
    end
endmodule
`default_nettype wire
