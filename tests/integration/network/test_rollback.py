"""What fails half-way is rolled back, and the error says so; what somebody else made is taken over as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..plays import network
from ..stage import Stage

pytestmark = pytest.mark.lab

OPTIONS: dict[str, Any] = {"name": "fickle", "bridge": {"name": "vf-fickle"}, "ips": [{"address": "192.168.85.1/24"}]}
# dnsmasq finds out when it runs: what it reads is well-formed, so check mode promises it.
REFUSED_BY_DNSMASQ = {"dnsmasq_options": ["enable-tftp", "tftp-root=/nowhere"]}
FOREIGN = """\
<network ipv6='yes'>
  <name>foreign</name>
  <metadata>
    <o:owner xmlns:o='https://example.org/owner'><o:team>blue  <o:b>team</o:b></o:team></o:owner>
  </metadata>
  <forward mode='nat'><nat><port start='2000' end='3000'/></nat></forward>
  <bridge name='vf-foreign' stp='off' delay='2'/>
  <mac address='52:54:00:85:00:01'/>
  <ip address='192.168.86.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.86.100' end='192.168.86.200'/>
      <host mac='52:54:00:86:00:01' ip='192.168.86.11'/>
    </dhcp>
  </ip>
</network>
"""


# A DHCP server of the host's own: dnsmasq cannot start beside it.
OTHER_SERVER = """\
import socket, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 67))
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def busy(stage: Stage) -> Iterator[Stage]:
    with stage.host.background(["python3", "-c", OTHER_SERVER]) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield stage


def test_port_of_another_server_is_seen_before_the_start(busy: Stage) -> None:
    before = busy.look()
    dhcp = {"ranges": [{"start": "192.168.85.100", "end": "192.168.85.200"}]}
    options = {**OPTIONS, "ips": [{"address": "192.168.85.1/24", "dhcp": dhcp}]}
    dry_run, result = busy.play(network(check=True, **options), network(**options))
    assert "another program of the hypervisor has udp port 67 at 0.0.0.0" in dry_run["msg"]
    assert (dry_run["failed"], result["failed"], result["msg"]) == (True, True, dry_run["msg"])
    assert result["look"] == before
    assert busy.network(**OPTIONS)["changed"]


def test_network_that_does_not_start_is_removed_again(stage: Stage) -> None:
    before = stage.look()
    dry_run, result = stage.play(*(network(check=check, **OPTIONS, **REFUSED_BY_DNSMASQ) for check in (True, False)))
    assert dry_run["changed"]
    assert result["failed"]
    assert "Cannot start network 'fickle': libvirt says" in result["msg"]
    assert result["msg"].endswith("network 'fickle' was removed again")
    assert without_traces(result["look"]) == without_traces(before)


def test_change_that_does_not_start_is_put_back(stage: Stage) -> None:
    stage.network(**OPTIONS, autostart=False)
    before, saved, live = stage.look(), stage.xml("fickle"), stage.xml("fickle", saved=False)
    (result,) = stage.play(network(name="fickle", mtu={"size": 1400}, **REFUSED_BY_DNSMASQ))
    assert result["failed"]
    assert "Cannot start network 'fickle': libvirt says" in result["msg"]
    assert result["msg"].endswith("network 'fickle' was rolled back")
    assert (stage.xml("fickle"), stage.xml("fickle", saved=False)) == (saved, live)
    assert "Autostart:      no" in before
    assert stage.autostarted() == set()
    assert stage.active() == {"fickle"}
    assert stage.addresses("vf-fickle") == {"192.168.85.1/24"}
    assert not stage.network(name="fickle", autostart=False)["changed"]


def test_inactive_network_that_does_not_start_is_put_back(stage: Stage) -> None:
    stage.network(**OPTIONS, active=False, autostart=False)
    before = stage.look()
    (result,) = stage.play(network(name="fickle", **REFUSED_BY_DNSMASQ))
    assert result["failed"]
    assert result["msg"].endswith("network 'fickle' was rolled back")
    assert without_traces(result["look"]) == without_traces(before)


