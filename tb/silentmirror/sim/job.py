"""The in-simulator side of the main job: one way, from job file to outcome file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyuvm
from cocotb.triggers import SimTimeoutError, with_timeout
from cocotb.utils import get_sim_time

from cocotbext.scsi.constants import Status
from silentmirror.bench import standard_config
from silentmirror.env import (
    DiscoverSequence,
    EnvConfig,
    HostCompletion,
    HostSequence,
    InitialiseSequence,
    MemberResult,
    MirrorImageSequence,
    MirrorTest,
)
from silentmirror.model import Result

from .plan import GROUP, JOB_VARIABLE, PROGRESS_FILE, TRANSCRIPT_FILE, Job, Outcome

# Far above what any good run needs: a run that stands still must end by itself.
_LIMIT_INIT_US = 3000
_LIMIT_COPY_US = 200
_LIMIT_BYTE_US = 2


def status_name(ended: HostCompletion | MemberResult) -> str:
    """GOOD, or what came instead."""
    if ended.result is not Result.OK:
        return ended.result.name
    known = {status.value: status.name for status in Status}
    return known.get(ended.status, f"{ended.status:02X}h")


class MainJobTest(MirrorTest):
    """Initialise, discover (for the silent way), then write the image block by block."""

    def build_phase(self) -> None:
        """Read the job first: it says what to build."""
        self.job = Job.load(Path(os.environ[JOB_VARIABLE]))
        self.outcome = Outcome()
        super().build_phase()

    def make_config(self) -> EnvConfig:
        """The standard bench with this job's media."""
        job = self.job
        plain = standard_config(len(job.targets), block_len=job.block, seed=job.seed)
        media = {slot: job.medium(plain.slots[slot].scsi_id) for slot in plain.targets()}
        bench = standard_config(len(job.targets), block_len=job.block, seed=job.seed, media=media)
        return EnvConfig(bench, transcript=job.path / TRANSCRIPT_FILE)

    async def scenario(self) -> None:
        """The run, with a limit in simulated time."""
        job = self.job
        image = Path(job.image).read_bytes()
        blocks = [image[n : n + job.block] for n in range(0, len(image), job.block)]
        lead_in: list[HostSequence] = [InitialiseSequence(job.targets, job.medium_blocks, job.block, address=job.block)]
        if job.way == "silent":
            lead_in.append(DiscoverSequence(job.targets, GROUP))
        sequence = MirrorImageSequence(job.way, job.targets, blocks, self._progress, lead_in=lead_in, begun=self._begun)
        copies = len(job.targets) * len(blocks)
        limit = _LIMIT_INIT_US * len(job.targets) + copies * (_LIMIT_COPY_US + _LIMIT_BYTE_US * job.block)
        try:
            await with_timeout(sequence.start(self.sequencer), limit, "us")
        except SimTimeoutError:
            self.outcome.failures.append(f"not done after {limit} us of simulated time")
        self._note_statuses(sequence)

    def _begun(self) -> None:
        self.outcome.begin_ps = round(get_sim_time("ps"))

    def _progress(self, done: int) -> None:
        """A line for whoever watches: blocks done, wall-clock time."""
        with (self.job.path / PROGRESS_FILE).open("a", encoding="utf-8") as file:
            file.write(f"{done} {time.time():.3f}\n")

    def _note_statuses(self, sequence: MirrorImageSequence) -> None:
        """Per target the first completion that is not GOOD, if any; a target without all completions is told so."""
        seen: dict[int, list[str]] = {target: [] for target in self.job.targets}
        for item in sequence.items:
            for completion in item.completions:
                if not completion.members:
                    seen.setdefault(completion.target, []).append(status_name(completion))
                for z, member in completion.members.items():
                    seen[self.job.targets[z]].append(status_name(member))
        for target, names in seen.items():
            bad = [name for name in names if name != "GOOD"]
            if len(names) < len(sequence.blocks):
                bad.append("INCOMPLETE")
            self.outcome.statuses[str(target)] = bad[0] if bad else "GOOD"

    def extract_phase(self) -> None:
        """Write the outcome; the scoreboard and the bus agent have finished theirs."""
        scoreboard, bus = self.env.scoreboard, self.env.bus
        self.outcome.failures += scoreboard.failures
        self.outcome.compared = dict(scoreboard.compared)
        found = bus.checker.report()
        self.outcome.rules, self.outcome.evaluations = found["rules"], found["evaluations"]
        self.outcome.violations = [str(violation) for violation in bus.checker.violations]
        self.outcome.save(self.job.path)

    def check_phase(self) -> None:
        """Fail with whatever the outcome holds."""
        found = [*self.outcome.failures, *self.outcome.violations]
        assert not found, "\n".join(found)


MainJob = pyuvm.test()(MainJobTest)
