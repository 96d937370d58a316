"""A host one of whose calls fails, at one place for all of them; and the scenarios in which that is tried."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from typing import Any, Callable, NamedTuple

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    LibvirtError,
    StoppedError,
    UnreachableError,
)
from tests.deep import DEEP, SEED
from tests.unit import entry_cases, nic_cases
from tests.unit.case_files import (
    PLANS,
    as_before,
    desired_of,
    host_of,
    load,
    policy_of,
    state_of,
)
from tests.unit.fake_libvirt.guests import FakeGuests
from tests.unit.fake_libvirt.host import FakeHost
from tests.unit.jobs import converge, converge_nics

# What a module asks of a hypervisor, each a call of libvirt or several, or a look at the host.
CALLS = frozenset(
    "observe guests networks version api_version devices lacks look schema_errors apply observe_guest all_guests"
    " apply_nic lock".split()
)
CHANGES = ("apply", "apply_nic")


class Killed(BaseException):
    """The task is gone; what it would do now is not done."""


class Fault(NamedTuple):
    """What fails: the error of the call, that of all later ones of the task, and whether the call has its effect."""

    name: str
    error: Callable[[], BaseException]
    later: Callable[[], BaseException] | None = None
    after: bool = False


def _refused() -> BaseException:
    return LibvirtError("Cannot do it", "the test says no", 1)


def _broken() -> BaseException:
    return UnreachableError("Cannot do it: the connection broke")


def _hangs() -> BaseException:
    return UnreachableError("Cannot do it: libvirt has not answered virNetwork.destroy for 60 seconds")


def _away() -> BaseException:
    return UnreachableError("libvirt has not come back within 60 seconds")


FAULTS = [
    Fault("libvirt refuses a call", _refused),
    Fault("libvirt refuses a call", _refused, after=True),
    Fault("the daemon restarts", _broken),
    Fault("the daemon restarts", _broken, after=True),
    Fault("the daemon dies for good", _broken, _away),
    Fault("the daemon dies for good", _broken, _away, after=True),
    Fault("the daemon, or the way to it, hangs", _hangs, _away),
    Fault("the daemon, or the way to it, hangs", _hangs, _away, after=True),
    Fault("SIGHUP, SIGINT, SIGTERM", lambda: StoppedError("The task was stopped by SIGTERM")),
    Fault("SIGKILL, a crash of the host", Killed, Killed),
    Fault("SIGKILL, a crash of the host", Killed, Killed, after=True),
]


class FaultyHost:
    """Passes everything on to a host, but for what a fault does at the call of this number (from 0); ``names`` are the
    calls that were made."""

    def __init__(self, host: Any, number: int = -1, fault: Fault | None = None) -> None:
        self._host, self._number, self._fault, self.names = host, number, fault, list[str]()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._host, name)
        return (lambda *given: self._called(name, real, *given)) if name in CALLS else real

    def _called(self, name: str, real: Any, *given: Any) -> Any:
        number = len(self.names)
        self.names.append(name)
        if self._fault is None or number < self._number:
            return real(*given)
        if number > self._number:
            if self._fault.later:
                raise self._fault.later()
            return real(*given)
        if self._fault.after and name in CHANGES:
            real(*given)
        raise self._fault.error()


class Scenario(NamedTuple):
    """A task: the host before it, what runs it, its state in a form to compare, and whether a host is as before."""

    name: str
    make: Callable[[], Any]
    run: Callable[[Any], Any]
    state: Callable[[Any], Any]
    same: Callable[[Any, Any], bool]


def _network(case: dict[str, Any]) -> Scenario:
    def run(host: Any) -> Any:
        return converge(host, [desired_of(case)], policy_of(case), False, 1)

    return Scenario(case["description"], lambda: host_of(case), run, state_of, as_before)


def _entries(case: dict[str, Any], saved: str = entry_cases.XML, live: str = "same") -> Scenario:
    def make() -> FakeHost:
        host = FakeHost()
        host.put("lan", saved=saved, live=live)
        return host

    def run(host: Any) -> Any:
        return converge(host, [entry_cases.desired_of(case)], policy_of({}), False, 1)

    return Scenario(f"{entry_cases.name_of(case)}: {case['description']}", make, run, state_of, as_before)


def _nics(case: dict[str, Any]) -> Scenario:
    def run(host: Any) -> Any:
        return converge_nics(host, nic_cases.desired_of(case), False, 5)

    def same(before: Any, host: FakeGuests) -> bool:
        return bool(host.state_of_guests() == before)

    return Scenario(
        f"NICs: {case['description']}", lambda: nic_cases.host_of(case), run, FakeGuests.state_of_guests, same
    )


def scenarios() -> list[Scenario]:
    """All tasks of the case files that change something and are carried out."""
    networks = [
        _network(case) for name in PLANS for case in load(name) if "error" not in case and case.get("steps") != []
    ]
    entries = [_entries(case) for name in entry_cases.FILES for case in load(name) if "problems" not in case]
    nics = [_nics(case) for case in load("nics") if case.get("steps")]
    return [*networks, *entries, *nics]


LISTS = """
<network>
  <name>lan</name>
  <uuid>11111111-1111-4111-8111-111111111111</uuid>
  <bridge name='virbr5'/>
  <dns>
    <srv service='ldap' protocol='tcp' target='one.example' port='389' priority='1' weight='2'/>
  </dns>
  <ip address='192.168.40.1' prefix='24'/>
  <ip address='192.168.50.1' prefix='24'>
    <dhcp>
      <range start='192.168.50.100' end='192.168.50.200'>
        <lease expiry='20'/>
      </range>
      <host mac='52:54:00:00:00:01' name='one' ip='192.168.50.11'>
        <lease expiry='30'/>
      </host>
      <host mac='52:54:00:00:00:02' name='two' ip='192.168.50.12'/>
    </dhcp>
  </ip>
  <portgroup name='staff'>
    <bandwidth>
      <inbound average='1000' burst='64'/>
    </bandwidth>
  </portgroup>
