"""The playbooks audit and merge: what becomes of the hypervisors' results, and of earlier and other audits."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from tests.unit import fleets
from tests.unit.test_roles import ROOT, ansible

pytestmark = pytest.mark.plays

DRIFT = {**fleets.ROW, "network": "net0", "state": "differs", "path": "mtu.size", "asked": 1400}


def audit_of(answer: dict[str, Any], folder: Path, *arguments: str, rc: int | tuple[int, ...] = 0, **more: str) -> str:
    """What the playbook audit says of two hosts, whose modules are given this answer."""
    (folder / "library").mkdir(exist_ok=True)
    (folder / "library/answer.py").write_text(f"#!/bin/sh\ncat {folder}/answer.json\n# WANT_JSON\n")
    (folder / "answer.json").write_text(json.dumps(answer))
    text = (ROOT / "playbooks/audit.yml").read_text()
    (folder / "play.yml").write_text(
        re.sub(r"virtfleet\.network\.virt_network_audit:\n( {12}.*\n)+", "answer:\n", text)
    )
    for name in ("tasks", "vars"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(ROOT / "playbooks" / name)
    local = json.dumps({"target": "all", "ansible_connection": "local"})
    return ansible(str(folder / "play.yml"), "-i", "other,", "-e", local, *arguments, rc=rc, **more)


def test_an_audit_is_told_once_with_any_strategy(tmp_path: Path) -> None:
    told = audit_of(fleets.result(), tmp_path, "-v", ANSIBLE_STRATEGY="ansible.builtin.free")
    assert told.count("2 hypervisors: ") == 1
    assert '"audit_found"' not in told


def test_names_are_never_taken_for_templates(tmp_path: Path) -> None:
    """By the playbook audit, and by whatever Ansible runs it."""
    harm = tmp_path / "harm"
    name = "{{ lookup('ansible.builtin.pipe', 'touch " + str(harm) + "') }}{% raw %}"
    answer = {**fleets.result(), "rows": [{**fleets.ROW, "network": name, "state": "unknown"}]}
    answer["findings"] = [{**fleets.FINDING, "network": name, "evidence": name}]
    files = {"audit_dir": str(tmp_path), "audit_report": str(tmp_path / "report.html")}
    told = audit_of(answer, tmp_path, "-e", json.dumps(files))
    assert not harm.exists()
    assert "lookup('ansible.builtin.pipe'" in told
    text = (tmp_path / "audit.json").read_text()
    assert json.loads(text)["hosts"]["localhost"]["findings"][0]["evidence"] == name
    assert text == json.dumps(json.loads(text), indent=4)  # written by any ansible-core
    assert "{{ lookup(&#39;ansible.builtin.pipe&#39;" in (tmp_path / "report.html").read_text()


def test_new_drift_since_an_earlier_audit_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are those of the folder that the command runs in; the audit takes the place of the earlier one."""
    monkeypatch.setenv("PWD", str(tmp_path))
    options = {"audit_dir": ".", "audit_earlier": "audit.json", "audit_fail_on_new_drift": True}
    nightly = ["-e", json.dumps(options)]
    assert "There is no audit.json yet: all drift counts as new" in audit_of(fleets.result(), tmp_path, *nightly)
    drifts = {**fleets.result(), "as_asked": False, "rows": [DRIFT]}
    told = audit_of(drifts, tmp_path, *nightly, rc=2)
    assert ": 2 new, 0 last, 0 gone" in told
    assert "2 of what differs or has failed is new: see the table above" in told
    assert ": 0 new, 2 last, 0 gone" in audit_of(drifts, tmp_path, *nightly)
    (tmp_path / "audit.json").write_text("{")
    told = audit_of(drifts, tmp_path, *nightly, rc=2)
    assert "Cannot put audits together: what is given as a document is none (JSONDecodeError" in told
    assert (tmp_path / "audit.json").read_text() == "{"


def test_audits_of_several_controllers_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", str(tmp_path))
    for number, rows in enumerate(([], [DRIFT])):
        (tmp_path / f"audits/{number}").mkdir(parents=True)
        results = {f"hv{number}": {**fleets.result(), "as_asked": not rows, "rows": rows}}
        document = json.dumps(audit_document(results, "2026-01-05 02:00 UTC"))
        (tmp_path / f"audits/{number}/audit.json").write_text(document)
    files = {"merge_from": ["audits"], "audit_dir": str(tmp_path), "audit_fail_on_drift": True}
    told = ansible("virtfleet.network.merge", "-e", json.dumps(files), rc=2)
    assert "2 hypervisors: 1 as asked, 1 differ, 0 unreachable or failed" in told
    assert [*json.loads((tmp_path / "audit.json").read_text())["hosts"]] == ["hv0", "hv1"]
    (tmp_path / "others").mkdir()
    (tmp_path / "others/package.json").write_text("{}")
    for wrong, why in (
        ({"merge_from": ["audits/2", "nowhere"]}, "there is no JSON file below audits/2, nowhere"),
        ({"merge_from": ["others"]}, "what is given as a document is none (KeyError: 'hosts')"),
        ({**files, "audit_fil": 1}, "audit_fil is not a variable of it"),
    ):
        told = ansible("virtfleet.network.merge", "-e", json.dumps(wrong), rc=2)
        assert f"Cannot put audits together: {why}" in told


@contextmanager
def store(status: int) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of something that takes a PUT, and what it got."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/page.html", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "status,told", [(201, "The report is at {}"), (403, "Cannot put the report at {}: Status code was 403")]
)
def test_a_page_goes_where_nothing_has_to_be_mounted(status: int, told: str, tmp_path: Path) -> None:
    """To an address, whose signature is not shown; also where the audit fails on drift."""
    answer = {**fleets.result(), "rows": [DRIFT]}
    with store(status) as (address, got):
        options = {"audit_report_url": f"{address}?signature=hunter2", "audit_fail_on_drift": True}
        shown = audit_of(answer, tmp_path, "-vvv", "-e", json.dumps(options), rc=2)
    ((kind, page),) = got
    assert kind == "text/html; charset=utf-8"
    assert b"net0" in page
    assert told.format(address) in shown
    assert "hunter2" not in shown.partition("PLAY [")[2]


def test_a_page_goes_to_a_host(tmp_path: Path) -> None:
    """By the login that the inventory has for it: here, one that needs no network."""
    page = tmp_path / "page.html"
    hosts = {"keeper": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    (tmp_path / "keeper.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    options = {"audit_report": str(page), "audit_report_host": "keeper"}
    inventory = ["-i", str(tmp_path / "keeper.yml"), "--limit", "other"]
    shown = audit_of(fleets.result(), tmp_path, "-v", *inventory, "-e", json.dumps(options))
    assert re.search(r"TASK \[Write the page\] \**\nchanged: \[other -> keeper\]", shown)
    assert f"The report is {page} on keeper" in shown
    assert page.exists()
