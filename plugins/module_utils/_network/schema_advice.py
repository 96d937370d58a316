# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objections of libvirt's schema are worth: it is stricter than libvirt, and libvirt's parser decides."""

from __future__ import annotations

from typing import NamedTuple

from .._errors.errors import LibvirtError
from .._schema.network import NETWORK
from .._values.host import Host
from .._xml.codec import LARGEST
from .._xml.definition import Definition
from .._xml.diff import unmodelled

UNCHECKED_SCHEMA = "the definition was not checked against the hypervisor's libvirt schema, which is not here"
UNCHECKED_PARSER = "whether libvirt keeps the definition was not checked: its schema does not take it"


class Advice(NamedTuple):
    """What forbids a definition, what a user should know of it, and what was not checked."""

    problems: list[str]
    warnings: list[str]
    unchecked: list[str]


def advice(host: Host, wanted: Definition, saved: Definition) -> Advice:
    """What schema and parser say of a definition, unless the schema says it of the persistent one, too."""
    size = len(wanted.text.encode("utf-8", "replace"))
    if size > LARGEST:
        return Advice([f"the definition has {size} bytes, of which libvirt takes {LARGEST}"], [], [])
    errors = host.schema_errors(wanted)
    if errors is None:
        return Advice([], [], [UNCHECKED_SCHEMA])
    if not errors or (saved and host.schema_errors(saved)):
        return Advice([], [], [])
    try:
        kept = host.parsed(wanted)
    except LibvirtError as error:
        return Advice([str(error)], [], [])
    if kept is None:
        return Advice([], [], [f"{UNCHECKED_PARSER} ({'; '.join(errors)})"])
    lost = unmodelled(wanted.tree, NETWORK)
    if lost and unmodelled(kept.tree, NETWORK) != lost:
        return Advice([f"libvirt does not know, and would drop, a part of the definition: {lost}"], [], [])
    sentence = f"libvirt takes the definition, although its schema does not ({'; '.join(errors)})"
    return Advice([], [f"{sentence}: virsh net-edit and virsh net-define --validate object to it"], [])
