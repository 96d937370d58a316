"""A stand-in of AWX's API: it keeps what is created, and refuses what AWX would not have.

It knows as much as modules of awx.awx ask for: lists with filters, objects, what is associated with them, surveys, the
sync of a project; and it launches jobs, as far as AWX checks whether they can start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import roles, rules, syncs
from .kinds import ASKS, ASSOCIATIONS, FIELDS, MISSING, PUBLIC, REFERENCES, SYNCED_BY, TYPES, UNIFIED
from .surveys import spec_errors

Answer = tuple[int, Any]
Item = dict[str, Any]


class Controller:
    """What AWX keeps, and each request that changes some of it."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, Item]] = {kind: {} for kind in TYPES}
        self.surveys: dict[int, Item] = {}
        self.associated: dict[str, list[int]] = {}
        self.changes: list[str] = []
        # Why a project's repository is not available: see syncs.ended.
        self.sync_error: Callable[[Item], str | Item] = lambda _project: ""
        self.sync_looks = 0  # how often a project is asked for before its sync has ended
        self._last = 0
        self.create("organizations", {"name": "Default"})
        for name, fields in FIELDS.items():
            inputs = [{"id": one, **({} if one in PUBLIC else {"secret": True})} for one in fields]
            self.create("credential_types", {"name": name, "inputs": {"fields": inputs}})
        self.changes.clear()

    def named(self, kind: str) -> dict[str, Item]:
        """The objects of a kind by name."""
        return {str(item.get("name") or item.get("identifier")): item for item in self.items[kind].values()}

    def create(self, kind: str, fields: Item) -> Answer:
        """Make an object."""
        if wrong := self._wrong(kind, fields):
            return 400, wrong
        self._last += 1
        url = f"/api/v2/{kind}/{self._last}/"
        related = {name: f"{url}{name}/" for name in ("survey_spec", "update", "launch")}
        asks = dict.fromkeys(ASKS if kind.endswith("job_templates") else (), False)
        item = {**MISSING, **asks, **fields, "id": self._last, "url": url, "type": TYPES[kind], "related": related}
        self.items[kind][self._last] = item
        for name in roles.ROLES.get(kind, ()):
            self.create("roles", {"name": name, "object": url})
        if kind == "projects":
            item["playbook_files"] = []
            return 201, self._shown(item, self._sync(item))
        return 201, self._shown(item)

    def _wrong(self, kind: str, fields: Item, own: Item | None = None) -> rules.Errors:
        """Why an object is not created, or one of its own is not changed: fields that name others are
        PrimaryKeyRelatedField of rest_framework/relations.py.
        """
        for field, of in REFERENCES.items():
            if fields.get(field) and fields[field] not in self.items[of]:
                return {field: [f"Invalid pk {fields[field]} - object does not exist."]}
        if kind == "job_templates":
            wrong = rules.job_template_errors(self.items["projects"][fields["project"]], fields["playbook"])
        elif kind in rules.USES and fields.get("credential"):
            wrong = rules.credential_errors(kind, self._type(fields["credential"]))
        elif kind in ("schedules", "workflow_job_template_nodes"):
            wrong = self._config_errors(kind, fields)
        else:
            wrong = {}
        once = kind not in ("roles", "project_updates", "jobs", "workflow_jobs", "workflow_approval_templates")
        others = [one for one in self.items[kind].values() if one is not own]
        return wrong or (rules.taken_names(kind, fields, others) if once else {})

    def _type(self, credential: int) -> str:
        """The name of a credential's type."""
        kind = self.items["credential_types"][self.items["credentials"][credential]["credential_type"]]
        return str(kind["name"])

    def _config_errors(self, kind: str, fields: Item) -> rules.Errors:
        """awx/api/serializers.py, LaunchConfigurationBaseSerializer.validate: of a schedule, and of a node."""
        if kind == "schedules" and (wrong := rules.rrule_errors(fields["rrule"])):
            return wrong
        number = fields.get("unified_job_template", 0)
        template = self.items["job_templates"].get(number) or self.items["workflow_job_templates"].get(number)
        if template is None:
            return {}
        given = {**fields, "extra_vars": fields.get("extra_data", {})}
        questions = self.surveys.get(template["id"], {}).get("spec", [])
        return {
            **rules.prompt_errors(template, questions, given, manual=False, required=kind == "schedules"),
            **rules.slice_errors(fields, self._hosts_of(template)),
            **rules.saved_errors(self._passwords(template)),
        }

    def _hosts_of(self, template: Item) -> int:
        """How many hosts the inventory of a template has, those that are disabled included."""
        return sum(one["inventory"] == template.get("inventory") for one in self.items["hosts"].values())

    def _passwords(self, template: Item) -> list[str]:
        """What is to be asked for at each launch."""
        return rules.passwords_needed([self.items["credentials"][n] for n in self._linked(template, "credentials")])

    def _shown(self, item: Item, update: Item | None = None) -> Item:
        """An object as it is answered, with the sync that has begun with it: awx.awx.project waits for its end."""
        organization = self.items["organizations"].get(item.get("organization", 0))
        summary = {"organization": {"id": organization["id"], "name": organization["name"]}} if organization else {}
        own = {
            one["name"]: {"id": one["id"]} for one in self.items["roles"].values() if one["object"] == item.get("url")
        }
        summary |= {"object_roles": own} if own else {}
        begun = {"current_update": {"id": update["id"]}} if update else {}
        return {**item, "summary_fields": {**summary, **begun}}

    def _sync(self, project: Item) -> Item:
        """Begin to sync a project."""
        self.create("project_updates", {**syncs.begun(project), "looks": self.sync_looks})
        update = self.items["project_updates"][self._last]
        self._go_on()
        return update

    def _go_on(self) -> None:
        """Syncs go on while projects are asked for."""
        for update in self.items["project_updates"].values():
            update["looks"] -= 1
            if update["looks"] < 0 and not update["finished"]:
                project = self.items["projects"][update["project"]]
                syncs.ended(project, update, self.sync_error(project))

    def _noted(self, method: str, path: str) -> None:
        if method != "GET":
            self.changes.append(f"{method} {path}")
        elif path.startswith("/api/v2/projects/"):
            self._go_on()

    def answer(self, method: str, path: str, query: dict[str, str], body: Item, user: str = "") -> Answer:
        """Answer a request: that of an administrator, or of a user."""
        self._noted(method, path)
        kind, *rest = path.removeprefix("/api/v2/").strip("/").split("/")
        if kind == "unified_job_templates":
            return self._listed([item for one in UNIFIED for item in self.items[one].values()], query)
        if kind == "config":
            return 200, {"version": "24.6.1"}
        if kind not in self.items:
            return 404, {}
        if not rest:
            return self.create(kind, body) if method == "POST" else self._listed([*self.items[kind].values()], query)
        item = self.items[kind].get(int(rest[0]))
        if item is None:
            return 404, {"detail": "Not found."}
        if user and not roles.allowed(self.items, self._held(user), kind, item, "".join(rest[1:])):
            return 403, {"detail": "You do not have permission to perform this action."}
        if rest[1:]:
            return self._below(method, path, item, query, body)
        if method == "DELETE":
            del self.items[kind][item["id"]]
            return 204, {}
        if method == "PATCH":
            return self._changed(kind, item, body)
        return 200, self._shown(syncs.shown(item) if kind == "project_updates" else item)

    def _held(self, user: str) -> set[int]:
        """The roles of a user, those of the user's teams included."""
        number = self.named("users")[user]["id"]
        teams = {one for one, team in self.items["teams"].items() if number in self._linked(team, "users")}
        return {
            one
            for one, role in self.items["roles"].items()
            if number in self._linked(role, "users") or teams & {*self._linked(role, "teams")}
        }

    def _linked(self, item: Item, what: str) -> list[int]:
        return self.associated.get(f"{item['url']}{what}/", [])

    def _changed(self, kind: str, item: Item, body: Item) -> Answer:
        if wrong := self._wrong(kind, {**item, **body}, item):
            return 400, wrong
        synced = kind == "projects" and any(item.get(name) != body.get(name, item.get(name)) for name in SYNCED_BY)
        item.update(body)
        return 200, self._shown(item, self._sync(item) if synced else None)

    def _below(self, method: str, path: str, item: Item, query: dict[str, str], body: Item) -> Answer:
        """What is below an object."""
        kind, _number, part = path.removeprefix("/api/v2/").strip("/").split("/")
        if part in ASSOCIATIONS.get(kind, ()):
            return self._association(method, path, body, item if part == "credentials" else None)
        known: dict[tuple[str, str], Callable[[], Answer]] = {
            ("job_templates", "survey_spec"): lambda: self._survey(method, item["id"], body),
            ("job_templates", "launch"): lambda: self._launch(method, item, body),
            ("workflow_job_templates", "launch"): lambda: self._launch_workflow(item, body),
            ("workflow_job_template_nodes", "create_approval_template"): lambda: self._approval(item, body),
            ("projects", "update"): lambda: (202, self._sync(item)),
            ("projects", "playbooks"): lambda: (200, item["playbook_files"]),
            ("projects", "project_updates"): lambda: self._updates(item, query),
            ("project_updates", "events"): lambda: self._listed(item["events"], query),
            ("credentials", "input_sources"): lambda: self._listed([], query),
            ("hosts", "variable_data"): lambda: (
                200,
                item.setdefault("variables", {}) if method == "GET" else self._put(item, body),
            ),
            ("jobs", "stdout"): lambda: (200, {"content": ""}),
            ("groups", "all_hosts"): lambda: self._listed(self._hosts(item), query),
        }
        return known[kind, part]() if (kind, part) in known else (404, {})

    def _listed(self, items: list[Item], query: dict[str, str]) -> Answer:
        filters = {name: value for name, value in query.items() if name not in ("order_by", "page_size")}
        found = [self._shown(item) for item in items if all(self._fits(item, *one) for one in filters.items())]
        return 200, {"count": len(found), "next": None, "results": found}

    def _fits(self, item: Item, name: str, value: str) -> bool:
        """Whether an object passes a filter, which may follow references to other objects."""
        if name == "id__in":
            return str(item["id"]) in value.split(",")
        first, _two, rest = name.partition("__")
        if rest:
            other = self.items[REFERENCES[first]].get(item.get(first, 0))
            return other is not None and self._fits(other, rest, value)
        return str(item.get(name)).lower() == value.lower()

    def _updates(self, project: Item, query: dict[str, str]) -> Answer:
        found = [syncs.listed(one) for one in self.items["project_updates"].values() if one["project"] == project["id"]]
        return self._listed(found[::-1], query)

    def _hosts(self, group: Item) -> list[Item]:
        return [self.items["hosts"][number] for number in self._linked(group, "hosts")]

    def _launch(self, method: str, template: Item, body: Item) -> Answer:
        """awx/api/views/__init__.py, JobTemplateLaunch."""
        needed = self._passwords(template)
        if method == "GET":
            return 200, {"passwords_needed_to_start": needed}
        questions = self.surveys.get(template["id"], {}).get("spec", [])
        errors = {
            **rules.prompt_errors(template, questions, body, manual=True),
            **rules.slice_errors(body, self._hosts_of(template)),
            **rules.project_errors(self.items["projects"].get(template.get("project", 0))),
        }
        if resources := [*rules.resources_missing(template)]:
            errors["resources_needed_to_start"] = resources
        if lacking := [one for one in needed if one not in body.get("credential_passwords", {})]:
            errors["passwords_needed_to_start"] = lacking
        return (400, errors) if errors else self.create("jobs", {"job_template": template["id"], **body})

    def _launch_workflow(self, template: Item, body: Item) -> Answer:
        """awx/api/serializers.py, WorkflowJobLaunchSerializer.validate: it refuses what is not asked for."""
        if errors := rules.prompt_errors(template, [], body, manual=False):
            return 400, errors
        return self.create("workflow_jobs", {"workflow_job_template": template["id"], "status": "pending", **body})

    def _survey(self, method: str, number: int, body: Item) -> Answer:
        if method == "POST":
            if wrong := spec_errors(body):
                return 400, {"error": "; ".join(wrong)}
            self.surveys[number] = body
        return 200, self.surveys.get(number, {})

    def _put(self, host: Item, body: Item) -> Item:
        """awx/api/serializers.py, BaseVariableDataSerializer: what is sent takes the place of all variables."""
        host["variables"] = body
        return body

    def _approval(self, node: Item, body: Item) -> Answer:
        status, made = self.create("workflow_approval_templates", {"name": body["name"]})
        node["related"]["unified_job_template"] = made["url"]
        return status, made

    def _association(self, method: str, path: str, body: Item, template: Item | None) -> Answer:
        there = self.associated.setdefault(path, [])
        if method == "GET":
            return 200, {"count": len(there), "next": None, "results": [{"id": number} for number in there]}
        if body.get("disassociate"):
            there.remove(body["id"])
            return 204, None
        others = [self._type(number) for number in there] if template else []
        if template and (wrong := rules.association_errors(self._type(body["id"]), others)):
            return 400, wrong
        there.append(body["id"])
        return 204, None
