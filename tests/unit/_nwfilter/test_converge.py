"""Network filters brought to a wanted state on the fake hypervisor: what is planned, refused, verified, rolled back."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._converge import conductor
from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    ApplyError,
    InUseError,
    InvalidFilterError,
    MeanwhileError,
    NetworkError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._nwfilter.info import nwfilters
from ansible_collections.virtfleet.network.plugins.module_utils._nwfilter.references import is_in_loop, lacking, reached
from ansible_collections.virtfleet.network.plugins.module_utils._nwfilter.resource import Filters
from ansible_collections.virtfleet.network.plugins.module_utils._task.nwfilters import desired_filter
from tests.unit.fake_libvirt.guests import FakeGuests

MAC = "52:54:00:00:00:0a"
NIC = f"""
<interface type='network'><mac address='{MAC}'/><source network='lan'/><filterref filter='outer'/></interface>
"""
INNER = "<filter name='inner' chain='ipv4'><rule action='drop' direction='out'><ip srcipaddr='$IP'/></rule></filter>"
OUT = {"action": "drop", "direction": "out"}


@pytest.fixture
def host():
    """A running guest and one that does not run, whose NICs have a filter that refers to another one."""
    host = FakeGuests()
    host.put("lan", "<network><name>lan</name><bridge name='vf-lan'/></network>", "same")
    host.put_nwfilter(INNER)
    host.put_nwfilter("<filter name='outer'><filterref filter='inner'/></filter>")
    host.put_guest("web", live=NIC)
    host.put_guest("db", saved=NIC.replace(MAC, "52:54:00:00:00:0b"))
    return host


def converge(host, *wanted, dry_run=False):
    """Brings filters to a wanted state."""
    params = [{"state": "present", **one} for one in wanted]
    return conductor.converge(host, [Filters(host, [desired_filter(one) for one in params])], dry_run, 1)


def test_a_filter_is_made_once(host):
    wanted = {"name": "new", "chain": "arp", "rules": [{**OUT, "arp": {}}]}
    (foreseen,) = converge(host, wanted, dry_run=True)
    assert "new" not in host.filters_there
    (made,) = converge(host, wanted)
    assert made.plan.rows() == foreseen.plan.rows()
    assert made.after.definition.spec["priority"] == -500
    assert [one.plan.steps for one in converge(host, wanted)] == [()]


def test_the_guests_that_get_a_change_are_in_the_plan(host):
    (outcome,) = converge(host, {"name": "inner", "rules": [{**OUT, "ip": {"protocol": "udp"}}]})
    assert {tuple(row["guests"]) for row in outcome.plan.rows()} == {("web",)}
    assert outcome.after.definition.spec["uuid"] == outcome.before.definition.spec["uuid"]


def test_a_definition_replaces_all_but_the_uuid(host):
    before = host.observe_nwfilter("inner").definition.spec["uuid"]
    parts = "<rule action='drop' direction='in'/>", "<filterref filter='clean-traffic'/>"
    xml = f"<filter name='inner' chain='root'>{''.join(parts)}</filter>"
    converge(host, {"name": "inner", "xml": xml})
    after = host.observe_nwfilter("inner").definition
    assert (after.spec["uuid"], after.spec["chain"]) == (before, "root")
    assert [child.tag for child in after.tree] == ["uuid", "rule", "filterref"]
    # Only the order of the two differs.
    other = f"<filter name='inner' chain='root'>{''.join(reversed(parts))}</filter>"
    (outcome,) = converge(host, {"name": "inner", "xml": other})
    assert [row["path"] for row in outcome.plan.rows()] == ["order"]
    assert [one.plan.steps for one in converge(host, {"name": "inner", "xml": other})] == [()]


@pytest.mark.parametrize(
    "wanted,why",
    [
        ({"name": "inner", "rules": [{**OUT, "ip": {"srcipaddr": "$SERVER"}}]}, "'web' .* does not give SERVER"),
        ({"name": "inner", "filterrefs": [{"filter": "none"}]}, "there is no filter 'none'"),
        ({"name": "inner", "filterrefs": [{"filter": "outer"}]}, "refers to itself"),
        ({"name": "inner", "uuid": "0" * 32}, "uuid of an existing filter cannot change"),
        ({"name": "a", "rules": [{**OUT, "ip": {}, "arp": {}}]}, r"rules\[0\] has arp and ip"),
        ({"name": "a", "rules": [{**OUT, "ip": {"dstportstart": 1}}]}, r"rules\[0\].ip has dstportstart, which needs"),
        ({"name": "a", "rules": [{"action": "drop"}]}, r"rules\[0\] needs direction"),
        ({"name": "a b"}, "name must be a filter name"),
        ({"name": "a", "xml": "<filter name='b'/>"}, "must be a <filter> whose name is 'a'"),
    ],
)
def test_what_cannot_be_is_refused(host, wanted, why):
    before = host.state_of_filters()
    for dry_run in (True, False):
        with pytest.raises(InvalidFilterError, match=why):
            converge(host, wanted, dry_run=dry_run)
    assert host.state_of_filters() == before


def test_xml_that_is_none_is_refused(host):
    with pytest.raises(NetworkError, match="Cannot read the definition of network filter 'a': xml is not well-formed"):
        converge(host, {"name": "a", "xml": "<filter"})


def test_a_guest_that_does_not_run_gets_a_warning(host):
    del host.guests_there["web"]
    (outcome,) = converge(host, {"name": "inner", "rules": [{**OUT, "ip": {"srcipaddr": "$SERVER"}}]})
    assert "guest 'db' refers to filter 'outer' and does not give SERVER" in outcome.plan.warnings[0]


@pytest.mark.parametrize("name,why", [("inner", r"filters \(outer\)"), ("outer", r"guests \(db \(.*\), web \(.*\)\)")])
def test_what_is_referred_to_stays(host, name, why):
    with pytest.raises(InUseError, match=why):
        converge(host, {"name": name, "state": "absent"})


def test_filters_wait_for_each_other(host):
    host.guests_there.clear()
    wanted = [{"name": "one", "filterrefs": [{"filter": "two"}]}, {"name": "two"}]
    assert [one.name for one in converge(host, *wanted)] == ["two", "one"]
    gone = [{"name": name, "state": "absent"} for name in ("two", "one")]
    assert [one.name for one in converge(host, *gone)] == ["one", "two"]


@pytest.mark.parametrize(
    "xml,packaged",
    [
        ("<filter name='clean-traffic'><!-- no difference --></filter>", True),
        ("<filter name='clean-traffic' chain='arp'/>", False),
        ("<filter name='clean-traffic'><rule action='drop' direction='in'/></filter>", False),
        ("<filter name='clean-traffic-2'/>", False),
    ],
)
def test_what_comes_with_libvirt_is_known_by_its_files(host, xml, packaged):
    host.put_nwfilter(xml)
    name = xml.split("'")[1]
    (told,) = nwfilters(host, [name])
    assert told["packaged"] == packaged


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_failure_rolls_all_back(host, number, after_effect):
    host.guests_there.clear()
    before = host.state_of_filters()
    host.fail_at, host.after_effect = number, after_effect
    with pytest.raises(ApplyError, match="network filter"):
        converge(host, {"name": "new"}, {"name": "inner", "rules": []}, {"name": "outer", "state": "absent"})
    assert host.state_of_filters() == before


def test_what_libvirt_does_not_keep_is_rolled_back(host, monkeypatch):
    before = host.state_of_filters()
    monkeypatch.setattr(host, "_define_nwfilter", lambda _step: None)
    with pytest.raises(ApplyError, match="did not keep"):
        converge(host, {"name": "inner", "rules": [{**OUT, "ip": {"protocol": "udp"}}]})
    assert host.state_of_filters() == before


def test_another_program_is_not_overwritten(host):
    (outcome,) = converge(host, {"name": "inner", "rules": []}, dry_run=True)
    host.put_nwfilter(INNER.replace("drop", "reject"))
    with host.lock([("nwfilter", "inner")], 1), pytest.raises(MeanwhileError):
        host.apply_nwfilter(outcome.plan.steps[0])


def test_everything_about_a_filter_is_told(host):
    inner, outer = nwfilters(host, ["inner", "none", "outer"])
    assert (inner["parameters"], inner["referred_by"], inner["nics"]) == (["IP"], ["outer"], [])
    nics = [(nic["domain"], nic["live"], nic["saved"]) for nic in outer["nics"]]
    assert nics == [("db", False, True), ("web", True, False)]
    assert len(nwfilters(host, [])) == 3


def test_references_and_parameters():
    def rule(value):
        return {"rules": [{**OUT, "ip": {"srcipaddr": value}}]}

    filters = {
        "a": {**rule("$IP"), "filterrefs": [{"filter": "b", "parameters": [{"name": "GIVEN", "value": "1"}]}]},
        "b": {**rule("$GIVEN[@1]"), "filterrefs": [{"filter": "c"}, {"filter": "gone"}]},
        "c": {**rule("$LAST"), "filterrefs": [{"filter": "b"}]},
    }
    assert reached(filters, "a") == {"a", "b", "c"}
    assert [is_in_loop(filters, name) for name in "abc"] == [False, True, True]
    assert lacking(filters, "a", {}) == ["IP", "LAST"]
    assert lacking(filters, "a", {"LAST": "1"}) == []
    assert lacking(filters, "a", {"LAST": "1", "CTRL_IP_LEARNING": "none"}) == ["IP"]
    assert lacking(filters, "b", {"LAST": "1"}) == ["GIVEN"]
