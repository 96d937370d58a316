# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exists on an audited hypervisor as boxes and lines between them: a graph for Graphviz, and words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .words import printable

Key = tuple[str, ...]
Marks = tuple[tuple[str, str], ...]
# What a box has room for.
LINES, LENGTH = 10, 48
HOPS = 8  # of a way that ends
# Signs of what is wrong, worst first, with Graphviz's colours for them.
SIGNS = {"error": "✖", "drift": "≠", "warning": "!"}
COLOURS = {"error": "red3", "drift": "purple3", "warning": "orange3", "off": "gray50", "good": "black"}
NO_DRIFT = ("as_asked", "unknown")
KINDS = {
    "device": "Devices",
    "bridge": "Bridges",
    "network": "Networks",
    "guest": "Guests",
    "nic": "Guests' NICs",
    "way": "Ways of packets",
}
# A box's text names its own kind, so no shape has to.
HEAD = """graph [rankdir=LR, nodesep=0.1, ranksep=0.8, fontname="DejaVu Sans", fontsize=11]
node [shape=box, style=rounded, fontname="DejaVu Sans", fontsize=10, margin="0.18,0.07"]
edge [dir=none, fontname="DejaVu Sans", fontsize=9]"""


class Box(NamedTuple):
    """A thing in a picture: its kind, its name, what else is said of it, and what is wrong with it, each as a sign's
    name and a text. One that is off does not run."""

    kind: str
    name: str
    lines: tuple[str, ...] = ()
    marks: Marks = ()
    off: bool = False

    @property
    def state(self) -> str:
        """The worst of what is wrong, or off, or good."""
        signs = [sign for sign, _text in self.marks]
        return next((sign for sign in SIGNS if sign in signs), "off" if self.off else "good")

    @property
    def text(self) -> list[str]:
        """All that is said of it, what is wrong behind a sign."""
        return [*filter(None, self.lines), *(f"{SIGNS[sign]} {text}" for sign, text in self.marks)]


class Line(NamedTuple):
    """What goes from one box to another; ``cut`` where it is not connected."""

    start: Key
    end: Key
    text: str = ""
    cut: bool = False


class Picture(NamedTuple):
    """Boxes by a key that begins with their kind, and the lines between them. A NIC's key names its guest."""

    boxes: dict[Key, Box]
    lines: list[Line]


def picture(host: Mapping[str, Any]) -> Picture:
    """What exists on a hypervisor, of its part of an audit."""
    marks, drawn = _marks(host), Picture({}, [])
    _devices(drawn, host)
    for name in {row["network"]: None for row in host["rows"] if row["state"] == "missing" and row["network"]}:
        drawn.boxes["network", name] = Box("network", name, ("network · missing",), marks["network", name], True)
    for network in host["networks"]:
        _network(drawn, network, marks)
    for guest in host["guests"]:
        _guest(drawn, guest, marks)
    for way in host["way"]:
        _way(drawn, way)
    return Picture(drawn.boxes, [line for line in drawn.lines if {line.start, line.end} <= drawn.boxes.keys()])


def _marks(host: Mapping[str, Any]) -> Mapping[Key, Marks]:
    """What is wrong with each thing; the key of a NIC ends with its MAC."""
    found: dict[Key, list[tuple[str, str]]] = defaultdict(list)
    for row in host["rows"]:
        if row["state"] not in NO_DRIFT:
            asked = "" if row["asked"] is None else f": asked {printable(row['asked'])}"
            found[_about(row)].append(("drift", f"{row['path'] or row['state']}{asked}"))
    for finding in host["findings"]:
        found[_about(finding)].append((finding["severity"], finding["code"]))
    return defaultdict(tuple, {key: tuple(dict.fromkeys(marks)) for key, marks in found.items()})


def _about(row: Mapping[str, Any]) -> Key:
    if not row["domain"]:
        return ("nwfilter", row["nwfilter"]) if row.get("nwfilter") else ("network", row["network"])
    # The path of what differs in a NIC begins with its MAC.
    mac = row["mac"] or row.get("path", "").partition("nics[")[2].partition("]")[0]
    return ("nic", row["domain"], mac) if mac else ("guest", row["domain"])


def _devices(drawn: Picture, host: Mapping[str, Any]) -> None:
    taps = {nic["tap"] for guest in host["guests"] for nic in guest["nics"]}
    for name, device in host["devices"].items():
        if name not in taps and name != "lo":
            kind = "bridge" if device["bridge"] else "device"
            addresses = [one for one in device["addresses"] if not one.startswith("fe80:")]
            drawn.boxes[kind, name] = Box(kind, name, (kind, *addresses))
        drawn.lines.extend(Line(("device", port), ("bridge", name), "", not up) for port, up in device["ports"].items())


def _network(drawn: Picture, network: Mapping[str, Any], marks: Mapping[Key, Marks]) -> None:
    spec, key = network["live_spec"] or network["spec"], ("network", network["name"])
    forward, bridge = spec.get("forward", {}), ("bridge", network["bridge"])
    mode = forward.get("mode", "isolated")
    off = not network["active"]
    subnets = [f"{ip['address']}/{ip.get('prefix', ip.get('netmask', ''))}" for ip in spec.get("ips", [])]
    kind = f"network · {mode}{' · stopped' if off else ''}"
    drawn.boxes[key] = Box("network", network["name"], (kind, *subnets), marks[key], off)
    if network["active"] and network["bridge"]:
        drawn.boxes.setdefault(bridge, Box("bridge", network["bridge"], ("bridge",)))
        drawn.lines.append(Line(bridge, key))
    uplinks = [
        forward.get("dev"),
        forward.get("pf", {}).get("dev"),
        *(one["dev"] for one in forward.get("interfaces", [])),
    ]
    drawn.lines.extend(
        Line(("device", dev), bridge if bridge in drawn.boxes else key, mode) for dev in dict.fromkeys(uplinks) if dev
    )


