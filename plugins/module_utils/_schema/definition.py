# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definitions of networks."""

from __future__ import annotations

import functools

from .._xml.codec import Element, read_xml
from .._xml.definition import Definition
from .network import NETWORK


class NetworkDefinition(Definition):
    """A <network>."""

    rows = NETWORK


class LiveNetwork(NetworkDefinition):
    """The <network> that runs, without the devices that libvirt lists below the <pf> they were derived from."""

    @functools.cached_property
    def tree(self) -> Element:
        """The root element."""
        root = read_xml(self.text)
        forward = root.find("forward[pf]")
        for child in () if forward is None else (*forward.findall("interface"), *forward.findall("address")):
            forward.remove(child)
        return root
