"""Every command of host_bridge's guard fails, hangs, is killed, or meets a full disk: all ends well.

What is seen is compared with the rows of docs/faults.md (tests/faults/guard.yml).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deep import DEEP, amount, sampled
from tests.lab import Lab
from tests.tools import fault_docs

from ..conftest import FULL
from ..guarded import SECRET, Fault, Guarded

pytestmark = [pytest.mark.lab, pytest.mark.deep, pytest.mark.slow]

Part = Callable[[Guarded, int], list[str]]
PROVIDERS = ("networkmanager", "networkd", "ifupdown", "netplan")
SHARDS = amount(1, 3)  # machines of each provider that share its faults: most of the time they wait
KINDS = ("fail", "hang", "kill", "killed", "full", "full-run")
GOOD, BAD = ("arm", "go", "apply", "await", "confirm"), ("undo", "outcome")
ROWS = {phase: row for row in fault_docs.table("guard")["rows"] for phase in row["phases"]}
# They are asked again and again, as long as it takes: the first time stands for all.
REPEATED = ("sleep", "ping", "ip", "grep", "seq")


def faults(guarded: Guarded, phases: tuple[str, ...], size: int, shard: int) -> list[Fault]:
    """Some of the faults at the commands that the last change has started."""
    calls = [
        (phase, name, number)
        for phase, name, number in guarded.calls()
        if phase in phases and (number == 1 or name not in REPEATED) and (phase != "await" or number == 1)
    ]
    every = [Fault(*call, kind) for call in dict.fromkeys(calls) for kind in KINDS]
    return sampled(every, size, (guarded.provider, phases))[shard::SHARDS]


def wrong(guarded: Guarded, what: object, done: dict[str, int], ends: list[str]) -> list[str]:
    """What is wrong with the machine, seen from outside, and with the run that comes next; it is as before then."""
    state = guarded.state()
    print(guarded.provider, what, "has happened" if guarded.happened() else "", done, state, flush=True)
    found = [] if state in ends else [f"{guarded.provider}, {what}: {done} {state}"]
    if SECRET in guarded.sh("cat /run/faults/log 2>/dev/null; ps -e -o args"):
        found.append(f"{guarded.provider}, {what}: a secret is an argument")
    if state == "rolled back":
        guarded.change(None, stop="arm")
        if guarded.guard("outcome") != 0 or guarded.left():
            found.append(f"{guarded.provider}, {what}: the next run is blocked, or leaves {guarded.left()}")
    if state != "rolled back" or found:
        guarded.reset()
    return found


def at_each_command(guarded: Guarded, shard: int) -> list[str]:
    """A change that is kept and one that is not, and then each with faults."""
    done = guarded.change(None)
    kept = faults(guarded, GOOD, 1, shard)
    found = [f"{guarded.provider} has not read {value}" for value in guarded.unread()]
    found += wrong(guarded, "no fault", done, ["complete"])
    done = guarded.change(None, good=False)
    undone = faults(guarded, BAD, 1, shard)
    found += wrong(guarded, "a bad change", done, ["rolled back"])
    for fault in (*kept, *undone):
        done = guarded.change(fault, good=fault in kept)
        found += wrong(guarded, fault, done, ROWS[fault.phase]["ends"])
    return found


def without_its_operator(guarded: Guarded, _shard: int) -> list[str]:
    """The controller is gone while the change is made, and then the power."""
    ends = {row["fault"]: row["ends"] for row in ROWS_ALONE}
    done = guarded.change(None, stop="go", outcome=False)
    found = wrong(guarded, CONTROLLER, done, ends[CONTROLLER])
    done = guarded.change(None, stop="await", outcome=False)
    guarded.machine.power_cycle()
    found += wrong(guarded, POWER, done, ends[POWER])
    pairs = [guarded.two_at_once() for _ in range(amount(2, 60))]
    return found + [f"{guarded.provider}, two at once: {pair}" for pair in pairs if pair != ["0", "1"]]


CONTROLLER, POWER = "the controller, or its connection, is gone", "the host loses its power before the confirmation"
ROWS_ALONE = [row for row in fault_docs.table("guard")["rows"] if not row["phases"]]


def test_every_fault_ends_well(lab: Lab) -> None:
    """All providers side by side; a sample is two of them, one with faults at commands."""
    parts: list[tuple[str, Part, int]] = [(one, at_each_command, shard) for one in PROVIDERS for shard in range(SHARDS)]
    parts += [(provider, without_its_operator, 0) for provider in PROVIDERS]
    if not DEEP:
        one, other = sampled(PROVIDERS, 2)
        parts = [(one, at_each_command, 0), (other, without_its_operator, 0)]

    def run(part: tuple[str, Part, int]) -> list[str]:
        provider, ask, shard = part
        guarded = Guarded(lab, FULL[0], provider)
        try:
            return ask(guarded, shard)
        finally:
            guarded.machine.stop()

    with ThreadPoolExecutor(len(parts)) as pool:
        assert [problem for problems in pool.map(run, parts) for problem in problems] == []
