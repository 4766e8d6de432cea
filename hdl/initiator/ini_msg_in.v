// Parses MESSAGE IN bytes into events.
//
// Used by scsi_initiator. Rules: message length by first byte (SCSI-2 message formats; the two-byte range holds the messages of
// silent mirroring); a byte with wrong parity spoils its message, the rest of the phase is ignored because the target will send all of
// it again. An event comes while the last byte is still unacknowledged, early enough for ATN to go with that ACK.
`default_nettype none
`include "scsi_awake.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_msg_in #(
    parameter [7:0] MSG_QUERY = `MIRROR_MSG_QUERY,
    parameter [7:0] MSG_SWITCH_ROLE = `MIRROR_MSG_SWITCH_ROLE,
    parameter [7:0] EXT_CAPABILITY = `MIRROR_EXT_CAPABILITY,
    parameter [7:0] EXT_FAILED = `MIRROR_EXT_FAILED
) (
    input wire clk_i,
    input wire rst_ni,

    input wire [2:0] phase_i,
    input wire       phase_new_i,
    input wire       rx_stb_i,
    input wire [7:0] rx_data_i,
    input wire       rx_perr_i,

    output reg       bad_o,  // pulse: first byte with wrong parity in this phase
    output reg       stb_o,  // pulse: a message is complete; what it is has been there for a clock
    output reg [4:0] msg_o,
    output reg [7:0] arg_o,  // LUN of IDENTIFY, tag, residue, identity
    output reg [39:0] ext_o  // the latest bytes of an extended message, the last one in bits 7:0
);

  localparam FIRST = 3'd0;  // next byte starts a message
  localparam SECOND = 3'd1;  // second of a two-byte message
  localparam LENGTH = 3'd2;  // length of an extended message
  localparam CODE = 3'd3;  // its code
  localparam ARGUMENT = 3'd4;  // its arguments
  localparam SPOILT = 3'd5;  // a byte was wrong: nothing counts until the next phase

  reg [2:0] state_q;
  reg [7:0] first_q;  // first byte, or code of an extended message
  reg [7:0] left_q;  // bytes of an extended message still to come; 0 stands for 256
  reg [4:0] form_q;  // the message that an extended one is by its length and code

  // the byte that came
  reg       came_q;
  reg [7:0] byte_q;
  reg       wrong_q;
  reg       end_q;  // left_q is 1
  reg       heard_q;  // a message is complete

  wire       came = rx_stb_i && phase_i == `SCSI_PH_MSG_IN;
  wire       at_end = left_q == 8'd1;
  wire       awake = `SCSI_AWAKE(phase_new_i || came || came_q || bad_o || heard_q || stb_o || end_q != at_end);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= FIRST;
      first_q <= 8'd0;
      left_q <= 8'd0;
      form_q <= `INI_MSG_UNKNOWN;
      {bad_o, stb_o, came_q, wrong_q, end_q, heard_q} <= 6'd0;
      byte_q <= 8'd0;
      msg_o <= 5'd0;
      arg_o <= 8'd0;
      ext_o <= 40'd0;
    end else if (awake) begin
      {bad_o, heard_q} <= 2'd0;
      stb_o <= heard_q;
      came_q <= came;
      {wrong_q, byte_q} <= {rx_perr_i, rx_data_i};
      end_q <= at_end;
      if (phase_new_i) begin
        state_q <= FIRST;
      end else if (came_q && state_q != SPOILT) begin
        if (wrong_q) begin
          bad_o <= 1'b1;
          state_q <= SPOILT;
        end else begin
          case (state_q)
            FIRST: begin
              first_q <= byte_q;
              arg_o <= byte_q;
              if (byte_q == `SCSI_MSG_EXTENDED) state_q <= LENGTH;
              else if (byte_q[7:4] == 4'h2) state_q <= SECOND;
              else hear(one_byte(byte_q));
            end
            SECOND: begin
              arg_o <= byte_q;
              if (first_q == `SCSI_MSG_SIMPLE) hear(`INI_MSG_SIMPLE);
              else if (first_q == `SCSI_MSG_IGNORE_WIDE_RESIDUE) hear(`INI_MSG_RESIDUE);
              else if (first_q == MSG_QUERY) hear(`INI_MSG_ACCEPT);
              else if (first_q == MSG_SWITCH_ROLE) hear(`INI_MSG_RECLAIMED);
              else hear(`INI_MSG_UNKNOWN);
            end
            LENGTH: begin
              left_q <= byte_q;
              state_q <= CODE;
            end
            default: begin  // CODE, ARGUMENT
              ext_o <= {ext_o[31:0], byte_q};
              left_q <= left_q - 8'd1;
              if (state_q == CODE) form_q <= form_of(left_q, byte_q);
              if (end_q) hear(state_q == CODE ? `INI_MSG_UNKNOWN : form_q);
              else state_q <= ARGUMENT;
            end
          endcase
        end
      end
    end
  end

  task hear;
    input [4:0] msg;
    begin
      heard_q <= 1'b1;
      msg_o <= msg;
      state_q <= FIRST;
    end
  endtask

  function [4:0] form_of;
    input [7:0] length;
    input [7:0] code;
    case ({length, code})
      {`SCSI_EXT_WDTR_LEN, `SCSI_EXT_WDTR} : form_of = `INI_MSG_WDTR;
      {`SCSI_EXT_SDTR_LEN, `SCSI_EXT_SDTR} : form_of = `INI_MSG_SDTR;
      {`SCSI_EXT_PPR_LEN, `SCSI_EXT_PPR} : form_of = `INI_MSG_PPR;
      {`MIRROR_EXT_LEN_CAPABILITY, EXT_CAPABILITY} : form_of = `INI_MSG_CAPABILITY;
      {`MIRROR_EXT_LEN_FAILED, EXT_FAILED} : form_of = `INI_MSG_FAILED;
      default: form_of = `INI_MSG_UNKNOWN;
    endcase
  endfunction

  function [4:0] one_byte;
    input [7:0] code;
    if (code[7]) one_byte = `INI_MSG_IDENTIFY;
    else
      case (code)
        `SCSI_MSG_TASK_COMPLETE: one_byte = `INI_MSG_COMPLETE;
        `SCSI_MSG_DISCONNECT: one_byte = `INI_MSG_DISCONNECT;
        `SCSI_MSG_SAVE_DATA_POINTER: one_byte = `INI_MSG_SAVE;
        `SCSI_MSG_RESTORE_POINTERS: one_byte = `INI_MSG_RESTORE;
        `SCSI_MSG_MESSAGE_REJECT: one_byte = `INI_MSG_REJECT;
        `SCSI_MSG_QAS_REQUEST: one_byte = `INI_MSG_QAS;
        default: one_byte = `INI_MSG_UNKNOWN;
      endcase
  endfunction

endmodule
`default_nettype wire
