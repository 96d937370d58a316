"""The NICs of guests from beginning to end, on the fake: the plan, check mode, the second run, and every failure."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    ApplyError,
    InvalidNicsError,
    UnplugError,
    VerifyError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._nics.nics import mac_of
from ansible_collections.virtfleet.network.plugins.module_utils._task.results import cost, result_of
from tests.unit.case_files import load, parametrized
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of, rows_of

PLANS = [case for case in load("nics") if "steps" in case]
CHANGES = pytest.mark.parametrize(
    "case", [case for case in PLANS if case["steps"]], ids=lambda case: case["description"]
)


def converge(host, case, dry_run=False):
    return converge_nics(host, desired_of(case), dry_run, 5)


@parametrized("nics")
def test_case(case):
    host = host_of(case)
    before = host.state_of_guests()
    if "error" in case:
        for dry_run in (True, False):
            with pytest.raises(InvalidNicsError, match=case["error"]):
                converge(host, case, dry_run)
        assert host.state_of_guests() == before
        return
    host.readonly = True
    outcomes = [converge(host, case, dry_run=True)]
    assert host.state_of_guests() == before
    host.readonly = False
    outcomes.append(converge(host, case))
    foreseen, real = (outcome.plan for outcome in outcomes)
    assert rows_of(real) == case["steps"]
    assert result_of(outcomes[:1]) == result_of(outcomes[1:])
    assert cost([foreseen], 0) == cost([real], 0)
    assert (foreseen.nics, foreseen.warnings) == (real.nics, real.warnings)
    assert [warning for warning, text in zip(real.warnings, case.get("warnings", [])) if text in warning] == list(
        real.warnings
    )
    assert len(real.unchecked) == case.get("unchecked", 0)
    again = converge(host, case).plan
    assert rows_of(again) == []
    assert [mac_of(nic.saved or nic.live) for nic in again.nics] == [mac_of(nic.saved or nic.live) for nic in real.nics]


@CHANGES
@pytest.mark.parametrize("after_effect", [False, True])
def test_every_failure_is_put_back(case, after_effect):
    count = len(converge(host_of(case), case, dry_run=True).plan.steps)
    for index in range(count):
        host = host_of(case)
        before = host.state_of_guests()
        host.fail_at, host.after_effect = index, after_effect
        with pytest.raises(ApplyError, match=r"the NICs of guest 'web' were (rolled back|not changed)"):
            converge(host, case)
        assert host.state_of_guests() == before


def test_guest_that_does_not_let_go():
    case = {"guest": {"saved": ["network lan a"], "live": ["network lan a"]}, "desired": {"exclusive": True}}
    case["desired"]["ifaces"] = [{"mac": {"address": "52:54:00:00:00:0b"}, "source": {"network": "dmz"}}]
    host = host_of(case)
    before, host.holds_on = host.state_of_guests(), {"web"}
    with pytest.raises(ApplyError, match=r"did not let go; the NICs of guest 'web' could not be rolled back"):
        converge(host, case)
    host.holds_on = set()
    # What was plugged in before could not be taken out, either.
    assert len(host.guests_there["web"]["live"]) == 2
    assert host.state_of_guests()["web", "saved"] == before["web", "saved"]


def test_guest_that_does_not_let_go_of_the_first():
    case = {"guest": {"saved": ["network lan a"], "live": ["network lan a"]}}
    case["desired"] = {"source": {"network": "lan"}, "state": "absent"}
    host = host_of(case)
    before, host.holds_on = host.state_of_guests(), {"web"}
    with pytest.raises(ApplyError, match=r"did not let go; the NICs of guest 'web' were not changed") as caught:
        converge(host, case)
    assert isinstance(caught.value.__cause__, UnplugError)
    assert host.state_of_guests() == before


def test_mac_address_is_the_same_whenever_it_is_made():
    case = {"desired": {"ifaces": [{"source": {"network": "lan"}}, {"source": {"network": "lan"}}]}}
    host = host_of(case)
    predicted = converge(host, case, dry_run=True).plan.nics
    macs = [mac_of(nic.saved) for nic in converge(host, case).plan.nics]
    assert [mac_of(nic.saved) for nic in predicted] == macs
    assert len(set(macs)) == 2
    assert all(nic.generated for nic in predicted)
    assert [mac_of(nic.saved) for nic in converge(host, case).plan.nics] == macs


def test_mac_address_of_another_guest_is_not_made():
    case = {"desired": {"source": {"network": "lan"}}}
    (first,) = converge(host_of(case), case, dry_run=True).plan.nics
    host = host_of(case)
    taken = f"<interface type='network'><mac address='{mac_of(first.saved)}'/><source network='lan'/></interface>"
    host.put_guest("third", taken)
    # The guests' uuids come from their order, and "third" is before "web".
    host.put_guest("zzz", taken)
    (other,) = converge(host, case, dry_run=True).plan.nics
    assert mac_of(other.saved) != mac_of(first.saved)


def test_what_libvirt_does_not_keep_is_told():
    case = {"guest": {"saved": ["network lan a"]}, "desired": {"source": {"network": "lan"}, "link": {"state": "down"}}}
    host = host_of(case)
    host._nic_change = lambda _step, _nics: None
    with pytest.raises(ApplyError, match=r"did not keep nics\[52:54:00:00:00:0a\].link.state") as caught:
        converge(host, case)
    assert isinstance(caught.value.__cause__, VerifyError)


@pytest.mark.parametrize(
    "options,moved",
    [
        ({"link": {"state": "down"}}, False),
        ({"link": {"state": "up"}}, False),
        ({"model": {"type": "e1000e"}, "replace": True}, True),
        ({"model": {"type": "e1000e"}, "apply": "config"}, False),
        ({"source": {"network": "dmz"}}, True),
        ({"mac": {"address": "52:54:00:00:00:0b"}, "source": {"network": "lan"}}, True),
    ],
)
def test_a_nic_that_needs_a_new_address_is_known(options, moved):
    case = {"guest": {"saved": ["network lan a"], "live": ["network lan a"]}}
    case["desired"] = {"mac": {"address": "52:54:00:00:00:0a"}, **options}
    (nic,) = converge(host_of(case), case, dry_run=True).plan.nics
    assert nic.moved is moved


def places(host):
    """The buses of the guest's NICs by the ends of their MAC addresses, in the live and the persistent config."""
    kept = host.guests_there["web"]
    return [
        {nic.find("mac").get("address")[-1]: nic.find("address").get("bus") for nic in kept[scope]}
        for scope in ("live", "saved")
    ]


