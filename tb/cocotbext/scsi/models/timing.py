"""Delays that the models use, in nanoseconds, named as in the standard.

Source: spi-facts section 3 (SPI-3 column; where SCSI-2 asks for more, the value that satisfies both) and, for the
hand-over of the phase lines, silent-mirroring sections 5 to 7. The models meet minima exactly and stay well
inside maxima.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Bus delays in nanoseconds; build one with other values to make a model faster or slower than the standard."""

    bus_settle_delay: int = 400
    bus_free_delay: int = 800
    bus_clear_delay: int = 800
    bus_set_delay: int = 1_600
    arbitration_delay: int = 2_400
    system_deskew_delay: int = 45
    cable_skew: int = 10
    data_release_delay: int = 400
    reset_delay: int = 200
    reset_hold_time: int = 25_000
    selection_abort_time: int = 200_000
    selection_timeout_delay: int = 250_000_000
    qas_arbitration_delay: int = 1_000
    qas_assertion_delay: int = 200
    qas_release_delay: int = 200
    atn_setup: int = 90
    """ATN transmit setup time, asynchronous (3.3)."""
    snoop_time: int = 50
    """REQ to ACK and ACK held, in phases that snoopers read (3.5)."""
    reaction_time: int = 10
    """From seeing a wire change to driving another: no limit of the standard, but no device needs none."""
    selection_response: int = 0
    """Time from detecting a (re)selection to asserting BSY; at most the selection abort time."""
    yield_time: int = 4_000
    """How long after BUS FREE an initiator that is owed statuses leaves arbitration to the targets (mirroring 7)."""

    @property
    def two_deskews(self) -> int:
        """Two system deskew delays (4.2, 4.3)."""
        return 2 * self.system_deskew_delay

    @property
    def data_setup(self) -> int:
        """Data before its strobe, asynchronous: deskew + cable skew (3.5)."""
        return self.system_deskew_delay + self.cable_skew

    @property
    def data_turnaround(self) -> int:
        """From I/O true to the target's first data on DB: data release + bus settle (2)."""
        return self.data_release_delay + self.bus_settle_delay


@dataclass(frozen=True, slots=True)
class MirrorTiming:
    """Windows of silent mirroring (sections 5 to 7) in nanoseconds, counted from t0, the negation of the last ACK."""

    take_min: int = 400
    take_max: int = 5_000
    quiet: int = 100
    """Phase lines, REQ, ACK and ATN false without a break before a participant takes."""
    first_req_max: int = 8_000
    reclaim: int = 10_000
    release_quiet: int = 90
    """The same lines false before the leader releases BSY."""
    lost_release: int = 10_000
    """As `release_quiet`, where RELEASE reached the leader damaged after the last participant had been announced."""
    status_holdoff: int = 20_000
    """Bus-free time without a predecessor's TASK COMPLETE after which a member reports out of turn."""
    report_wait: int = 0
    """How long after t0 a participant that REPORT names puts off its take because its status is not known yet."""
    winner_sample: int = 1_000
    """After SEL in arbitration: 800 to 1200 ns, when only the winner's ID is left on the bus (4)."""
