"""What shapes taps in the kernel, around a change that libvirt gives up half way."""

from __future__ import annotations

import json
import subprocess

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    ApplyError,
    LibvirtError,
    NetworkError,
    UnreachableError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import shaping as _shaping

INGRESS = {"kind": "ingress", "handle": "ffff:", "parent": "ffff:fff1"}
REFUSED = LibvirtError("Cannot change a NIC", "tc failed", 1)


def half_way(kernel, error, queues, rates=""):
    """A change that makes these queues of a tap and then fails."""
    with _shaping.kept(["vnet0"]):
        kernel.queues, kernel.rates = list(queues), rates
        raise error


def root(kind, handle="1:"):
    return {"kind": kind, "handle": handle, "root": True}


class Kernel:
    """A tap with queues, and tc's answers for it."""

    def __init__(self, *queues, rates="", fixed=False):
        self.queues, self.rates, self.fixed = list(queues), rates, fixed

    def run(self, command, **_more):
        words, text = command[1:], ""
        if "qdisc" in words and "show" in words:
            text = json.dumps(self.queues)
        elif "class" in words:
            text = self.rates
        elif not self.fixed and words[-1] == "ingress" and "delete" in words:
            self.queues.remove(INGRESS)
        elif not self.fixed and "root" in words:
            there = "noqueue" if "replace" in words else "pfifo_fast"
            self.queues = [root(there, "8001:"), *(one for one in self.queues if not one.get("root"))]
            self.rates = ""
        return subprocess.CompletedProcess(command, 0, text, "")


@pytest.mark.parametrize(
    "before, after",
    [
        ([root("noqueue")], [root("htb")]),
        ([root("noqueue")], [root("pfifo_fast"), INGRESS]),
        ([root("pfifo_fast", "0:")], [root("htb"), INGRESS]),
        ([root("noqueue"), INGRESS], [root("noqueue"), INGRESS]),
    ],
)
def test_what_a_refused_change_has_left_goes(monkeypatch, before, after):
    kernel = Kernel(*before)
    monkeypatch.setattr(_shaping._command, "run", kernel.run)
    with pytest.raises(LibvirtError):
        half_way(kernel, REFUSED, after, "class htb 1:1" if root("htb") in after else "")
    assert [one["kind"] for one in kernel.queues] == [one["kind"] for one in before]
    assert kernel.rates == ""


@pytest.mark.parametrize(
    "kernel", [Kernel(root("htb"), rates="rate 800Kbit"), Kernel(root("noqueue"), fixed=True)], ids=["rates", "fixed"]
)
def test_what_cannot_be_put_back_is_told(monkeypatch, kernel):
    monkeypatch.setattr(_shaping._command, "run", kernel.run)
    with pytest.raises(ApplyError, match=r"tc failed.*; the traffic of vnet0 is shaped otherwise than before"):
        half_way(kernel, REFUSED, [root("htb"), INGRESS], "rate 900Kbit")


def test_what_libvirt_may_still_do_is_left_alone(monkeypatch):
    kernel = Kernel(root("noqueue"))
    monkeypatch.setattr(_shaping._command, "run", kernel.run)
    with pytest.raises(UnreachableError):
        half_way(kernel, UnreachableError("it is silent"), [root("htb")])
    assert kernel.queues == [root("htb")]


def test_without_tc_the_error_stays_as_it_is(monkeypatch):
    def missing(*_words, **_more):
        raise FileNotFoundError("tc")

    monkeypatch.setattr(_shaping._command, "run", missing)
    with pytest.raises(NetworkError) as caught:
        half_way(Kernel(), REFUSED, [])
    assert caught.value is REFUSED
