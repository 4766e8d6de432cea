"""Fixtures for all pytest tests."""

from __future__ import annotations

import pytest

from helpers import tally
from helpers.sim import SimRunner, base_seed


@pytest.fixture
def run_sim(request: pytest.FixtureRequest) -> SimRunner:
    """Runs in-simulator tests for this test; see `helpers.sim.SimRunner`."""
    node = request.node
    return SimRunner(f"{node.path.stem}-{node.name}", getattr(node, "originalname", None) or node.name)


@pytest.fixture
def seed() -> int:
    """The seed of this test session (the environment's SEED, default 1)."""
    return base_seed()


def pytest_report_header() -> str:
    """Tell the seed once, at the head of the session."""
    return f"seed: {base_seed()}"


def pytest_configure(config: pytest.Config) -> None:
    """Have the simulations leave how often they evaluated each rule of the bus; workers inherit that."""
    tally.start(config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A whole regression in which a rule was never evaluated has failed."""
    if (counted := tally.of(session.config)) is not None:
        counted.finish(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Rules and their evaluations over all simulations."""
    if (counted := tally.of(config)) is not None and (line := counted.line()):
        terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """What runs after the session is not counted."""
    if (counted := tally.of(config)) is not None:
        counted.end()
