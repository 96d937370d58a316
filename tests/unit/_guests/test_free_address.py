"""The lookup of a free address, on libvirt's test driver."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import PlanError
from ansible_collections.virtfleet.network.plugins.plugin_utils._guests.free_address import Asked, free_address

ANY = Asked(None, None, None, None, "outside")
URI = "test:///default"


def test_it_is_the_lowest_that_is_free() -> None:
    assert free_address(URI, 60, "default", ANY._replace(auto_ranges="inside")) == "192.168.122.2"


@pytest.mark.parametrize(
    "network, asked, problem",
    [
        ("default", ANY, "subnet 192.168.122.0/24 has no free address outside of its DHCP ranges"),
        ("none", ANY, "there is no network 'none'"),
        ("default", ANY._replace(mac="x"), "Cannot look for a free address: mac must be"),
        ("default", ANY._replace(auto_subnet="192.0.2.0/24"), "auto_subnet 192.0.2.0/24 is no subnet of the network"),
        ("default", ANY._replace(id="00:03:00:01:52:54:00:00:00:01"), "the network has no IPv6 subnet"),
    ],
)
def test_why_there_is_none(network: str, asked: Asked, problem: str) -> None:
    with pytest.raises(PlanError, match=problem):
        free_address(URI, 60, network, asked)


def test_a_template_has_it() -> None:
    template = f"{{{{ lookup('virtfleet.network.free_address', 'default', uri='{URI}', auto_ranges='inside') }}}}"
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", "debug", "-a", f'msg="{template}"']
    assert '"192.168.122.2"' in subprocess.run(command, check=True, capture_output=True, text=True).stdout
