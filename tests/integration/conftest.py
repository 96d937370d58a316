"""The hypervisors of the tests: one for each root in LAB_ROOTS, which lives as long as the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.lab.choice import FULL, ROOTS, SAMPLED, left_out

from .stage import Stage

__all__ = ["FIRST_ROOTS", "FULL", "LAST_ROOTS", "ROOTS"]

# For what no libvirt does otherwise: where two are tested, only one of them.
FIRST_ROOTS, LAST_ROOTS = (ROOTS[:1], ROOTS[-1:]) if len(ROOTS) < 3 else (ROOTS, ROOTS)


@pytest.hookimpl(trylast=True)  # pytest itself puts tests together that share a hypervisor
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start with the files that take long, so that no worker is still at one when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    left = left_out([item.nodeid for item in items], SAMPLED)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left])
    items[:] = [item for item in items if item.nodeid not in left]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write how each test has ended into the file $TESTED: tests/tools/tested.py counts it."""
    file = os.environ.get("TESTED")
    if file and "PYTEST_XDIST_WORKER" not in os.environ and (report.when == "call" or not report.passed):
        with Path(file).open("a") as log:
            log.write(f"{report.outcome} {report.nodeid}\n")


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session", params=ROOTS)
def whole_stage(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Stage]:
    root = request.param
    host = lab.start(f"hv-{root}", root=root)
    yield Stage(lab, host, root)
    host.stop()


@pytest.fixture
def stage(whole_stage: Stage) -> Iterator[Stage]:
    """A hypervisor without networks."""
    yield whole_stage
    whole_stage.clear()


# libvirtd calls it before and after it starts and stops networks, and waits for it.
HOOK = """\
#!/bin/sh
[ "$(cat /run/lab/slow 2>/dev/null)" = "$1 $2" ] || exit 0
touch /run/lab/reached
while [ -e /run/lab/slow ]; do sleep 0.05; done
"""


@pytest.fixture
def slow(stage: Stage) -> Iterator[Path]:
    """A file with a network's name and "start", "started" or "stopped".

    As long as it is there, libvirtd waits at that moment; the file "reached" beside it says that it does.
    """
    file = stage.host.home / "run/lab/slow"
    stage.host.run(["sh", "-c", "mkdir -p /etc/libvirt/hooks; cat >/etc/libvirt/hooks/network"], input=HOOK)
    stage.host.run(["chmod", "+x", "/etc/libvirt/hooks/network"])
    stage.host.restart_libvirtd()  # it looks for hooks when it starts
    yield file
    file.unlink(missing_ok=True)
    file.with_name("reached").unlink(missing_ok=True)
    stage.host.run(["rm", "/etc/libvirt/hooks/network"])
    stage.host.restart_libvirtd()
