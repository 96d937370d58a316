"""How the lab's machines are reached by real SSH, and the inventory that says so.

A hypervisor needs no port and no network: an sshd serves one connection on its stdin and stdout, run in the machine's
namespaces by ssh's ProxyCommand. To a full machine the connection goes over the network, from its outside.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from .full import Full
from .hypervisor import AUDITOR, Hypervisor
from .machine import Machine

SSHD_CONFIG = """\
HostKey /run/lab/host_key
AuthorizedKeysFile /run/lab/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
"""
SSH_CONFIG_HEAD = """\
Host *
  IdentityFile {folder}/key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  HostKeyAlias lab
  StrictHostKeyChecking yes
  LogLevel ERROR
"""
SSH_CONFIG_HOST = """
Host {alias}
  User {user}
  ProxyCommand {proxy}
"""
INVENTORY_HEAD = """\
---
# Made by tests/lab; it goes with the lab.
all:
  vars:
    ansible_connection: ssh
    ansible_ssh_common_args: -F {folder}/ssh_config
    ansible_control_path_dir: {folder}/control
    ansible_pipelining: true
    ansible_python_interpreter: /usr/bin/python3
  children:
"""


def make_keys(folder: Path) -> None:
    """Make the lab's key pair and the host key that all its machines share, in the lab's folder."""
    for name in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", folder / name], check=True)
    (folder / "known_hosts").write_text(f"lab {(folder / 'host_key.pub').read_text()}")
    (folder / "control").mkdir()


def admit(folder: Path, machine: Machine) -> None:
    """Let the lab's key into a machine, as root and as the auditor."""
    inside = machine.home / "run/lab"
    (inside / "sshd_config").write_text(SSHD_CONFIG)
    (inside / "authorized_keys").write_text((folder / "key.pub").read_text())
    (inside / "host_key").touch(mode=0o600)
    (inside / "host_key").write_text((folder / "host_key").read_text())


def write_access(folder: Path, hypervisors: Iterable[Hypervisor], machines: Iterable[Full]) -> None:
    """Write the lab's `ssh_config` and `inventory.yml` for the hypervisors and the full machines that run."""
    config = SSH_CONFIG_HEAD.format(folder=folder)
    root_hosts, auditor_hosts, routers, machine_hosts = "", "", "", ""
    for hypervisor in hypervisors:
        world, audit_name = hypervisor.world, f"{hypervisor.name}_audit"
        for machine, alias, user in (
            (hypervisor, hypervisor.name, "root"),
            (hypervisor, audit_name, AUDITOR),
            (world, world.name, "root"),
        ):
            proxy = " ".join(machine.process.enter("/usr/sbin/sshd", "-i", "-f", "/run/lab/sshd_config"))
            config += SSH_CONFIG_HOST.format(alias=alias, user=user, proxy=proxy)
        root_hosts += f"        {hypervisor.name}:\n          lab_uri: {hypervisor.uri}\n"
        auditor_hosts += f"        {audit_name}:\n          lab_uri: {hypervisor.uri_ro}\n"
        routers += f"        {world.name}:\n"
    for full in machines:
        proxy = " ".join(full.outside.process.enter_net("busybox", "nc", full.ADDRESS, "22"))
        config += SSH_CONFIG_HOST.format(alias=full.name, user="root", proxy=proxy)
        machine_hosts += f"        {full.name}:\n"
    (folder / "ssh_config").write_text(config)
    groups = {"hypervisors": root_hosts, "auditors": auditor_hosts, "routers": routers, "machines": machine_hosts}
    text = "".join(f"    {group}:\n      hosts:\n{hosts}" for group, hosts in groups.items())
    (folder / "inventory.yml").write_text(INVENTORY_HEAD.format(folder=folder) + text)
