"""A stand-in of AWX's API on loopback: it keeps what is created, and refuses what AWX would not have.

It knows as much as modules of awx.awx ask for: lists with filters, objects, what is associated with them, surveys.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .objects import ROOT
from .surveys import spec_errors

TYPES = {
    "organizations": "organization",
    "credential_types": "credential_type",
    "credentials": "credential",
    "execution_environments": "execution_environment",
    "projects": "project",
    "inventories": "inventory",
    "groups": "group",
    "job_templates": "job_template",
    "schedules": "schedule",
    "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
}
UNIFIED = ("projects", "job_templates", "workflow_job_templates")
ASSOCIATIONS = {"job_templates": {"credentials"}, "workflow_job_template_nodes": {"success_nodes", "failure_nodes"}}
# Fields that name an object of another kind.
REFERENCES = {
    **{kind: f"{kind}s" for kind in ("organization", "credential_type", "project", "execution_environment")},
    "default_environment": "execution_environments",
    "inventory": "inventories",
    "workflow_job_template": "workflow_job_templates",
}
# What AWX takes for a playbook in a project.
PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?import_playbook):")
MISSING: dict[str, Any] = {"host_filter": None, "kind": "", "scm_revision": "", "summary_fields": {}}

Answer = tuple[int, Any]
Item = dict[str, Any]


class Controller:
    """What AWX keeps, and each request that changes some of it."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, Item]] = {kind: {} for kind in TYPES}
        self.surveys: dict[int, Item] = {}
        self.associated: dict[str, list[int]] = {}
        self.changes: list[str] = []
        self._last = 0
        self.create("organizations", {"name": "Default"})
        for name in ("Machine", "Source Control"):
            self.create("credential_types", {"name": name})
        self.changes.clear()

    def named(self, kind: str) -> dict[str, Item]:
        """The objects of a kind by name."""
        return {str(item.get("name") or item.get("identifier")): item for item in self.items[kind].values()}

    def create(self, kind: str, fields: Item) -> Answer:
        """Make an object."""
        if wrong := self._wrong(kind, fields):
            return 400, {"__all__": wrong}
        self._last += 1
        url = f"/api/v2/{kind}/{self._last}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        self.items[kind][self._last] = {
            **MISSING, **fields, "id": self._last, "url": url, "type": TYPES[kind], "related": related
        }  # fmt: skip
        return 201, self.items[kind][self._last]

    def _wrong(self, kind: str, fields: Item) -> list[str]:
        wrong = [
            f"no {field} {fields[field]}"
            for field, of in REFERENCES.items()
            if field in fields and fields[field] not in self.items[of]
        ]
        if kind == "job_templates" and not _is_playbook(fields["playbook"]):
            wrong.append("Playbook not found for project.")
        if kind == "schedules" and not re.fullmatch(
            r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=\w+;INTERVAL=\d+\S*", fields["rrule"]
        ):
            wrong.append("rrule")
        return wrong

    def answer(self, method: str, path: str, query: dict[str, str], body: Item) -> Answer:
        """Answer a request."""
        if method != "GET":
            self.changes.append(f"{method} {path}")
        kind, *rest = path.removeprefix("/api/v2/").strip("/").split("/")
        if kind == "unified_job_templates":
            return self._listed([item for one in UNIFIED for item in self.items[one].values()], query)
        if kind not in self.items:
            return 404, {}
        if not rest:
            return self.create(kind, body) if method == "POST" else self._listed([*self.items[kind].values()], query)
        number = int(rest[0])
        if rest[1:] == ["survey_spec"]:
            return self._survey(method, number, body)
        if rest[1:] == ["create_approval_template"]:
            return self._approval(number, body)
        if rest[1:] and rest[1] not in ASSOCIATIONS.get(kind, ()):
            return 404, {}
        if rest[1:]:
            return self._association(method, path, body)
        if method == "PATCH":
            self.items[kind][number].update({name: body[name] for name in body if name in self.items[kind][number]})
        return 200, self.items[kind][number]

    def _listed(self, items: list[Item], query: dict[str, str]) -> Answer:
        found = [item for item in items if all(str(item.get(name)) == value for name, value in query.items())]
        return 200, {"count": len(found), "next": None, "results": found}

    def _survey(self, method: str, number: int, body: Item) -> Answer:
        if method == "POST":
            if wrong := spec_errors(body):
                return 400, {"error": "; ".join(wrong)}
            self.surveys[number] = body
        return 200, self.surveys.get(number, {})

    def _approval(self, number: int, body: Item) -> Answer:
        status, made = self.create("workflow_approval_templates", {"name": body["name"]})
        self.items["workflow_job_template_nodes"][number]["related"]["unified_job_template"] = made["url"]
        return status, made

    def _association(self, method: str, path: str, body: Item) -> Answer:
        there = self.associated.setdefault(path, [])
        if method == "POST":
            there.append(body["id"])
            return 204, None
        return 200, {"count": len(there), "next": None, "results": [{"id": number} for number in there]}


def _is_playbook(path: str) -> bool:
    file = ROOT / path
    return file.is_file() and any(PLAYBOOK.match(line) for line in file.read_text().splitlines())


@contextmanager
def controller() -> Iterator[tuple[Controller, str]]:
    """A controller, and the address of its API."""
    kept = Controller()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            url = urlsplit(self.path)
            status, told = kept.answer(self.command, url.path, dict(parse_qsl(url.query)), body)
            content = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._serve)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
