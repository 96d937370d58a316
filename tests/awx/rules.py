"""What AWX refuses, and why. Each rule names the place in AWX's source, version 24.6.1, that it follows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .objects import ROOT
from .surveys import answer_errors

Item = dict[str, Any]
Errors = dict[str, Any]

# awx/main/utils/ansible.py, could_be_playbook
PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?import_playbook):")
DTSTART = re.compile(r"DTSTART(;[^:]+)?:[0-9]+T[0-9]+Z?")
# What a launch may say beside answers, and the field of a template that allows it: awx/main/models/jobs.py,
# JobTemplate.get_ask_mapping
PROMPTS = {
    name: f"ask_{name}_on_launch"
    for name in ("limit", "job_type", "diff_mode", "job_slice_count", "forks", "inventory")
}


def playbooks() -> list[str]:
    """The playbooks of the project: awx/main/models/projects.py, ProjectOptions.playbooks."""
    return [str(file.relative_to(ROOT)) for file in sorted((ROOT / "playbooks").rglob("*.yml")) if _is_playbook(file)]


def _is_playbook(file: Path) -> bool:
    return any(PLAYBOOK.match(line) for line in file.read_text().splitlines())


def job_template_errors(project: Item, playbook: str) -> Errors:
    """awx/api/serializers.py, JobOptionsSerializer.validate: a project whose sync failed has no playbooks."""
    return {} if playbook in project["playbook_files"] else {"playbook": ["Playbook not found for project."]}


def rrule_errors(rrule: str) -> Errors:
    """awx/api/serializers.py, SchedulePreviewSerializer.validate_rrule."""
    starts = DTSTART.findall(rrule)
    rules = re.findall(r"RULE:\S*", rrule)
    wrong = ["Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"] if not starts else []
    wrong += ["Multiple DTSTART is not supported."] if len(starts) > 1 else []
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rrule):
        wrong.append("DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ.")
    wrong += ["One or more rule required in rrule."] if "rrule:" not in rrule.lower() else []
    wrong += [f"{word.upper()} not allowed in rrule." for word in ("exdate", "rdate") if f"{word}:" in rrule.lower()]
    wrong += [f"INTERVAL required in rrule: {rule}" for rule in rules if "interval" not in rule.lower()]
    wrong += [f"SECONDLY is not supported: {rule}" for rule in rules if "secondly" in rule.lower()]
    return {"rrule": wrong} if wrong else {}


def prompt_errors(template: Item, survey: Sequence[Item], given: Item, manual: bool, required: bool = True) -> Errors:
    """awx/main/models/jobs.py, JobTemplate._accept_or_ignore_job_kwargs, and mixins.py, _accept_or_ignore_variables.

    A launch by hand ignores what it is not asked for, and has to have every required answer, those with defaults
    included. A schedule and a node of a workflow may say nothing else; and a node may leave answers to its launch.
    """
    errors: Errors = {}
    answers = given.get("extra_vars", {})
    asked = [one if required else {**one, "required": False} for one in survey]
    if wrong := [text for one in asked for text in answer_errors(one, answers)]:
        errors["variables_needed_to_start"] = wrong
    unknown = answers.keys() - {one["variable"] for one in survey}
    if unknown and not manual:
        errors["extra_vars"] = [f"Variables {', '.join(sorted(unknown))} are not allowed on launch."]
    for name, ask in PROMPTS.items():
        if name in given and given[name] != template.get(name) and not template.get(ask) and not manual:
            errors[name] = "Field is not configured to prompt on launch."
    return errors


# awx/main/models/credential/__init__.py, ManagedCredentialType: the kinds of AWX's own types.
KINDS = {
    "Machine": "ssh",
    "Source Control": "scm",
    "Red Hat Ansible Automation Platform": "cloud",
    "Container Registry": "registry",
}
# awx/main/models/projects.py, ProjectOptions.clean_credential; awx/api/serializers.py,
# ExecutionEnvironmentSerializer.validate_credential
USES = {
    "projects": ("scm", "Credential kind must be 'scm'."),
    "execution_environments": (
        "registry",
        "Only Container Registry credentials can be associated with an Execution Environment",
    ),
}
# awx/api/views/__init__.py, JobTemplateCredentialsList.is_valid_relation
OF_JOBS = ("ssh", "vault", "cloud", "net", "kubernetes")


def credential_errors(kind: str, type_name: str) -> Errors:
    """What a project or an execution environment says of a credential of some type."""
    wanted, error = USES[kind]
    return {} if KINDS.get(type_name) == wanted else {"credential": [error]}


def association_errors(type_name: str, others: Collection[str]) -> Errors:
    """What a job template says of one more credential, beside those of other types that it has."""
    if type_name in others:
        return {"error": f"Cannot assign multiple {type_name} credentials."}
    kind = KINDS.get(type_name, "cloud")
    return {} if kind in OF_JOBS else {"error": f"Cannot assign a Credential of kind `{kind}`."}


def slice_errors(given: Item, hosts: int) -> Errors:
    """awx/main/models/jobs.py, JobTemplate._accept_or_ignore_job_kwargs and get_effective_slice_ct."""
    few = given.get("job_slice_count", 1) > 1 and min(given["job_slice_count"], hosts) <= 1
    return {"job_slice_count": "Job inventory does not have enough hosts for slicing"} if few else {}


def project_errors(project: Item | None) -> Errors:
    """awx/api/serializers.py, JobLaunchSerializer.validate; awx/main/models/projects.py, get_reason_if_failed."""
    if project is None:
        return {"project": "A project is required to run a job."}
    if project["status"] in ("error", "failed"):
        return {"playbook": "Missing a revision to run due to failed project update."}
    return {}


def passwords_needed(credentials: Sequence[Item]) -> list[str]:
    """awx/main/models/credential.py, Credential.passwords_needed: what is to be asked for at each launch."""
    asked = {"password": "ssh_password", "become_password": "become_password", "ssh_key_unlock": "ssh_key_unlock"}
    return [told for one in credentials for field, told in asked.items() if one["inputs"].get(field) == "ASK"]


SAVED = "Saved launch configurations cannot provide passwords needed to start."


def saved_errors(passwords: Sequence[str]) -> Errors:
    """awx/main/models/jobs.py, JobTemplate._accept_or_ignore_job_kwargs: nobody is there to answer."""
    return {"passwords_needed_to_start": SAVED} if passwords else {}


def resources_missing(template: Item) -> Iterator[str]:
    """awx/main/models/jobs.py, JobTemplate.resources_needed_to_start."""
    for name in ("project", "inventory"):
        if not template.get(name):
            yield f"Job Template {name} is missing or undefined."


def taken_names(kind: str, fields: Mapping[str, Any], others: Sequence[Item]) -> Errors:
    """Names that AWX wants once: awx/main/models/base.py, CommonModel; awx/main/models/jobs.py, JobTemplate.

    Only those of execution environments are the same for all organizations.
    """
    within = {
        "execution_environments": (),
        "schedules": ("unified_job_template",),
        "groups": ("inventory",),
        "hosts": ("inventory",),
        "credentials": ("organization", "credential_type"),
        "workflow_job_template_nodes": ("workflow_job_template",),
    }.get(kind, ("organization",))
    key = "identifier" if kind == "workflow_job_template_nodes" else "name"
    same = [one for one in others if all(one.get(name) == fields.get(name) for name in (key, *within))]
    return {key: [f"{kind} with this {key} already exists."]} if same else {}


def run_workflow(nodes: Sequence[Item], failing: Collection[str]) -> tuple[list[str], list[str]]:
    """The nodes that run, and those that AWX calls failed with "No error handling path for workflow job node(s)".

    awx/main/scheduler/dag_workflow.py, WorkflowDAG.bfs_nodes_to_run and has_workflow_failed.
    """
    known: dict[str, Item] = {}
    for node in nodes:
        known.setdefault(node["identifier"], {}).update(node)
    following = {name: [*node.get("success_nodes", []), *node.get("failure_nodes", [])] for name, node in known.items()}
    ready = [name for name in known if name not in {one for names in following.values() for one in names}]
    ran: list[str] = []
    while ready:
        name = ready.pop(0)
        ran.append(name)
        ready += known[name].get("failure_nodes" if name in failing else "success_nodes", [])
    return ran, [name for name in ran if name in failing and not known[name].get("failure_nodes")]
