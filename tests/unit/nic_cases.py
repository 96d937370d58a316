"""The cases of guests' NICs in tests/unit/cases/nics*.yml: read, and turned into what the conductor takes."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._task.nics import STATE, TASK, desired_nics
from ansible_collections.virtfleet.network.plugins.module_utils._values.nic_steps import report
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device
from tests.unit.fake_libvirt.guests import FakeGuests

DHCP = "<ip address='192.168.{}.1' prefix='24'/>"
NETWORKS = {
    "lan": f"<network><name>lan</name><bridge name='virbr1'/>{DHCP.format(81)}"
    "<portgroup name='slow'><bandwidth><inbound average='100'/></bandwidth></portgroup>"
    "<portgroup name='plain'/></network>",
    "dmz": f"<network><name>dmz</name><bridge name='virbr2'/>{DHCP.format(82)}</network>",
    "host": "<network><name>host</name><forward mode='bridge'/><bridge name='br0'/></network>",
    "vf": "<network><name>vf</name><forward mode='hostdev'><pf dev='eth1'/></forward></network>",
    "macvtap": "<network><name>macvtap</name><forward mode='bridge' dev='eth0'/></network>",
}
IDLE = f"<network><name>idle</name><bridge name='virbr9'/>{DHCP.format(89)}</network>"
DEVICES = {name: Device(name.startswith("br"), "", {}, ()) for name in ("br0", "eth0")}


def nic(text):
    """One <interface> from a short form: "network lan a" is virtio on network lan with the MAC address
    52:54:00:00:00:0a, lan/slow is a portgroup; more words are elements."""
    kind, source, mac, *more = text.split(" ", 3)
    option = "dev" if kind == "direct" else kind
    if not any("<model" in one for one in more):
        more.append("<model type='virtio'/>")
    source, slash, group = source.partition("/")
    group = f" portgroup='{group}'" if slash else ""
    inner = f"<mac address='52:54:00:00:00:0{mac}'/><source {option}='{source}'{group}/>{''.join(more)}"
    return f"<interface type='{kind}'>{inner}</interface>"


def host_of(case):
    """A hypervisor with the networks of all cases, and the guest of this one."""
    host = FakeGuests(devices=None if case.get("remote") else dict(DEVICES), version=case.get("version", 9000000))
    for name, xml in NETWORKS.items():
        host.put(name, xml, "same")
    host.put("idle", IDLE)
    host.put_guest("other", nic("network lan f"))
    guest = case.get("guest", {"saved": [], "live": []})
    host.put_guest("web", *("".join(map(nic, guest[scope])) if scope in guest else None for scope in ("saved", "live")))
    return host


def desired_of(case):
    """What is wanted of the guest."""
    given = dict(case.get("desired", {}))
    defaults = {name: option.get("default") for name, option in {**TASK, "state": STATE}.items()}
    params = {**defaults, "domain": "web", "ifaces": None, **given}
    if params["ifaces"] is not None:
        params["ifaces"] = [{"state": "present", **one} for one in params["ifaces"]]
    return desired_nics(params)


def rows_of(plan):
    """The steps of a plan as a case writes them."""
    return [[row["action"], row["path"].replace("52:54:00:00:00:0", ""), row["effect"]] for row in report(plan.steps)]
