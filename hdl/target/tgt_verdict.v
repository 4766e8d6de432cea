// Decides what a message of the initiator leads to at this point of the connection.
//
// Used by scsi_target between tgt_msg_out and tgt_link; a verdict comes one clock after the byte that completes the message.
// Rules: SPI-3 messages and attention condition (which messages are legal when, which must end the phase), parity recovery in MESSAGE
// OUT, the forms of the mirror messages (docs/protocol.md, messages).
`default_nettype none
`include "scsi_defs.vh"
`include "tgt_events.vh"

module tgt_verdict (
    input wire clk_i,
    input wire rst_ni,
    input wire listening_i,  // this drive has asked for the byte

    // from tgt_msg_out
    input wire        byte_i,
    input wire        end_i,
    input wire        error_i,
    input wire [ 4:0] event_i,
    /* verilator lint_off UNUSEDSIGNAL */
    input wire [ 7:0] code_i,    // of IDENTIFY: LUN
    /* verilator lint_on UNUSEDSIGNAL */
    input wire [ 7:0] arg_i,
    input wire [23:0] length_i,  // of MIRROR WRITE and MIRROR READ

    // where the connection stands
    input wire       identified_i,
    input wire [5:0] lun_i,
    input wire       tagged_i,
    input wire [7:0] tag_i,
    input wire       disc_priv_i,
    input wire       early_i,       // nothing but messages so far, and the initiator began
    input wire       resumed_i,     // it began with a reselection
    input wire       mirrored_i,    // within a mirrored operation
    input wire       sent_i,        // the message sent_code_i went to the initiator just before
    input wire [7:0] sent_code_i,
    input wire       enrol_room_i,
    input wire       group_i,
    input wire       named_i,
    input wire [1:0] can_i,         // extensions agreed on there: flags of CAPABILITY
    input wire       able_i,        // there is room for a mirrored operation
    input wire       lead_i,        // the message names the leader of the operation
    input wire       reporting_i,   // in the operation there has been a REPORT

    output reg [3:0] verdict_o,  // for one clock
    output reg       end_o,      // with it: the phase's messages are complete
    output reg       goes_on_o   // with it: the initiator has let the message that was sent pass
);

  // Nothing to do in a clock should cost a simulation nothing.
  wire awake = (byte_i && listening_i) || verdict_o != `TGT_DO_NOTHING;
  wire whole = event_i != `TGT_EV_NONE && !error_i;

  // A selection begins with IDENTIFY, or with a message that ends it.
  wire out_of_order = !identified_i && !resumed_i && event_i != `TGT_EV_IDENTIFY && event_i != `TGT_EV_ABORT
      && event_i != `TGT_EV_TARGET_RESET;

  // ATN has to be negated before the last ACK of these.
  wire must_end = event_i == `TGT_EV_NO_OPERATION || event_i == `TGT_EV_MESSAGE_REJECT || event_i == `TGT_EV_PARITY_ERROR
      || event_i == `TGT_EV_DETECTED_ERROR || event_i == `TGT_EV_WDTR || event_i == `TGT_EV_SDTR || event_i == `TGT_EV_PPR;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      verdict_o <= `TGT_DO_NOTHING;
      {end_o, goes_on_o} <= 2'd0;
    end else if (awake) begin
      verdict_o <= `TGT_DO_NOTHING;
      end_o <= end_i;
      goes_on_o <= whole && sent_i && event_i != `TGT_EV_MESSAGE_REJECT && event_i != `TGT_EV_PARITY_ERROR
          && event_i != `TGT_EV_ABORT && event_i != `TGT_EV_TARGET_RESET;
      if (byte_i && listening_i) judge;
    end
  end

  task judge;
    begin
      if (event_i == `TGT_EV_ENDLESS) verdict_o <= `TGT_DO_FREE;
      else if (error_i) verdict_o <= end_i ? `TGT_DO_REPEAT : `TGT_DO_MORE;
      else if (event_i == `TGT_EV_NONE) verdict_o <= end_i ? `TGT_DO_REJECT : `TGT_DO_MORE;
      else if (out_of_order || (must_end && !end_i)) verdict_o <= `TGT_DO_FREE;
      else message;
    end
  endtask

  task message;
    case (event_i)
      `TGT_EV_IDENTIFY: verdict_o <= identified_i && code_i[5:0] != lun_i ? `TGT_DO_FREE : `TGT_DO_RESUME;
      `TGT_EV_TAG: verdict_o <= early_i && (!tagged_i || arg_i == tag_i) ? `TGT_DO_RESUME : `TGT_DO_REJECT;
      `TGT_EV_NO_OPERATION: verdict_o <= `TGT_DO_RESUME;
      `TGT_EV_MESSAGE_REJECT: rejected;
      `TGT_EV_PARITY_ERROR: verdict_o <= sent_i ? `TGT_DO_AGAIN : `TGT_DO_FREE;
      `TGT_EV_DETECTED_ERROR: verdict_o <= `TGT_DO_REPORTED;
      `TGT_EV_ABORT: verdict_o <= `TGT_DO_KILL;
      `TGT_EV_TARGET_RESET: verdict_o <= `TGT_DO_RESET;
      `TGT_EV_WDTR, `TGT_EV_SDTR, `TGT_EV_PPR: verdict_o <= mirrored_i ? `TGT_DO_REJECT : `TGT_DO_ANSWER;
      `TGT_EV_QUERY: verdict_o <= early_i && enrol_room_i ? `TGT_DO_ENROL : `TGT_DO_REJECT;
      `TGT_EV_CAPABILITY: verdict_o <= early_i && named_i ? `TGT_DO_AGREE : `TGT_DO_REJECT;
      `TGT_EV_MIRROR_WRITE, `TGT_EV_MIRROR_READ:
      if (!early_i || !named_i || !disc_priv_i || length_i == 24'd0) verdict_o <= `TGT_DO_REJECT;
      else verdict_o <= able_i ? `TGT_DO_MIRROR : `TGT_DO_FREE;
      `TGT_EV_SWITCH: verdict_o <= mirrored_i && group_i && !reporting_i ? `TGT_DO_HAND_OVER : `TGT_DO_REJECT;
      `TGT_EV_REPORT: verdict_o <= mirrored_i && group_i && can_i != 2'd0 ? `TGT_DO_HAND_OVER : `TGT_DO_REJECT;
      `TGT_EV_NEXT:
      verdict_o <= mirrored_i && group_i && lead_i && can_i[`TGT_CAN_SERIES] && !reporting_i ? `TGT_DO_HAND_OVER : `TGT_DO_REJECT;
      `TGT_EV_RELEASE: verdict_o <= mirrored_i && named_i ? `TGT_DO_HAND_OVER : `TGT_DO_REJECT;
      default: verdict_o <= `TGT_DO_REJECT;
    endcase
  endtask

  // MESSAGE REJECT answers the message that was sent just before; with none there it is rejected itself.
  task rejected;
    if (!sent_i) verdict_o <= `TGT_DO_REJECT;
    else
      case (sent_code_i)
        `SCSI_MSG_DISCONNECT, `SCSI_MSG_SAVE_DATA_POINTER, `SCSI_MSG_EXTENDED: verdict_o <= `TGT_DO_REFUSED;
        `SCSI_MSG_MESSAGE_REJECT, `SCSI_MSG_IGNORE_WIDE_RESIDUE: verdict_o <= `TGT_DO_RESUME;
        default: verdict_o <= `TGT_DO_FREE;
      endcase
  endtask

endmodule
`default_nettype wire
