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
        ("unable to connect to server at 'hv1:16514': Connection refused", ""),
        ("internal error: bad", ""),
    ],
)
def test_the_daemon_that_does_not_run_is_named(text, unit):
    told = str(LibvirtError("Cannot list the networks", text, 38))
    said, _code, next_step = told.partition(" (code 38)")
    assert said == f"Cannot list the networks: libvirt says {text!r}"
    assert (
        next_step.startswith(f"; {unit} is not running: start it on the hypervisor with systemctl start {unit}")
        if unit
        else not next_step
    )


@pytest.mark.parametrize(
    "text",
    [
        f"Failed to connect socket to '{RUN}/virtqemud-sock': Permission denied",
        "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
        "authentication failed: access denied by policy",
    ],
)
def test_who_lacks_privileges_learns_what_needs_none(text):
    told = str(LibvirtError("Cannot connect to qemu:///system", text, 38))
    assert told.endswith(
        "(code 38); run the task as root (become: true); check mode, info, check and audit need no privileges"
    )
