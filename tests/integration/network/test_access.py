"""Who may do what from where: an auditor without rights, a task that runs elsewhere, the URI of the environment."""

from __future__ import annotations

from typing import Any

import pytest

from ..plays import Task, info, network
from ..stage import Stage, succeeded

pytestmark = pytest.mark.lab

OPTIONS: dict[str, Any] = {
    "name": "audited",
    "forward": {"mode": "nat"},
    "bridge": {"name": "vf-audit"},
    "ips": [{"address": "192.168.95.1/24", "dhcp": {"ranges": [{"start": "192.168.95.9", "end": "192.168.95.99"}]}}],
}
CHANGE: dict[str, Any] = {"name": "audited", "mtu": {"size": 1400}, "dns": {"txts": [{"name": "a", "value": "b"}]}}


def auditor(stage: Stage) -> str:
    return f"{stage.host.name}_audit"


def from_here(stage: Stage, task: Task) -> Task:
    """Return a task that runs on this machine and reaches the hypervisor through its socket."""
    (module,) = (key for key in task if key.startswith("virtfleet."))
    python = {"ansible_python_interpreter": "/usr/bin/python3"}
    return {**task, module: {**task[module], "uri": stage.host.uri}, "delegate_to": "localhost", "vars": python}


def test_auditor_sees_what_would_be_done(stage: Stage) -> None:
    for options in (OPTIONS, CHANGE, {"name": "audited", "state": "absent"}):
        (audit,) = stage.play(network(check=True, **options), host=auditor(stage))
        dry_run, real = stage.play(network(check=True, **options), network(**options))
        assert audit["changed"]
        assert audit["plan"] == dry_run["plan"] == real["plan"]
        assert audit["diff"] == dry_run["diff"] == real["diff"]
        assert audit["unchecked"] == dry_run["unchecked"] == []
        (audit,) = stage.play(network(check=True, **options), host=auditor(stage))
        assert not succeeded(audit)["changed"]


def test_auditor_changes_nothing(stage: Stage) -> None:
    before = stage.look()
    (refused,) = stage.play(network(**OPTIONS), host=auditor(stage))
    assert refused["failed"]
    assert refused["msg"].startswith("Cannot ")
    assert len(refused["msg"].splitlines()) == 1
    assert any(word in refused["msg"] for word in ("Permission denied", "access denied", "read-only")), refused["msg"]
    assert "run the task as root (become: true); check mode, info" in refused["msg"]
    assert refused["look"] == before


def test_auditor_reads(stage: Stage) -> None:
    stage.network(**OPTIONS)
    (told,) = stage.play(info(), host=auditor(stage))
    assert succeeded(told)["networks"] == stage.info()


def test_task_may_run_elsewhere(stage: Stage) -> None:
    remote = from_here(stage, network(**OPTIONS))
    dry_run, real, again, told = stage.play(
        {**remote, "check_mode": True}, remote, remote, from_here(stage, info("audited"))
    )
    assert [one["changed"] for one in (dry_run, real, again)] == [True, True, False]
    assert (dry_run["plan"], dry_run["diff"]) == (real["plan"], real["diff"])
    for one in (dry_run, real):
        assert ["the hypervisor's own addresses, bridges and interfaces" in text for text in one["unchecked"]] == [
            True,
            False,
        ]
    assert stage.addresses("vf-audit") == {"192.168.95.1/24"}
    assert told["networks"] == stage.info()


def test_uri_comes_from_the_environment(stage: Stage) -> None:
    nobody = "qemu+unix:///system?socket=/run/nobody"
    told, chosen = stage.play(
        {**info("default"), "environment": {"LIBVIRT_DEFAULT_URI": nobody}},
        {
            "virtfleet.network.virt_network_info": {"uri": "qemu:///system"},
            "environment": {"LIBVIRT_DEFAULT_URI": nobody},
        },
    )
    assert told["msg"].startswith(f"Cannot connect to {nobody}: libvirt says")
    assert chosen["networks"] == []


def test_unreachable_libvirt_is_one_sentence(stage: Stage) -> None:
    uri = "qemu+unix:///system?socket=/run/nobody"
    (result,) = stage.play({"virtfleet.network.virt_network": {"name": "any", "uri": uri}})
    assert result["msg"].startswith(f"Cannot connect to {uri}: libvirt says")
    assert len(result["msg"].splitlines()) == 1
