"""The cases in tests/unit/cases: read, and turned into what the code under test takes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import (
    NETWORK,
    LiveNetwork,
    NetworkDefinition,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import report
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.fake_libvirt.host import FakeHost

MAC = "52:54:00:00:00:01"
CASES = Path(__file__).parent / "cases"
PLANS = ("live", "restart", "merge", "state", "definition", "replug")


@cache
def load(name):
    """A case file as data."""
    return yaml.safe_load((CASES / f"{name}.yml").read_text(encoding="utf-8"))


def parametrized(*names):
    """Runs a test for each case of some files."""
    found = [pytest.param(case, id=f"{name}: {case['description']}") for name in names for case in load(name)]
    return pytest.mark.parametrize("case", found)


def xml_of(text):
    """A definition: written out, or by its name in bases.yml or networks.yml."""
    return text if "<" in text else load("bases").get(text) or load("networks")[text]["xml"]


def spec_of(options):
    """A user's options as the planner takes them."""
    spec, problems = normalise(NETWORK, options)
    assert problems == []
    return spec


def network_of(options, name="n"):
    """A whole definition of a user's options."""
    return build(Desired(name, spec=spec_of({**options, "name": name})), ABSENT).definition


def definition(options, name="n"):
    """Its text."""
    return network_of(options, name).text


def name_of(case):
    """The network that a case is about."""
    return case.get("name", "lan")


def observed_of(case):
    """The network at the start."""
    given = case.get("observed")
    if not given:
        return Observed(name_of(case))
    saved, live = given.get("saved", ""), given.get("live", "")
    live = saved if live == "same" else live
    return Observed(
        name_of(case),
        NetworkDefinition(xml_of(saved or live)),
        LiveNetwork(xml_of(live) if live else ""),
        given.get("autostart", bool(saved)),
        bool(saved),
        guests_of(case),
        given.get("parking", False),
    )


def guests_of(case):
    """The guests that use the network: those that run by name, those that are shut down as {down: name}, or as
    {by_bridge: name} where they name the bridge; {name: [states]} are the NICs of one that runs, by default a single
    NIC that is connected."""
    return tuple(guest for given in case.get("observed", {}).get("guests", []) for guest in _guests(given))


def _guests(given):
    if isinstance(given, str):
        given = {given: ["connected"]}
    for name, states in given.items():
        if name == "down":
            yield Guest(states, False, (MAC,))
        elif name == "by_bridge":
            yield Guest(states, False, (MAC,), by_bridge=True)
        else:
            nics = tuple(Nic(MAC, f"net{index}", "", state) for index, state in enumerate(states))
            yield Guest(name, True, tuple(nic.mac for nic in nics), nics)


def desired_of(case):
    """The network as it is wanted."""
    wanted = dict(case.get("desired", {}))
    present = wanted.pop("state", "present") == "present"
    active, autostart = wanted.pop("active", True), wanted.pop("autostart", True)
    restarted = wanted.pop("restarted", False)
    xml = NetworkDefinition(xml_of(wanted.pop("xml")) if "xml" in wanted else "")
    return Desired(name_of(case), present, spec_of(wanted), xml, active, autostart, restarted=restarted)


def version_of(case):
    """The libvirt that the case is about."""
    return case.get("version", 9000000)


def policy_of(case):
    """What the change may cost guests."""
    return Policy(**case.get("policy", {}))


def host_of(case, **more):
    """A hypervisor with everything that a case starts with."""
    host, observed = FakeHost(version_of(case), **more), observed_of(case)
    if observed.saved:
        saved = observed.saved.text if observed.persistent else ""
        host.put(
            observed.name, saved, observed.live.text, observed.autostart, observed.guests, parking=observed.parking
        )
    return host


def rows_of(plan):
    """The steps of a plan as a case writes them."""
    return [[row["action"], row["path"], row["before"], row["after"], row["effect"]] for row in report(plan.steps)]


def expected_rows(case):
    """The steps that a case wants; [live, path, before, after] stands for the definition and the calls of a change."""
    short = [step for step in case["steps"] if step[0] == "live"]
    defined = [["define", *step[1:], "live"] if step[0] == "live" else step for step in case["steps"]]
    deleted = [["update", path, before, None, "live"] for _live, path, before, _after in short if before is not None]
    added = [["update", path, None, after, "live"] for _live, path, _before, after in short if after is not None]
    return defined + deleted + added


def actions_of(plan):
    """The steps of a plan by their names only."""
    return [type(step).__name__.lower() for step in plan.steps]


def _rank(element):
    """Where an element stands in a sorted definition; those whose order means something stay as they are."""
    if not isinstance(element.tag, str):
        return b""
    return element.tag.encode() if element.tag in ("forwarder", "interface") else etree.tostring(element, method="c14n")


def sorted_xml(text):
    """A definition without the order of most of its lists, and without connections, which come and go."""
    root = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    for element in reversed(list(root.iter(etree.Element))):
        element.attrib.pop("connections", None)
        element[:] = sorted(element, key=_rank)
    return etree.tostring(root, method="c14n").decode()


def state_of(host):
    """All of a hypervisor's networks in a form that can be compared, with the NICs that have a connection."""
    return {
        name: one._replace(
            saved=sorted_xml(one.saved.text),
            live=sorted_xml(one.live.text) if one.live else "",
            guests={
                (guest.name, nic.alias)
                for guest in one.guests
                for nic in guest.nics
                if nic.state not in ("parked", "disconnected")
            },
            parking=False,
        )
        for name, one in host.state().items()
        if "-parking-" not in name
    }


def as_before(before, host):
    """Whether a hypervisor is as it was; a NIC may have got back a connection that it had lost."""
    now = state_of(host)
    lost = {name: one.guests - now[name].guests for name, one in before.items() if name in now and one.guests}
    without = [{name: one._replace(guests=None) for name, one in state.items()} for state in (before, now)]
    return without[0] == without[1] and not any(lost.values())
