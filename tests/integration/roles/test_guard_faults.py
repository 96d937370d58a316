"""Every command of host_bridge's guard fails, hangs, is killed, or meets a full disk: all ends well.

What is seen is compared with the rows of docs/reference/faults.md (tests/faults/guard.yml).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from tests.deep import DEEP, amount, sampled
from tests.lab import Lab
from tests.tools import fault_docs

from ..conftest import FULL
from ..guarded import SECRET, Fault, Guarded

pytestmark = [pytest.mark.lab, pytest.mark.deep, pytest.mark.slow]

PROVIDERS = ("networkmanager", "networkd", "ifupdown", "netplan")
MACHINES = amount(1, 2)  # of each provider: most of the time they wait
KINDS = ("fail", "hang", "kill", "killed", "full", "full-run")
GOOD, BAD = ("arm", "go", "apply", "await", "confirm"), ("undo", "outcome")
ROWS = {phase: row for row in fault_docs.table("guard")["rows"] for phase in row["phases"]}
# They are asked again and again, as long as it takes: the first time stands for all.
REPEATED = ("sleep", "ping", "ip", "grep", "seq")


# What differs from run to run in the words of a command.
CHANGING = re.compile(r"(?<=virtfleet-host-bridge\.)\w{6}|\d+")


class Shared:
    """What machines share out: each takes what no other one has taken."""

    def __init__(self) -> None:
        self._lock, self._taken = Lock(), set[object]()

    def take(self, what: object) -> bool:
        """Whether it is still there."""
        with self._lock:
            known = what in self._taken
            self._taken.add(what)
        return not known


def faults(guarded: Guarded, phases: tuple[str, ...]) -> list[tuple[Fault, object]]:
    """The faults at the commands that the last change has started, each with what is equal where the guard of another
    provider starts a command in the same words."""
    seen: Counter[tuple[str, ...]] = Counter()
    every: list[tuple[Fault, object]] = []
    for phase, name, number, words in guarded.calls():
        if phase in phases and (number == 1 or not (name in REPEATED or phase == "await")):
            command = (phase, name, CHANGING.sub("", words))
            seen[command] += 1
            every += [(Fault(phase, name, number, kind), (command, seen[command], kind)) for kind in KINDS]
    return sampled(every, 1, (guarded.provider, phases))


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


def at_each_command(guarded: Guarded, shared: Shared) -> list[str]:
    """A change that is kept and one that is not, and then each with faults."""
    done = guarded.change(None)
    kept = faults(guarded, GOOD)
    found = [f"{guarded.provider} has not read {value}" for value in guarded.unread()]
    found += wrong(guarded, "no fault", done, ["complete"])
    done = guarded.change(None, good=False)
    undone = faults(guarded, BAD)
    found += wrong(guarded, "a bad change", done, ["rolled back"])
    for fault, same in (*kept, *undone):
        if shared.take(same):
            done = guarded.change(fault, good=fault.phase in GOOD)
            found += wrong(guarded, fault, done, ROWS[fault.phase]["ends"])
    return found


def without_its_operator(guarded: Guarded, _shared: Shared) -> list[str]:
    """The controller is gone while the change is made, and then the power."""
    ends = {row["fault"]: row["ends"] for row in ROWS_ALONE}
    done = guarded.change(None, stop="go", outcome=False)
    found = wrong(guarded, CONTROLLER, done, ends[CONTROLLER])
    done = guarded.change(None, stop="await", outcome=False)
    guarded.machine.power_cycle()
    found += wrong(guarded, POWER, done, ends[POWER])
    pairs = [guarded.two_at_once() for _pair in range(amount(2, 60))]
    return found + [f"{guarded.provider}, two at once: {pair}" for pair in pairs if pair != ["0", "1"]]


CONTROLLER, POWER = "the controller, or its connection, is gone", "the host loses its power before the confirmation"
ROWS_ALONE = [row for row in fault_docs.table("guard")["rows"] if not row["phases"]]


def test_every_fault_ends_well(lab: Lab) -> None:
    """All providers side by side; a sample is two of them, one with faults at commands."""
    parts = [(provider, at_each_command) for provider in PROVIDERS] * MACHINES
    parts += [(provider, without_its_operator) for provider in PROVIDERS]
    if not DEEP:
        one, other = sampled(PROVIDERS, 2)
        parts = [(one, at_each_command), (other, without_its_operator)]
    shared = Shared()

    def run(number: int, part: tuple[str, Callable[[Guarded, Shared], list[str]]]) -> list[str]:
        guarded = Guarded(lab, FULL[0], part[0], number)
        try:
            return part[1](guarded, shared)
        finally:
            guarded.machine.stop()

    with ThreadPoolExecutor(len(parts)) as pool:
        assert [problem for problems in pool.map(run, range(len(parts)), parts) for problem in problems] == []
