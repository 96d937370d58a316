"""A guest that boots: a domain under software emulation whose only user space is guest_init.sh."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from .kernel import kernel, write_initramfs
from .machine import CommandError

if TYPE_CHECKING:
    from .hypervisor import Hypervisor

BOOT_SECONDS = 60
FREE_PORTS = 4  # PCI ports left for NICs that are plugged in later
DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/run/lab/vmlinuz{kind}</kernel>
    <initrd>/run/lab/initramfs{kind}</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 cryptomgr.notests LAB_NAME={name}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='pci' model='pcie-root'/>
{ports}
{nics}
{channel}
    <serial type='file'><source path='/run/lab/{name}.console'/><target port='0'/></serial>
    <serial type='unix'><source mode='bind' path='/run/lab/{name}.sock'/><target port='1'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""
PORT = "    <controller type='pci' model='pcie-root-port'/>"
CHANNEL = "    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
NIC = """\
    <interface type='network'>
      <mac address={mac}/><source network={network}/><model type='virtio'/><rom enabled='no'/>
    </interface>"""

AGENT = "-agent"  # what the files of a guest with an agent have behind their names


def definition(name: str, nics: str, number: int, agent: bool = False) -> str:
    """Return the XML of a guest with so many NICs, which `nics` has."""
    ports, channel = "\n".join([PORT] * (number + FREE_PORTS)), CHANNEL * agent
    return DOMAIN.format(name=name, kind=AGENT * agent, ports=ports, nics=nics, channel=channel)


class Guest:
    """A running guest of a hypervisor, with a NIC in each of some networks; it takes a lease on every NIC it has.

    Its kernel and user space need no disk; its console says `READY` after about three seconds, then for each lease
    `NIC eth0 52:54:00:... ADDRESS 192.168.50.7/24`.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        name: str,
        networks: Sequence[str],
        macs: Sequence[str] | None = None,
        agent: bool = False,
    ) -> None:
        """Define and start the domain `name`, on request with QEMU's guest agent.

        Raises CommandError with libvirt's text when it does not start.
        """
        self.name = name
        self._agent, self._kind = agent, AGENT * agent
        self.macs = list(macs) if macs else [_mac(name, number) for number, _network in enumerate(networks)]
        self._hypervisor = hypervisor
        self._folder = hypervisor.home / "run/lab"
        self._install()
        nics = [NIC.format(mac=quoteattr(mac), network=quoteattr(net)) for mac, net in zip(self.macs, networks)]
        (self._folder / f"{name}.xml").write_text(definition(name, "\n".join(nics), len(nics), agent))
        hypervisor.virsh("define", f"/run/lab/{name}.xml")
        hypervisor.virsh("start", name)

    def console(self) -> str:
        """Return what the guest has written to its console so far."""
        return (self._folder / f"{self.name}.console").read_text(errors="replace")

    def wait_for(self, text: str, timeout: float = BOOT_SECONDS) -> str:
        """Wait until the console holds a text and return the console; TimeoutError with it after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while text not in self.console():
            if time.monotonic() > deadline:
                raise TimeoutError(f"guest {self.name} does not say {text!r}:\n{self.console()}")
            time.sleep(0.1)
        return self.console()

    def run(self, command: str, *, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run one line of shell in the guest and return it; its stderr is in its stdout.

        Raises CommandError when it fails and `check` is set, TimeoutError after `timeout` seconds without a word.
        """
        self.wait_for("READY")
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout)
            line.connect(str(self._folder / f"{self.name}.sock"))
            line.sendall(f"{command}\n".encode())
            answer = b""
            while not (answer.endswith(b"\n") and answer[:-1].rpartition(b"\n")[2].startswith(b"@@")):
                answer += line.recv(65536)
        output, _mark, status = answer.decode(errors="replace").rpartition("\n@@")
        if check and int(status):
            raise CommandError(int(status), command, output, "")
        return subprocess.CompletedProcess(command, int(status), output, "")

    def stop(self) -> None:
        """End the guest and take its definition away, whichever of the two is still there."""
        for verb in ("destroy", "undefine"):
            self._hypervisor.run(["virsh", "--connect", "qemu:///system", verb, self.name], check=False)

    def _install(self) -> None:
        """Put the kernel and the initramfs where the hypervisor sees them; its first guest does it."""
        if not (self._folder / f"vmlinuz{self._kind}").exists():
            write_initramfs(self._folder / f"initramfs{self._kind}", self._agent)
            shutil.copy(kernel(self._agent) / "vmlinuz", self._folder / f"vmlinuz{self._kind}")


def _mac(guest: str, number: int) -> str:
    digest = hashlib.sha256(f"{guest} {number}".encode()).hexdigest()
    return f"52:54:00:{digest[:2]}:{digest[2:4]}:{digest[4:6]}"
