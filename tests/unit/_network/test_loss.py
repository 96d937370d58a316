"""Nothing is lost by the way: <bootp> outlasts every change of what is beside it, and what libvirt loses is noticed."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import ApplyError
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from tests.unit.entry_cases import KINDS, desired, host
from tests.unit.fake_libvirt.base import read, write
from tests.unit.jobs import converge

MAC, OTHER = "52:54:00:00:01:01", "52:54:00:00:01:02"
HOST = f"<host mac='{MAC}' name='one' ip='10.0.0.11'/>"
RANGE = "<range start='10.0.0.100' end='10.0.0.109'/>"
XML = """
<network>
  <name>lan</name>
  <forward mode='nat'/>
  <bridge name='virbr0'/>
  <dns><txt name='note' value='1'/></dns>
  <ip address='10.0.0.1' netmask='255.255.255.0'>
    <tftp root='/srv/tftp'/>
    <dhcp>{}<bootp file='pxe' server='10.0.0.5'/></dhcp>
  </ip>
</network>
"""
BOOTP = "<bootp file='pxe' server='10.0.0.5'/>"
GUESTS = (Guest("vm1", True, ()),)
STATES = {"running": ("same", ()), "under a guest": ("same", GUESTS), "inactive": ("", ())}
# What replaces all that is beside <bootp>: kind of entry, what is there, the task, whether it can go live.
REPLACED = {
    "another name": ("dhcp_host", HOST, {"mac": MAC, "name": "uno"}, False),
    "another address": ("dhcp_host", HOST, {"mac": MAC, "ip": "10.0.0.12"}, False),
    "all others go": ("dhcp_host", HOST, {"hosts": [{"mac": OTHER, "ip": "10.0.0.12"}], "exclusive": True}, True),
    "its address is taken": (
        "dhcp_host",
        HOST,
        {"mac": OTHER, "ip": "10.0.0.11", "conflict": "replace"},
        False,
    ),
    "another range": (
        "dhcp_range",
        RANGE,
        {"ranges": [{"start": "10.0.0.50", "end": "10.0.0.59"}], "exclusive": True},
        True,
    ),
    "another lease": ("dhcp_range", RANGE, {"start": "10.0.0.100", "end": "10.0.0.109", "lease": {"expiry": 5}}, False),
}


def run(made, wanted, dry_run=False):
    """Converges once."""
    return converge(made, [wanted], Policy(), dry_run, 1)[0]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", REPLACED)
def test_bootp_outlasts_what_is_beside_it(name, state):
    kind, beside, options, goes_live = REPLACED[name]
    (live, guests) = STATES[state]
    made, wanted = host(XML.format(beside), live, guests), desired(KINDS[kind], options)
    done = run(made, wanted)
    restarts = {type(step).__name__ for step in made.calls} >= {"Stop", "Start"}
    assert restarts == (state == "running" and not goes_live)
    assert done.plan.restart_required == (state == "under a guest" and not goes_live)
    now = made.observe("lan")
    for xml in filter(None, (now.saved.text, now.live.text)):
        assert "bootp" in xml
        assert (beside in xml.replace('"', "'")) == (done.plan.restart_required and xml == now.live.text)
    made.calls.clear()
    run(made, wanted)
    assert made.calls == []


def test_whole_lists_keep_bootp_live():
    made = host(XML.format(HOST), "same", GUESTS)
    dhcp = {"hosts": [{"mac": OTHER, "ip": "10.0.0.12"}]}
    run(made, Desired("lan", spec={"ips": [{"address": "10.0.0.1", "prefix": 24, "dhcp": dhcp}]}))
    assert made.observe("lan").live.text.count("bootp") == 1
    assert MAC not in made.observe("lan").live.text


# What libvirt could lose at an update, and of which definition.
LOST = {
    "bootp": ("ip/dhcp/bootp", "ips[10.0.0.0/24].dhcp.bootp.file"),
    "tftp": ("ip/tftp", "ips[10.0.0.0/24].tftp.root"),
    "a record": ("dns/txt", "dns.txts[note]"),
}


@pytest.mark.parametrize("scope", ["saved", "live"])
@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("kind", ["entry", "network"])
def test_whatever_libvirt_loses_is_noticed_and_put_back(monkeypatch, name, scope, kind):
    xpath, path = LOST[name]
    made = host(XML.format(HOST + RANGE), "same")
    before, apply, lose = made.state(), made.apply, [True]

    def losing(step):
        apply(step)
        net = made.nets["lan"]
        if lose and net.live is not None:
            lose.clear()
            root = read(write(getattr(net, scope)))
            gone = root.find(xpath)
            gone.getparent().remove(gone)
            made.nets["lan"] = net._replace(**{scope: root})

    monkeypatch.setattr(made, "apply", losing)
    added = {"mac": OTHER, "ip": "10.0.0.12"}
    wanted = desired(KINDS["dhcp_host"], added)
    if kind == "network":
        wanted = Desired("lan", spec={"portgroups": [{"name": "new"}]}, autostart=None)
    with pytest.raises(ApplyError) as failure:
        run(made, wanted)
    assert path in str(failure.value)
    if name != "a record" or kind == "network":
        assert made.state() == before
        assert str(failure.value).endswith("network 'lan' was rolled back")
    else:
        assert str(failure.value).endswith(f"but for what another program may have changed ({path})")
        assert OTHER not in made.observe("lan").saved.text + made.observe("lan").live.text