def test_running_network_whose_saved_definition_is_broken(stage: Stage) -> None:
    """The restart for another change cannot work either; what runs must go on running."""
    stage.network(**OPTIONS)
    stage.network(name="fickle", restart="never", **REFUSED_BY_DNSMASQ)
    (result,) = stage.play(network(name="fickle", mtu={"size": 1400}))
    assert result["failed"]
    assert result["msg"].endswith("network 'fickle' was rolled back")
    assert stage.active() == {"fickle"}
    assert "/nowhere" in stage.xml("fickle")
    assert "/nowhere" not in stage.xml("fickle", saved=False)


def without_traces(look: str) -> list[str]:
    """Return a look without the files that libvirt itself leaves of a network that once tried to start."""
    return [line for line in look.splitlines() if not line.startswith(("var/lib/libvirt/dnsmasq", "run/libvirt/"))]


def test_transient_network_is_taken_over(stage: Stage) -> None:
    (stage.host.home / "run/lab/transient.xml").write_text(FOREIGN)
    stage.host.virsh("net-create", "/run/lab/transient.xml")
    number, live = stage.ifindex("vf-foreign"), stage.xml("foreign", saved=False)
    dry_run, result, again = stage.play(
        network(check=True, name="foreign"), network(name="foreign"), network(name="foreign")
    )
    assert (dry_run["changed"], result["changed"], again["changed"]) == (True, True, False)
    assert (dry_run["plan"], dry_run["diff"]) == (result["plan"], result["diff"])
    assert stage.autostarted() == {"foreign"}
    assert stage.ifindex("vf-foreign") == number
    assert stage.xml("foreign", saved=False) == live


def test_foreign_network_is_taken_over_as_it_is(stage: Stage) -> None:
    stage.define(FOREIGN, start=True)
    before, number = stage.xml("foreign"), stage.ifindex("vf-foreign")
    unchanged = stage.network(name="foreign", autostart=False)
    assert not unchanged["changed"]
    hosts = [{"mac": "52:54:00:86:00:01", "ip": "192.168.86.12"}]
    changed = stage.network(name="foreign", ips=[{"address": "192.168.86.1/24", "dhcp": {"hosts": hosts}}])
    assert {step["path"] for step in changed["plan"]} == {
        "ips[192.168.86.0/24].dhcp.hosts[52:54:00:86:00:01]",
        "autostart",
    }
    after = stage.xml("foreign")
    assert after == before.replace("ip='192.168.86.11'", "ip='192.168.86.12'")
    assert stage.ifindex("vf-foreign") == number


def test_backup_keeps_what_is_replaced(stage: Stage) -> None:
    stage.define(FOREIGN, start=True)
    before = stage.xml("foreign")
    change = {"name": "foreign", "bridge": {"delay": 0}, "autostart": False, "backup": True}
    dry_run, changed, unchanged = stage.play(network(check=True, **change), network(**change), network(**change))
    assert "backup_file" not in dry_run
    assert "backup_file" not in unchanged
    assert changed["backup_file"].startswith("/var/backups/virtfleet.network/foreign.")
    assert stage.host.run(["cat", changed["backup_file"]]).stdout.strip() == before
    assert stage.host.run(["stat", "-c", "%a", changed["backup_file"]]).stdout.strip() == "600"

    deleted = stage.network(name="foreign", state="absent", backup=True, backup_dir="/root/kept")
    assert "delay='0'" in stage.host.run(["cat", deleted["backup_file"]]).stdout
    assert deleted["backup_file"].startswith("/root/kept/foreign.")

    stage.network(name="foreign", xml=before, autostart=False)
    message = stage.refused(name="foreign", state="absent", backup=True, backup_dir="/proc/nowhere")
    assert "so nothing was changed" in message
    assert stage.networks() == {"foreign"}
