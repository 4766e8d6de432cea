"""What a target model can be asked to do wrong, each by name; it behaves by the standard in everything else.

Faults at a given byte (bad parity, a stop in mid-data, a late REQ) are in `faults`.
"""

from __future__ import annotations

from enum import StrEnum


class Misbehaviour(StrEnum):
    """Names of misbehaviours; the first four are outcomes of discovery that the protocol allows (section 4)."""

    QUERY_REJECT = "query_reject"
    """Answers MIRROR QUERY with MESSAGE REJECT, as a target that knows no mirroring."""
    QUERY_BUS_FREE = "query_bus_free"
    """Goes to BUS FREE after MIRROR QUERY."""
    QUERY_COMMAND = "query_command"
    """Ignores MIRROR QUERY and asks for a command."""
    QUERY_MESSAGE_OUT = "query_message_out"
    """Ignores MIRROR QUERY and asks for messages again until NO OPERATION comes."""
    WRONG_ACCEPT = "wrong_accept"
    """Accepts with another identity than the one offered."""
    NO_SELECTION_ANSWER = "no_selection_answer"
    """Does not answer selection."""
    SILENT_PARTICIPANT = "silent_participant"
    """Never takes when SWITCH ROLE names it."""
    LATE_TAKE = "late_take"
    """Takes only after the leader may have reclaimed (`late_take_ns` after t0), whatever the wires show."""
    KEEPS_LINES = "keeps_lines"
    """Does not release the phase lines after a good SWITCH ROLE or RELEASE."""
    KEEPS_BSY = "keeps_bsy"
    """As leader, holds BSY for ever after RELEASE."""
    DROPS_BSY = "drops_bsy"
    """As leader, lets BSY go at the first REQ of another participant."""
    NO_STATUS = "no_status"
    """Never reselects with the status of a mirrored operation."""
    OUT_OF_TURN = "out_of_turn"
    """Reports status at once, whatever its rank."""
    CORRUPTS_DATA = "corrupts_data"
    """Stores the complement of the first byte and reports GOOD."""
    QAS_UNASKED = "qas_unasked"
    """Sends QAS REQUEST to initiators that have not agreed to it."""
    QAS_KEEPS_BSY = "qas_keeps_bsy"
    """Does not release BSY for the winner of a QAS."""
