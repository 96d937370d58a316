"""Every definition that will be used goes through the same checks: persistent, live, transient."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from tests.unit.entry_cases import KINDS, desired, host
from tests.unit.jobs import converge

XML = """
<network>
  <name>lan</name>
  <forward mode='nat'/>
  <bridge name='virbr0'/>
  <ip address='10.0.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.0.0.100' end='10.0.0.149'/>
      <host mac='52:54:00:00:01:01' name='one' ip='10.0.0.11'/>
      <bootp file='pxe'/>
    </dhcp>
  </ip>
  <portgroup name='plain' default='yes'/>
</network>
"""
BARE = XML.replace("<range start='10.0.0.100' end='10.0.0.149'/>", "").replace(" default='yes'", "")
# Which definition a task breaks: the persistent one, the live one.
STATES = {"transient": ("", XML), "saved": (XML, ""), "both": (XML, "same"), "what runs differs": (BARE, XML)}
MAC = "52:54:00:00:01:09"
REFUSED = [
    ("dhcp_range", {"start": "10.0.0.200", "end": "10.0.0.209", "lease": {"expiry": 1}}, "below the minimum of 2 min"),
    ("dhcp_host", {"mac": MAC, "ip": "10.0.0.20", "lease": {"expiry": 1}}, "below the minimum of 2 minutes"),
    ("dhcp_host", {"mac": MAC, "ip": "10.0.0.255"}, "10.0.0.255"),
    ("dhcp_host", {"ip": "10.0.0.20"}, "reservation for 10.0.0.20 that needs mac or name"),
    ("portgroup", {"name": "other", "default": True}, "portgroups may have one default"),
]


def refusal(made, wanted):
    """What check mode and a real run say, which must be the same; nothing has happened then."""
    before, texts = made.state(), set()
    for dry_run in (True, False):
        with pytest.raises(InvalidNetworkError) as failure:
            converge(made, [wanted], Policy(), dry_run, 1)
        texts.add(str(failure.value))
    assert (made.calls, made.state(), len(texts)) == ([], before, 1)
    return texts.pop()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind,options,problem", REFUSED, ids=[problem for _kind, _options, problem in REFUSED])
def test_what_breaks_a_definition_is_refused_wherever_it_is(kind, options, problem, state):
    told = refusal(host(*STATES[state]), desired(KINDS[kind], options))
    assert told.count(problem) == 1, told


@pytest.mark.parametrize("state", STATES)
def test_bootp_keeps_its_last_entry(state):
    saved, live = (xml.replace("<range start='10.0.0.100' end='10.0.0.149'/>", "") for xml in STATES[state])
    told = refusal(host(saved, live), desired(KINDS["dhcp_host"], {"mac": "52:54:00:00:01:01", "state": "absent"}))
    assert "has bootp without DHCP ranges or hosts" in told


@pytest.mark.parametrize("state", STATES)
def test_what_is_only_odd_is_a_warning_wherever_it_is(state):
    wanted = desired(KINDS["dhcp_range"], {"start": "10.0.0.140", "end": "10.0.0.160"})
    (told,) = converge(host(*STATES[state]), [wanted], Policy(), True, 1)[0].plan.warnings
    assert "DHCP ranges that cross" in told


def test_what_was_wrong_already_keeps_no_entry_out():
    crossing = XML.replace("</dhcp>", "<range start='10.0.0.140' end='10.0.0.160'/></dhcp>")
    made = host("", crossing)
    converge(made, [desired(KINDS["dhcp_host"], {"mac": MAC, "ip": "10.0.0.20"})], Policy(), False, 1)
    assert MAC in made.observe("lan").live.text
