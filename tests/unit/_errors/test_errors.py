"""Errors say what to do next."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError

RUN = "/var/run/libvirt"


@pytest.mark.parametrize(
    "text,unit",
    [
        (f"Failed to connect socket to '{RUN}/libvirt-sock-ro': Connection refused", "libvirtd"),
        (f"Failed to connect socket to '{RUN}/virtnetworkd-sock': Connection refused", "virtnetworkd"),
        (f"Failed to connect socket to '{RUN}/virtqemud-sock-ro': No such file or directory", "virtqemud"),
        (f"Failed to connect socket to '{RUN}/virtqemud-sock': Permission denied", ""),
        ("unable to connect to server at 'hv1:16514': Connection refused", ""),
        ("internal error: bad", ""),
    ],
)
def test_the_daemon_that_does_not_run_is_named(text, unit):
    told = str(LibvirtError("Cannot list the networks", text, 38))
    said, _, next_step = told.partition(" (code 38)")
    assert said == f"Cannot list the networks: libvirt says {text!r}"
    assert next_step.startswith(f"; {unit} does not run: systemctl start {unit}.socket") if unit else not next_step
