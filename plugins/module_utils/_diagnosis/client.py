# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client on a network is to ask, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._schema.shared import subnet
from .._values.host_facts import Scene
from .._values.probe import Evidence, Probe, Reply
from .._values.way import Hop, Packet
from .link_hops import without_program
from .openings import mending
from .services import has_dns, version_of
from .trip import Trip, Walker, ends, passes

# The client's questions by that of the way. A firewall may drop an echo request to the gateway on purpose.
ASKED = {
    **{name: (name,) for name in ("guest", "outside")},
    "dhcp": ("dhcp", "offer", "lessor"),
    "gateway": ("neighbour", "owner", "advertiser"),
    "dns": ("dns", "dns_tcp"),
}
BETWEEN = ("rule", "counter", "port")  # what stands between two guests
WEAK = ("seen", "nothing")  # evidence that names nobody
VAGUE = (*WEAK, "end")  # and what names who takes it, but not who drops the answer


def probes(trips: Sequence[Trip], scene: Scene) -> dict[str, Probe]:
    """What to ask on each network that has an address of the hypervisor, by its name."""
    found = {}
    for name in dict.fromkeys(trip.who.network for trip in trips):
        mine = [trip for trip in trips if trip.who.network == name]
        who, asked = mine[0].who, {trip.question[:2] for trip in mine}
        items = [item for item in who.spec.get("ips", []) if item.get("prefix") is not None and subnet(item)]
        if not items or "UP" not in mine[0].link(who.bridge).get("flags", ()):
            continue
        guest = next((trip.who for trip in mine if trip.who.tap and trip.who.addresses), Walker(name, {}, ""))
        hosts = [host.get("ip", "") for item in items for host in item.get("dhcp", {}).get("hosts", [])]
        known = [one for addresses in scene.addresses.values() for one in addresses]
        found[name] = Probe(
            who.bridge,
            tuple(f"{item['address']}/{item['prefix']}" for item in items),
            tuple(sorted({version_of(item) for item in items if item.get("dhcp", {}).get("ranges")})),
            has_dns(who.spec),
            tuple(version for version in (4, 6) if ("outside", version) in asked),
            guest.addresses,
            guest.tap,
            frozenset([*scene.leases.get(name, ()), *hosts, *known, *guest.addresses]) - {""},
            any(str(option).startswith("dhcp-option") for option in who.spec.get("dnsmasq_options", [])),
        )
    return found


def offered(replies: Iterable[Reply]) -> bool | None:
    """Whether DHCP has offered an address of IPv4; None when it was not asked, and when it is not the server that keeps
    silent: something is known that drops the question, or even the gateway's address does not answer."""
    mine = {one.question: one for one in replies if one.version == 4}
    dhcp, gateway = mine.get("dhcp"), mine.get("neighbour")
    if dhcp is None or _named(dhcp) or (gateway and gateway.answered is False):
        return None
    return dhcp.answered


def heard(replies: Iterable[Reply], trip: Trip) -> Hop | None:
    """What became of a question of a way when a client asked it, None when none did."""
    question, bridge = trip.question, trip.who.bridge
    mine = [one for one in replies if one.question in ASKED.get(question.name, ()) and one.version == question.version]
    silent = next((one for one in mine if one.answered is False and not _is_paused(one)), None)
    if silent is None:
        return passes("client", bridge, "gets an answer") if any(one.answered for one in mine) else None
    strongest = next(iter(silent.evidence), None)
    if strongest and strongest.kind == "offer":
        return ends(
            "client", bridge, "offer_wrong", f"a client on {bridge} gets an offer that is wrong: {strongest.text}"
        )
    if strongest and strongest.kind == "claim":
        return _claimed(trip, silent.question, strongest)
    why = f": {strongest.text}" if strongest else ""
    evidence = f"a client on {bridge} gets no answer to its question for {silent.question} (IPv{silent.version}){why}"
    if strongest is None or strongest.kind in VAGUE:
        return ends("client", bridge, "untraced", evidence)
    return ends("client", bridge, "no_answer", evidence, _undo(trip, strongest))


def _claimed(trip: Trip, question: str, evidence: Evidence) -> Hop:
    """Who else stands for the gateway: a device of the hypervisor itself, or somebody behind a port."""
    bridge, mac, port = trip.who.bridge, evidence.mac, evidence.device
    own = next((name for name, link in trip.kernel.links.items() if link.get("address") == mac), "")
    where = f": it is the hypervisor's own {own}" if own else f": it is behind port {port}" if port else ""
    text = f"{evidence.text}, too, as {bridge} does{where}"
    if question != "owner":
        remedy = f"stop that server, or give the NIC of {mac} a filter like clean-guest (role nwfilters)"
        return ends("client", bridge, "rival_server", text, remedy)
    remedy = f"sysctl -w net.ipv4.conf.{own}.arp_ignore=1" if own else f"give {mac} another address than the gateway's"
    return ends("client", bridge, "address_duplicate", text, remedy)


def unasked(replies: Iterable[Reply], bridge: str) -> list[str]:
    """What a client on a bridge could not ask."""
    silent = [one for one in replies if one.answered is None]
    return [f"whether {one.question} of IPv{one.version} answers a client on {bridge}: {one.why}" for one in silent]


def _is_paused(reply: Reply) -> bool:
    """Whether a guest says nothing of its own accord: it may be paused."""
    return reply.question == "guest" and not (reply.evidence and reply.evidence[0].kind in BETWEEN)


def _named(reply: Reply) -> bool:
    return bool(reply.evidence) and reply.evidence[0].kind not in WEAK


def _undo(trip: Trip, evidence: Evidence) -> str:
    if evidence.kind == "drop" and "xdp" in trip.link(evidence.device):
        return without_program(evidence.device, trip.link(evidence.device))
    if evidence.kind != "rule" or not evidence.chain:
        return ""
    listed = trip.firewall.blamed(evidence) if trip.firewall else None
    if listed:
        hook, verdict = listed
        bridge, protocol = trip.who.bridge, "icmp" if trip.question.name == "gateway" else "udp"
        inbound, outbound = {"forward": (bridge, "*"), "output": ("", bridge)}.get(hook, (bridge, ""))
        packet = Packet(trip.version, "", "", protocol, inbound=inbound, outbound=outbound)
        return mending(trip.who.spec, packet, verdict)
    place = f"{evidence.family} {evidence.table} {evidence.chain}"
    if not evidence.handle:
        return f"nft 'add chain {place} {{ policy accept; }}'"
    return f"nft delete rule {place} handle {evidence.handle}"
