"""libvirt's other back end for the firewall, which it has since 10.4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .stage import Stage

NFTABLES = """\
echo 'firewall_backend = "nftables"' >/etc/libvirt/network.conf
mv /usr/sbin/tc /usr/sbin/tc.real # libvirt may know its path
cat >/usr/sbin/tc <<'END'
#!/bin/sh
# libvirt wants checksums for its guests' DHCP with it, and the kernel may lack that action
case "$*" in *"action csum"*) ;; *) exec /usr/sbin/tc.real "$@" ;; esac
END
chmod +x /usr/sbin/tc
"""


@contextmanager
def nftables_backend(stage: Stage) -> Iterator[Stage]:
    """A `with` in which the hypervisor's libvirt has its other back end for the firewall."""
    if stage.version < (10, 4):
        pytest.skip(f"libvirt {stage.version[0]}.{stage.version[1]} has no back end for nftables")
    stage.host.run(["sh", "-e"], input=NFTABLES)
    stage.host.restart_libvirtd()
    yield stage
    stage.host.run(["rm", "/etc/libvirt/network.conf"])
    stage.host.run(["mv", "/usr/sbin/tc.real", "/usr/sbin/tc"])
    stage.host.restart_libvirtd()