</network>
"""
EMPTY = etree.fromstring(LISTS)
for path in ("dns", "ip/dhcp", "portgroup"):
    found = EMPTY.find(path)
    found.getparent().remove(found)
RENAMED = {"mac": "52:54:00:00:00:01", "name": "uno"}
OTHER = {"mac": "52:54:00:00:00:02"}
# An entry of each list that libvirt changes live, of which a task says a part.
PARTS: dict[str, dict[str, Any]] = {
    "reservation": {
        "ips": [{"address": "192.168.40.1"}, {"address": "192.168.50.1", "dhcp": {"hosts": [RENAMED, OTHER]}}]
    },
    "range": {
        "ips": [
            {"address": "192.168.40.1"},
            {
                "address": "192.168.50.1",
                "dhcp": {"ranges": [{"start": "192.168.50.100", "end": "192.168.50.200", "lease": {"unit": "hours"}}]},
            },
        ]
    },
    "SRV record": {"dns": {"srvs": [{"service": "ldap", "protocol": "tcp", "target": "one.example", "weight": 3}]}},
    "port group": {"portgroups": [{"name": "staff", "bandwidth": {"inbound": {"average": 2000}}}]},
}
WHERE: dict[str, dict[str, Any]] = {
    "saved and running": {"saved": LISTS, "live": "same"},
    "only persistent": {"saved": LISTS, "live": etree.tostring(EMPTY, encoding="unicode")},
    "only running": {"saved": etree.tostring(EMPTY, encoding="unicode"), "live": LISTS},
    "of a network that only runs": {"live": LISTS},
}
PARTIAL = [
    _network({"description": f"a {name}, {where}", "observed": observed, "desired": desired})
    for name, desired in PARTS.items()
    for where, observed in WHERE.items()
]
# What is changed in a definition that nothing else can be taken from.
UNSAVED = [
    _entries(
        {"description": "one that only runs", "options": RENAMED},
        "",
        entry_cases.XML,
    ),
    _nics(
        {
            "description": "one that only runs",
            "guest": {"live": ["network lan a"]},
            "desired": {"mac": {"address": "52:54:00:00:00:0a"}, "model": {"type": "e1000"}, "replace": True},
        }
    ),
]


def every_place(scenario: Scenario, names: Collection[str] = CALLS) -> list[int]:
    """The calls of a scenario by their number, or those of some names."""
    host = FaultyHost(scenario.make())
    scenario.run(host)
    return [number for number, name in enumerate(host.names) if name in names]


def places(found: list[Scenario], size: int) -> Iterator[tuple[Scenario, int]]:
    """So many calls of these scenarios by their number, or in a deep run all."""
    chance = random.Random(SEED)
    for scenario in found if DEEP else chance.sample(found, size):
        numbers = every_place(scenario)
        yield from ((scenario, number) for number in (numbers if DEEP else [chance.choice(numbers)]))
