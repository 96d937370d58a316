# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of interfaces, a line each: what the source of one holds, and which options only some of them have.

Read in libvirt 9.0 (virDomainNetDefParseXML, virDomainNetDefValidate), later relaxations as noted.
"""

from __future__ import annotations

from typing import NamedTuple


class InterfaceType(NamedTuple):
    """Words, with a space between two: what the source ``needs`` (with | where one of them will do), what it ``may``
    have besides, the ``options`` that not every type has, the ``modes`` of its source. Before the version ``until`` the
    source has to have what it ``needed``, too."""

    needs: str = ""
    may: str = ""
    options: str = ""
    modes: str = ""
    needed: str = ""
    until: str = "0.0.0"


_VDS_PORT = "portid portgroupid connectionid"
TYPES = {
    "network": InterfaceType("network", "portgroup", "virtualport filterref port"),
    "bridge": InterfaceType("bridge", "", "virtualport filterref port"),
    "direct": InterfaceType("dev", "mode", "virtualport", "vepa bridge private passthrough"),
    "ethernet": InterfaceType("", "ips routes", "filterref"),
    "user": InterfaceType("", "dev", "port_forwards"),
    "hostdev": InterfaceType("address|vendor", "product", "managed virtualport"),
    "vhostuser": InterfaceType("path", "mode type reconnect", "port_forwards", "client server", "mode", "11.1.0"),
    "vdpa": InterfaceType("dev"),
    "null": InterfaceType(),
    "vds": InterfaceType("switchid", _VDS_PORT, needed=_VDS_PORT, until="10.6.0"),
    "internal": InterfaceType("name"),
    "mcast": InterfaceType("socket_address port"),
    "server": InterfaceType("port", "socket_address"),
    "client": InterfaceType("socket_address port"),
    "udp": InterfaceType("socket_address port local"),
}
# Options that not every type has, and the types that have them: libvirt drops or refuses them for all others.
ONLY_FOR = {
    option: [kind for kind, one in TYPES.items() if option in one.options.split()]
    for option in ("managed", "virtualport", "filterref", "port", "port_forwards")
}
