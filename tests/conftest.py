"""Fixtures for all pytest tests."""

from __future__ import annotations

import pytest

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
