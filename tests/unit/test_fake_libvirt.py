"""The fake against libvirt's own test driver, which shares the parser, the formatter and the updates with the real one."""

from __future__ import annotations

import libvirt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._live import split
from tests.unit.case_files import load, sorted_xml
from tests.unit.fake_libvirt.base import RefusedError, read, write
from tests.unit.fake_libvirt.definition import accepted
from tests.unit.fake_libvirt.update import update
from tests.unit.specs import options
from tests.unit.valid_specs import networks


@pytest.fixture(scope="module")
def driver():
    """libvirt's test driver, without the network that it begins with."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    conn = libvirt.open("test:///default")
    for network in conn.listAllNetworks():
        network.destroy()
        network.undefine()
    yield conn
    conn.close()