def _guest(drawn: Picture, guest: Mapping[str, Any], marks: Mapping[Key, Marks]) -> None:
    name, off = guest["name"], not guest["running"]
    drawn.boxes["guest", name] = Box("guest", name, ("guest · stopped" if off else "guest",), marks["guest", name], off)
    for number, nic in enumerate(guest["nics"]):
        key, source = ("nic", name, str(number)), (nic["live_spec"] or nic["spec"]).get("source", {})
        addresses = dict.fromkeys(one["address"] for one in nic["addresses"])
        why = nic["reason"] if nic["connected"] is False and nic["live"] else ""
        lines = (nic["tap"], *addresses, why)
        drawn.boxes[key] = Box("nic", nic["mac"], lines, marks["nic", name, nic["mac"]], off or not nic["live"])
        for option, kind in (("network", "network"), ("bridge", "bridge"), ("dev", "device")):
            if source.get(option):
                drawn.lines.append(Line((kind, source[option]), key, source.get("portgroup", ""), not nic["connected"]))


def _way(drawn: Picture, way: Mapping[str, Any]) -> None:
    """The hops of a way that ends, from its network or NIC on; of others, how far they come."""
    name = f"way {way['question']}, IPv{way['version']}"
    nics = [key for key, box in drawn.boxes.items() if key[:2] == ("nic", way["domain"]) and box.name == way["mac"]]
    (start,) = nics[:1] or [("network", way["network"])]
    box = drawn.boxes.get(start)
    if way["verdict"] != "ends" and box:
        drawn.boxes[start] = box._replace(lines=(*box.lines, f"way: {way['text']}"))
    elif box:
        key = ("way", *start[1:], name)
        hops = [f"> {hop}" for hop in way["hops"][:-1]]
        hidden = len(hops) - HOPS
        shown = [f"… {hidden} more", *hops[hidden:]] if hidden > 0 else hops
        drawn.boxes[key] = Box("way", name, tuple(shown), ((way["severity"], f"ends at {way['hops'][-1]}"),))
        drawn.lines.append(Line(start, key, "ends here", True))


def outline(drawn: Picture) -> dict[str, list[str]]:
    """The same in words: of each kind of thing, a sentence for each."""
    peers: dict[Key, list[str]] = defaultdict(list)
    for line in drawn.lines:
        peers[line.end].append(f"{'not connected to' if line.cut else 'on'} {drawn.boxes[line.start].name}")
    found: dict[str, list[str]] = {title: [] for title in KINDS.values()}
    for key, box in drawn.boxes.items():
        owner = f"{key[1]} " if box.kind == "nic" else ""
        found[KINDS[box.kind]].append(f"{owner}{box.name}: {', '.join([*box.text, *peers[key]])}")
    return {title: sentences for title, sentences in found.items() if sentences}


def dot(name: str, drawn: Picture) -> str:
    """The same as a graph for Graphviz."""
    names = {key: f"n{number}" for number, key in enumerate(drawn.boxes)}
    columns = (
        "; ".join(names[key] for key in drawn.boxes if key[0] == kind) for kind in ("device", "bridge", "network")
    )
    ranks = [f"{{rank=same; {column}}}" for column in columns if column]
    return "\n".join(
        [f'digraph "{_escaped(name)}" {{', HEAD, *_nodes(drawn, names), *ranks, *_edges(drawn, names), "}\n"]
    )


def _nodes(drawn: Picture, names: Mapping[Key, str]) -> Iterator[str]:
    for key, box in drawn.boxes.items():
        look = f'label={_label(box)}, class="{box.kind} {box.state}", color={COLOURS[box.state]}'
        nics = [names[nic] for nic in drawn.boxes if nic[:2] == ("nic", key[1])] if box.kind == "guest" else []
        if nics:
            yield f"subgraph cluster_{names[key]} {{\ngraph [style=rounded, margin=6, {look}]"
            yield "\n".join(nics)
            yield "}"
        else:
            yield f'{names[key]} [{look}, style="rounded,{"dashed" if box.off else "solid"}"]'


def _edges(drawn: Picture, names: Mapping[Key, str]) -> Iterator[str]:
    for line in drawn.lines:
        look = f'label="{_escaped(line.text)}", style={"dashed" if line.cut else "solid"}'
        yield f"{names[line.start]} -> {names[line.end]} [{look}]"


def _label(box: Box) -> str:
    lines = box.text
    lines = lines if len(lines) <= LINES else [*lines[: LINES - 1], f"… {len(lines) - LINES + 1} more"]
    return '"' + r"\n".join(_escaped(line) for line in (box.name, *lines)) + '"'


def _escaped(text: str) -> str:
    """A text in which Graphviz finds neither its own escapes nor entities."""
    text = printable(text)
    text = text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
