"""The faults that are planted under a healthy hypervisor with guests, hop by hop."""

from __future__ import annotations

from .bridges import BRIDGES, SERVICES
from .firewalls import FAMILIES, WAYS
from .links import LINKS, PORTS
from .routes import ROUTES, UPLINKS
from .tools import LIBVIRT, TOOLS

KINDS = {
    f"{hop}: {name}": kind
    for hop, kinds in {
        "link": LINKS,
        "port": PORTS,
        "bridge": BRIDGES,
        "service": SERVICES,
        "route": ROUTES,
        "uplink": UPLINKS,
        "family": FAMILIES,
        "rule": WAYS,
        "iptables": TOOLS,
        "libvirt": LIBVIRT,
    }.items()
    for name, kind in kinds.items()
}
