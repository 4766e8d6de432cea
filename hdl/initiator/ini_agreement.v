// Transfer agreements with each SCSI ID: negotiated or not, 16 bit or 8 bit; the WDTR exchange.
//
// Used by scsi_initiator. Rules: WDTR is offered in the first message phase of a COMMAND to a target without an agreement; MESSAGE
// REJECT of it means 8 bit; a WDTR that the target begins is answered with what both can do; any reset ends all agreements
// (asynchronous, 8 bit); the host may end one by hand after it has learnt that the target was reset.
`default_nettype none
`include "scsi_agreement.vh"
`include "scsi_defs.vh"
`include "ini_defs.vh"

module ini_agreement (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,

    input wire        cfg_wide_i,
    input wire [15:0] forget_i,   // one bit a target

    // the current task
    input wire       conn_i,
    input wire       command_i,  // it is a COMMAND
    input wire [3:0] target_i,

    // messages
    input wire       msg_stb_i,
    input wire [3:0] msg_i,
    input wire [7:0] arg_i,
    input wire       said_i,
    input wire [3:0] said_kind_i,
    input wire       say_rest_i,
    input wire       offering_i,  // WDTR is being said behind IDENTIFY

    output wire offer_o,      // append WDTR to IDENTIFY
    output reg  offered_o,    // it was said, the answer is to come
    output reg  wide_said_o,  // the width that a WDTR of ours states

    input  wire [            3:0] data_target_i,
    output wire [`SCSI_AGR_W-1:0] agree_o,        // with data_target_i

    output reg [15:0] wide_o,
    output reg [15:0] known_o
);

  wire came = msg_stb_i && msg_i == `INI_MSG_WDTR && arg_i <= 8'd1;
  wire rejected = msg_stb_i && msg_i == `INI_MSG_REJECT && (offering_i
      || (!say_rest_i && ((said_kind_i == `INI_SAY_IDENTIFY && offered_o) || said_kind_i == `INI_SAY_WDTR)));

  wire awake = clear_i || |forget_i || (conn_i ? said_i || msg_stb_i : offered_o || !wide_said_o);

  assign agree_o = {2'b00, wide_o[data_target_i], 15'd0};
  assign offer_o = cfg_wide_i && command_i && !known_o[target_i];

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wide_o <= 16'd0;
      known_o <= 16'd0;
      offered_o <= 1'b0;
      wide_said_o <= 1'b1;
    end else if (!awake) begin
      // nothing changes
    end else if (clear_i) begin
      wide_o <= 16'd0;
      known_o <= 16'd0;
      offered_o <= 1'b0;
    end else begin
      wide_o <= wide_o & ~forget_i;
      known_o <= known_o & ~forget_i;
      if (!conn_i) begin
        offered_o <= 1'b0;
        wide_said_o <= 1'b1;
      end else begin
        messages;
      end
    end
  end

  task messages;
    begin
      if (said_i && said_kind_i == `INI_SAY_IDENTIFY) offered_o <= offer_o;
      if (came) begin
        offered_o <= 1'b0;
        if (offered_o) agree(arg_i[0]);
        else wide_said_o <= arg_i[0] && cfg_wide_i;
      end
      if (said_i && said_kind_i == `INI_SAY_WDTR) agree(wide_said_o);
      if (rejected) begin
        offered_o <= 1'b0;
        agree(1'b0);
      end
    end
  endtask

  task agree;
    input wide;
    begin
      wide_o[target_i] <= wide;
      known_o[target_i] <= 1'b1;
    end
  endtask

endmodule
`default_nettype wire