def test_a_nic_has_the_same_place_in_both_definitions():
    new = {"mac": {"address": "52:54:00:00:00:0b"}, "source": {"network": "dmz"}, "model": {"type": "virtio"}}
    case = {"guest": {"saved": [], "live": ["network lan a"]}, "desired": new}
    host = host_of(case)
    converge(host, case)
    assert places(host) == [{"a": "0x01", "b": "0x02"}, {"b": "0x02"}]
    converge(host, {"desired": {"source": {"network": "lan"}}})
    assert places(host)[1]["a"] == "0x01"


def test_a_nic_whose_place_is_taken_has_another_one():
    case = {"guest": {"saved": ["network dmz b"], "live": ["network lan a"]}, "desired": {"source": {"network": "lan"}}}
    host = host_of(case)
    converge(host, case)
    assert places(host) == [{"a": "0x01"}, {"b": "0x01", "a": "0x02"}]


def test_guest_that_stops_meanwhile():
    case = {"guest": {"saved": ["network lan a"], "live": ["network dmz b"]}, "desired": {"source": {"network": "lan"}}}
    host = host_of(case)
    host.on_lock = lambda: setattr(host, "all_guests", stop)

    def stop():
        host.guests_there["web"]["live"] = None
        return []

    with pytest.raises(ApplyError, match=r"there is no live definition.*; the NICs of guest 'web' were not changed"):
        converge(host, case)


def test_another_model_may_need_another_sort_of_place():
    case = {"guest": {"saved": ["network lan a"], "live": []}}
    case["desired"] = {"source": {"network": "lan"}, "model": {"type": "usb-net"}}
    host = host_of(case)
    converge(host, case)
    (step,) = [step for step in host.calls if step.scope == "live"]
    assert "<address" not in step.interface.text


def test_what_a_network_adds_is_not_saved():
    case = {"guest": {"saved": [], "live": ["network lan/slow a"]}, "desired": {"source": {"network": "lan"}}}
    host = host_of(case)
    (nic,) = converge(host, case).plan.nics
    assert "bandwidth" in nic.live
    assert "bandwidth" not in nic.saved
    assert "bandwidth" not in host.observe_guest("web").saved.text


def test_guest_that_is_not_there():
    for dry_run in (True, False):
        with pytest.raises(InvalidNicsError, match=r"Cannot bring the NICs of guest 'far' .*: there is no such guest"):
            converge(host_of({}), {"desired": {"domain": "far", "source": {"network": "lan"}}}, dry_run)
