"""From a command line to what carries it out; each command's code is loaded only when it is run."""

from __future__ import annotations

import sys

from silentmirror.cli.args import BadInput, Command, parse

PASS = 0
FAIL = 1
BAD_INPUT = 2
_INTERRUPTED = 130


def _run(command: Command) -> int:
    if command.name == "sim":
        from silentmirror import sim

        return sim.run(command.sim)
    if command.name == "test":
        from silentmirror.cli import regression

        return regression.run(command.test)
    if command.name == "regs":
        from silentmirror import regs

        return regs.main()
    if command.name == "waves":
        from silentmirror import waves

        return waves.run(command.waves)
    if command.name == "bench":
        from silentmirror.benchmark import runner

        return runner.run(command.bench)
    if command.name == "faults":
        from silentmirror.faults import runner as campaign

        return campaign.run(command.faults)
    if command.name == "synth":
        from silentmirror import synth

        return synth.run()
    from silentmirror import lint

    return lint.run()


def main(argv: list[str]) -> int:
    """Checks `argv`, runs the command and returns the exit code: 0 pass, 1 a check failed, 2 bad input."""
    try:
        command = parse(argv)
        return PASS if command.check_only else _run(command)
    except BadInput as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except ModuleNotFoundError as error:
        print(
            f"Python package {error.name} is missing here: run this with .venv/bin/python, which make test sets up",
            file=sys.stderr,
        )
        return FAIL
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
