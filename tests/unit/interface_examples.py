"""Interfaces of every type, and specs that are read from what is rendered."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._schema.interface import INTERFACES
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse, read_xml
from tests.unit.case_files import load

EXAMPLES = {name: example["spec"] for name, example in load("interfaces").items()}
VIRTIO = {"model": {"type": "virtio"}}
LAN = {"source": {"network": "lan"}}


def read_back(text):
    """The specs of rendered XML."""
    return parse(read_xml(f"<devices>{text}</devices>"), (INTERFACES,)).get("interfaces", [])
