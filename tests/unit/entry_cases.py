"""The cases of single entries in tests/unit/cases: read, and turned into what a module's task makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.virtfleet.network.plugins.module_utils._entries import lists as _entries
from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import (
    desired_entries,
    entry_options,
    entry_rules,
)
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import objections, targets
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Observed
from ansible_collections.virtfleet.network.plugins.module_utils._xml import kinds as values
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import equal
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Values
from tests.unit.case_files import CASES, load
from tests.unit.fake_libvirt.host import FakeHost

KINDS = {name.lower(): kind for name, kind in vars(_entries).items() if isinstance(kind, _entries.Collection)}
XML = (CASES / "entries_network.xml").read_text(encoding="utf-8")
LAN = NetworkDefinition(XML)
FILES = ("entries_hosts", "entries_records")
# A value of each kind that an entry is matched by; other texts are names.
SAMPLES = [(values.MAC, "52:54:00:00:00:01"), (values.PROTOCOL, "tcp"), (values.SERVICE, "ldap")]


def example(kind, address="192.168.122.5"):
    """An entry with what it is matched by and what it needs, made of the table."""
    rows = {row.option: row for row in kind.row.rows}
    fields = dict.fromkeys((*kind.identities[0], *kind.needs, *kind.local))
    return {field: sample(rows[field], address) for field in fields}


def sample(row, address):
    """A value of a row, or a list of one."""
    known = (text for kind, text in [*SAMPLES, (values.IP, address), (values.CIDR, address)] if kind is row.kind)
    value = next(known, 1 if row.kind.option["type"] == "int" else "g")
    return [value] if isinstance(row, Values) else value


def parametrized(*, good: bool) -> Any:
    """Runs a test for each case that is taken, or for each that is refused."""
    cases = [case for name in FILES for case in load(name) if ("problems" in case) != good]
    return pytest.mark.parametrize("case", cases, ids=lambda case: f"{name_of(case)}: {case['description']}")


def objections_of(desired):
    """What speaks against the entries that are wanted of the network that is there."""
    there = Observed("lan", LAN, LiveNetwork(XML), persistent=True)
    return objections(desired, there, targets(desired, there))


def name_of(case):
    """The kind of entry that a case is about."""
    return case.get("kind", "dhcp_host")


def params(kind, options):
    """What AnsibleModule makes of a user's options; AssertionError with what it says against them."""
    told = ArgumentSpecValidator(entry_options(kind), **entry_rules(kind)).validate({"network": "lan", **options})
    assert told.error_messages == []
    return told.validated_parameters


def desired(kind, options):
    """The wanted network of a task with these options."""
    return desired_entries(kind, params(kind, options))


def desired_of(case):
    """The wanted network of a case's task."""
    return desired(KINDS[name_of(case)], case["options"])


def entries_in(kind, definition):
    """The entries of a definition, in the order of its subnets."""
    return listed(kind, definition.spec)


def listed(kind, spec):
    """The entries of a network's spec, in the order of its subnets."""
    found = [spec]
    for option in kind.path:
        inner = [one.get(option, {} if option in ("dns", "dhcp") else []) for one in found]
        found = [each for one in inner for each in (one if isinstance(one, list) else [one])]
    return found


def without(kind, some, others):
    """The entries of a list that another one does not hold, in whatever words."""
    rest, left = list(others), []
    for one in some:
        found = [other for other in rest if equal(kind.row.rows, one, other)]
        (rest.remove(found[0]) if found else left.append(one))
    return left


def same_entries(kind, some, others):
    """Whether two lists hold the same entries, in whatever order and words."""
    return len(some) == len(others) and without(kind, some, others) == []


def host(saved=XML, live="same", guests=(), version=9000000):
    """A hypervisor with the network."""
    made = FakeHost(version)
    made.put("lan", saved, live, autostart=bool(saved), guests=guests)
    return made
