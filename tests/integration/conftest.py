"""The hypervisors of the tests: one for each root in LAB_ROOTS, which lives as long as the run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab import Lab, LabUnavailable

from .stage import Stage

ROOTS = os.environ.get("LAB_ROOTS", "host").split()
NOT_RUN = "not run on "


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session", params=ROOTS)
def whole_stage(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Stage]:
    root = request.param
    try:
        host = lab.start(f"hv-{root}", root=root)
    except LabUnavailable as error:
        pytest.skip(f"{NOT_RUN}{root}: {error}")
    yield Stage(lab, host, root)
    host.stop()


@pytest.fixture
def stage(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor without networks."""
    yield whole_stage
    whole_stage.clear()
