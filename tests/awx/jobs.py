"""A job as AWX starts it: a private data directory for ansible-runner, and what AWX shows of its events."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ansible_runner

from .objects import OBJECTS, ROOT
from .surveys import extra_vars_file, variables_of

Hosts = Mapping[str, Mapping[str, Any]]


class Shown(NamedTuple):
    """What AWX shows of a job: its state, its hosts' counts of each kind and errors, its artifacts, what it printed."""

    status: str
    counts: dict[str, dict[str, int]]
    errors: dict[str, str]
    artifacts: dict[str, Any]
    output: str

    def begun(self) -> set[str]:
        """The hosts on which anything was tried."""
        return {name for kind in self.counts.values() for name in kind}

    def changed(self) -> set[str]:
        """The hosts on which something has changed."""
        return set(self.counts["changed"])


@dataclass
class Job:
    """How a job is launched: its template, answers to the survey, and what else is prompted for."""

    template: Mapping[str, Any]
    answers: Mapping[str, Any]
    job_type: str = ""
    limit: str = ""
    diff_mode: bool = True
    slice_number: int = 1
    slice_count: int = 1
    number: int = 0
    artifacts: Mapping[str, Any] | None = None  # of the nodes before it in a workflow

    def arguments(self) -> list[str]:
        """What ansible-playbook gets."""
        check = (self.job_type or self.template.get("job_type", "run")) == "check"
        return [
            *(["--check"] if check else []),
            *("-u", "root"),
            *(["--diff"] if self.diff_mode else []),
            *(["-l", self.limit] if self.limit else []),
        ]

    def hosts(self, hosts: Hosts) -> Hosts:
        """The hosts of the job's slice."""
        names = [*hosts][self.slice_number - 1 :: self.slice_count]
        return {name: hosts[name] for name in names}

    def run(self, folder: Path, hosts: Hosts, variables: Mapping[str, Any], environment: Mapping[str, str]) -> Shown:
        """Run the job on the hosts of an inventory with one group."""
        hosts = self.hosts(hosts)
        inventory = {
            "all": {"vars": dict(variables), "children": ["hypervisors"]},
            "hypervisors": {"hosts": list(hosts)},
            "_meta": {"hostvars": {name: dict(own) for name, own in hosts.items()}},
        }
        for part in ("env", "inventory"):
            (folder / part).mkdir(parents=True)
        given = {**variables_of(self.template, self.answers), **(self.artifacts or {}), "awx_job_id": self.number}
        (folder / "env/extravars").write_text(extra_vars_file(given))
        (folder / "env/envvars").write_text(json.dumps(dict(environment)))
        script = folder / "inventory/hosts"
        script.write_text(f"#! /usr/bin/env python3\nprint({json.dumps(inventory)!r})\n")
        script.chmod(0o700)
        (folder / "project").symlink_to(ROOT)
        playbook = f"{OBJECTS['awx_playbooks']}/{self.template['playbook']}.yml"
        runner = ansible_runner.run(
            private_data_dir=str(folder), playbook=playbook, cmdline=shlex.join(self.arguments()), quiet=True
        )
        return _shown(runner)


def _shown(runner: ansible_runner.Runner) -> Shown:
    events: Sequence[dict[str, Any]] = list(runner.events)
    (stats,) = [one["event_data"] for one in events if one["event"] == "playbook_on_stats"]
    kinds = ("ok", "changed", "failures", "dark", "ignored")
    failed = [one["event_data"] for one in events if one["event"] == "runner_on_failed"]
    errors = {one["host"]: str(one["res"]["msg"]) for one in failed if not one["ignore_errors"]}
    output = "\n".join(one["stdout"] for one in events)
    return Shown(runner.status, {kind: stats[kind] for kind in kinds}, errors, stats.get("artifact_data", {}), output)
