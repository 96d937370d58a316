"""Whatever network is accepted, dnsmasq's files have the lines that it means, and dnsmasq reads them so.

Networks go through the module's own code to a real libvirtd; its files are read in the hypervisor.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway
from ansible_collections.virtfleet.network.plugins.module_utils._network import dnsmasq as _dnsmasq
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import normalise
from tests import deep
from tests.unit.jobs import converge

from ..hostile_values import Inventor, Spec, configuration, merged, names, reservations
from ..stage import Stage

pytestmark = [pytest.mark.lab, pytest.mark.deep]

NAME, GATEWAY, BRIDGE = "hostile", "10.77.0.1", "vf-hostile"
FOLDER = "/var/lib/libvirt/dnsmasq"
BASE = {"name": NAME, "bridge": {"name": BRIDGE}, "ips": [{"address": GATEWAY, "prefix": 24, "dhcp": {}}]}
# What libvirt writes by itself.
FIXED = re.compile(
    r"##.*|strict-order|no-resolv|dhcp-option=3|ra-param=\*,0,0|except-interface=lo|bind-dynamic|dhcp-no-override|"
    r"dhcp-authoritative|expand-hosts|enable-tftp|interface=vf-hostile|dhcp-range=10\.77\.0\.1,static|"
    rf"pid-file=(/var)?/run/libvirt/network/{NAME}\.pid|(dhcp-hostsfile|addn-hosts)={FOLDER}/{NAME}\.(addn)?hosts(file)?"
)
# Runs in the hypervisor: prints its files, asks dnsmasq for each TXT record, and has dnsmasq test the reservations.
LOOK = """\
import json, pathlib, socket, struct, subprocess, sys
given = json.load(sys.stdin)
read = lambda end: pathlib.Path(given["folder"], given["name"] + end).read_bytes().decode("utf-8", "backslashreplace")
found = {end: read(end) for end in (".conf", ".hostsfile", ".addnhosts")}
tested = "".join(f"dhcp-host={line}\\n" for line in found[".hostsfile"].splitlines())
test = ["dnsmasq", "--test", "--conf-file=-"]
found["tested"] = subprocess.run(test, input=tested.encode(), capture_output=True).returncode
def strings(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.settimeout(20)
        server.connect((given["server"], 53))
        question = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack("!2H", 16, 1)
        server.sendall(struct.pack("!H", len(question)) + question)
        file = server.makefile("rb")
        answer = file.read(*struct.unpack("!H", file.read(2)))
    start = len(question) + 12
    data, texts = answer[start : start + struct.unpack("!H", answer[start - 2 : start])[0]], []
    while data:
        texts.append(data[1 : data[0] + 1].decode("utf-8", "surrogateescape"))
        data = data[data[0] + 1 :]
    return texts
found["served"] = {name: strings(name) for name in given["names"]}
json.dump(found, sys.stdout)
"""


def desired(options: Spec) -> Desired:
    """Return the network that options ask for, and what is wrong with their values."""
    spec, problems = normalise(NETWORK, options)
    return Desired(NAME, spec=spec, problems=tuple(problems), autostart=False)


def acceptable(options: Spec, gateway: Gateway) -> bool:
    """Return whether a network would be accepted."""
    try:
        converge(gateway, [desired(options)], Policy(), True, 10)
    except InvalidNetworkError:
        return False
    return True


def look(stage: Stage, spec: Spec) -> dict[str, Any]:
    """Return everything that the hypervisor has of a network."""
    given = {
        "folder": FOLDER,
        "name": NAME,
        "server": GATEWAY,
        "names": [one["name"] for one in spec.get("dns", {}).get("txts", [])],
    }
    found: dict[str, Any] = json.loads(stage.host.run(["python3", "-c", LOOK], input=json.dumps(given)).stdout)
    return found


def with_folder(stage: Stage, options: Spec) -> Spec:
    """Return the options with a folder for tftp, as dnsmasq reads its name, or without one that cannot be made."""
    (ip,) = options["ips"]
    line = _dnsmasq.read(f"tftp-root={ip['tftp']['root']}") if "tftp" in ip else None
    if line is None:
        return options
    root = "".join(character for character, _hidden in line).partition("=")[2]
    if stage.host.run(["mkdir", "-p", root], check=False).returncode == 0:
        return options
    return {**options, "ips": [{name: value for name, value in ip.items() if name != "tftp"}]}


def lines(text: str) -> list[str]:
    assert text == "" or text.endswith("\n")
    return sorted(text.split("\n")[:-1])


def strings(value: str) -> list[str]:
    """Return what is served for a value: its texts, in pieces of 255 bytes."""
    found = []
    for text in _dnsmasq.served(value) or []:
        octets = text.encode()
        pieces = [octets[place : place + 255] for place in range(0, len(octets), 255)] or [b""]
        found += [piece.decode("utf-8", "surrogateescape") for piece in pieces]
    return found


def assert_as_meant(stage: Stage, spec: Spec) -> None:
    found = look(stage, spec)
    written = [line for line in lines(found[".conf"]) if not FIXED.fullmatch(line)]
    assert written == sorted(configuration(spec))
    known = [line for line in _dnsmasq.lines(spec) if line.path.startswith(("dns.f", "dns.t", "dnsmasq", "ips[0].t"))]
    assert {line.text for line in known} <= {*written}
    assert max(len(line.encode()) for line in lines(found[".conf"])) <= _dnsmasq.LONGEST
    assert lines(found[".hostsfile"]) == sorted(reservations(spec))
    assert found["tested"] == 0
    assert lines(found[".addnhosts"]) == sorted(names(spec))
    assert found["served"] == {one["name"]: strings(one["value"]) for one in spec.get("dns", {}).get("txts", [])}


@pytest.mark.parametrize("seed", [deep.SEED + number for number in range(deep.amount(6, 120))])
def test_accepted_values_are_written_and_served_as_they_are_meant(stage: Stage, seed: int) -> None:
    gateway = Gateway(stage.host.uri, readonly=False)
    try:
        pieces = list(Inventor(seed).pieces())
        options: Spec = BASE
        for piece in pieces:
            candidate = merged(options, piece)
            options = candidate if acceptable(candidate, gateway) else options
        options = with_folder(stage, options)
        converge(gateway, [desired(options)], Policy(), False, 10)
    finally:
        gateway.close()
    assert options != BASE
    assert_as_meant(stage, desired(options).spec)  # type: ignore[arg-type]
