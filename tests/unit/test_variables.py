"""Variables of roles and playbooks: misspelt ones and values of the wrong shape are refused, in one short sentence."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import template as ansible_template
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.virtfleet.network.plugins.lookup.as_json import LookupModule as AsJson
from ansible_collections.virtfleet.network.plugins.lookup.hypervisors import FOR_EACH_HOST
from ansible_collections.virtfleet.network.plugins.lookup.wrong_variables import LookupModule
from ansible_collections.virtfleet.network.plugins.plugin_utils._playbooks.plain import plain
from ansible_collections.virtfleet.network.plugins.plugin_utils._playbooks.variables import without_nulls, wrong_shapes
from tests.awx.objects import TEMPLATES
from tests.unit.test_roles import ELSEWHERE, HERE, PLAYBOOKS, ROLES, ROOT, ansible, example, options_of

pytestmark = pytest.mark.plays

# A value of each shape, by the types that take it.
VALUES: dict[str, Any] = {"text": "front", "number": 5, "list": ["front"], "dictionary": {"a": "b"}, "null": None}
TAKES = {"list": {"list", "null"}, "dict": {"dictionary", "null"}, "raw": {*VALUES}}
# Since ansible-core 2.19, only what says so is a template.
TRUST: Any = getattr(ansible_template, "trust_as_template", str)
LOADER = DataLoader()  # it keeps the files that it has read
JINJA = "{{ names.split() }}"


def wrong(owner: str, variables: dict[str, Any], **more: Any) -> list[str]:
    """What the lookup says of these variables."""
    variables = {name: TRUST(value) if isinstance(value, str) else value for name, value in variables.items()}
    lookup = LookupModule(loader=LOADER, templar=Templar(loader=LOADER, variables=variables))
    found: list[str] = lookup.run([owner], variables, **more)
    return found


def declared(playbook: str) -> dict[str, Any]:
    """The variables that a playbook declares for itself."""
    plays = yaml.safe_load((ROOT / f"playbooks/{playbook}.yml").read_text())
    found = [role["vars"] for play in plays for role in play.get("roles", []) if role["role"].endswith(".variables")]
    options: dict[str, Any] = found[0]["variables_options"] if found else {}
    assert [one["variables_of"] for one in found] in ([], [playbook])
    return options


DECLARED = {name: declared(name) for name in PLAYBOOKS}


# ---- a list as JSON ----


def looked_up(value: Any, **more: Any) -> Any:
    """What the lookup makes of a variable."""
    variables = {"wanted": value, "size": 9000}
    (found,) = AsJson(loader=LOADER, templar=Templar(loader=LOADER, variables=variables)).run(
        ["wanted"], variables, **more
    )
    return found


@pytest.mark.parametrize("value", [[], [{"name": "lan", "mtu": {"size": 9000}, "autostart": False}], [{"a": None}]])
def test_what_needs_no_evaluation_is_one_text(value: Any) -> None:
    text = looked_up(value)
    assert json.loads(text) == value
    assert text.startswith(" [")


@pytest.mark.parametrize(
    "value,evaluated",
    [
        ([{"mtu": {"size": TRUST("{{ size }}")}}], [{"mtu": {"size": 9000}}]),
        (TRUST("{{ [{'mtu': size}] }}"), [{"mtu": 9000}]),
        ([dt.date(2026, 1, 2)], [dt.date(2026, 1, 2)]),
    ],
)
def test_what_has_to_be_evaluated_is(value: Any, evaluated: Any) -> None:
    assert plain(looked_up(value)) == evaluated


def test_a_list_that_is_null_or_not_there_is_the_default() -> None:
    assert looked_up(None, default=[]) == []
    assert looked_up(TRUST("{{ none }}"), default=[]) == []
    assert AsJson(loader=LOADER, templar=Templar(loader=LOADER)).run(["wanted"], {}) == [""]


def test_lookups_that_run_for_each_host_are_loaded_once() -> None:
    files = [file for folder in ("playbooks", "roles") for file in (ROOT / folder).rglob("*.yml")]
    words = r"(?:lookup|query)\('virtfleet\.network\.(\w+)'"
    used = {name for file in files for name in re.findall(words, file.read_text().replace("''", "'"))}
    assert used == {"hypervisors", *FOR_EACH_HOST}


# ---- every role, every playbook ----


@pytest.mark.parametrize("role", [role for role in ROLES if role != "variables"])
def test_every_role_looks_at_its_variables_first(role: str) -> None:
    meta = yaml.safe_load((ROOT / f"roles/{role}/meta/main.yml").read_text())
    assert meta["dependencies"] == [{"role": "virtfleet.network.variables", "vars": {"variables_of": role}}]
    assert wrong(role, example(role)) == []
    assert wrong(role, dict.fromkeys(options_of(role))) == wrong(role, {})  # null is not set
    (found,) = wrong(role, {**example(role), f"{role}_subnte": 1, f"{role}s": 1, "subnte": 1})
    assert found.startswith(f"{role}_subnte is not a variable of it")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shape", VALUES)
def test_every_variable_of_a_role_has_its_shape(role: str, shape: str) -> None:
    for name, option in options_of(role).items():
        taken = shape in TAKES.get(option["type"], {"text", "number", "null"})
        found = [one for one in wrong(role, {name: VALUES[shape]}, complete=False) if " must be a " in one]
        assert bool(found) != taken or "[0]" in found[0], (name, shape, found)


@pytest.mark.parametrize("playbook", [name for name in PLAYBOOKS if DECLARED[name]])
@pytest.mark.parametrize("shape", VALUES)
def test_every_variable_of_a_playbook_has_its_shape(playbook: str, shape: str) -> None:
    options = DECLARED[playbook]
    for name, option in options.items():
        taken = shape in TAKES.get(option["type"], {"text", "number", "null"})
        found = [one for one in wrong(playbook, {name: VALUES[shape]}, options=options) if " must be a " in one]
        assert bool(found) != taken or "[0]" in found[0], (name, shape, found)
    assert "is not a variable of it" in wrong(playbook, {f"{playbook}_nothing": 1}, options=options)[0]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbooks_use_what_they_declare(playbook: str) -> None:
    """Their own variables have names that nobody gives."""
    text = (ROOT / f"playbooks/{playbook}.yml").read_text()
    for name in (f"playbooks/templates/{playbook}.txt.j2",):
        text += (ROOT / name).read_text() if (ROOT / name).exists() else ""
    used = set(re.findall(rf"(?<![\w.]){playbook}_\w+", text))
    roles = {
        name
        for role in re.findall(r"(?:role|_role:\s+name): virtfleet\.network\.(\w+)", text)
        for name in options_of(role)
    }
    assert used - roles - {f"{playbook}_result"} == set(DECLARED[playbook]) or playbook in ("audit", "report")
    assert "query('virtfleet.network.hypervisors', " in text or "import_playbook" in text or "hosts: localhost" in text


@pytest.mark.parametrize("playbook", TEMPLATES)
def test_answers_of_surveys_are_known(playbook: str) -> None:
    """AWX gives all answers of a survey as variables."""
    answers = {question["variable"] for question in TEMPLATES[playbook]["survey"]}
    given = dict.fromkeys((*answers, *TEMPLATES[playbook].get("extra_vars", {})))
    assert [one for one in wrong(playbook, given, options=DECLARED[playbook]) if "is not a variable" in one] == []


# ---- values ----


def test_a_template_that_nobody_evaluates() -> None:
    """With AWX's ALLOW_JINJA_IN_EXTRA_VARS: never, a template is a text like any other."""
    (found,) = wrong_shapes("teardown_networks", JINJA, {"type": "list"})
    assert found == (
        "teardown_networks must be a list, not a string with a template that nobody evaluated"
        " (AWX: ALLOW_JINJA_IN_EXTRA_VARS)"
    )


@pytest.mark.parametrize(
    "value,problem",
    [
        ("{{ nothing }}", "cannot be evaluated: 'nothing' is undefined"),
        ("{{ 1 / 0 }}", "cannot be evaluated: "),
        ([{"name": "a"}, "b"], "topology_networks[1] must be a dictionary, not a string"),
        ([{"name": ["a"]}], "topology_networks[0].name must be a single value, not a list"),
        ([{"name": "a", "ips": {"address": "10.0.0.1"}}], "topology_networks[0].ips must be a list, not a dictionary"),
        ([{"name": "a", "active": "x"}], "argument 'active' is of type "),
        ([{"name": "a", "mode": "nat"}], "topology_networks.mode is not an option, there are "),
        ([{"kind": "nat"}], "name"),
        (True, "topology_networks must be a list, not true or false"),
        ([None], "topology_networks[0] must not be null"),
    ],
)
def test_what_is_wrong_inside(value: Any, problem: str) -> None:
    found = wrong("topology", {"topology_networks": value})
    assert problem in " ".join(found)
    assert max(map(len, found)) <= 300


def test_nulls_are_left_out_at_every_depth() -> None:
    assert without_nulls({"a": None, "b": [{"c": None, "d": 0}], 3: ""}) == {"b": [{"d": 0}], "3": ""}
    assert wrong("topology", {"topology_networks": [{"name": "a", "mtu": None, "ips": [{"address": None}]}]}) == []


# ---- as Ansible runs it ----


def failure(text: str, host: str) -> dict[str, Any]:
    """The result with which a host failed."""
    found: dict[str, Any] = json.loads(re.findall(rf"fatal: \[{host}\]: FAILED! => (.*)", text)[0])
    return found


def test_an_error_is_short_and_nothing_is_done(tmp_path: Path) -> None:
    """By a role that is listed, included and imported."""
    role = "virtfleet.network.isolated_network"
    play: dict[str, Any] = {"hosts": "all", "gather_facts": False}
    plays = [
        {**play, "hosts": "listed,fine", "roles": [{"role": role, "vars": {"isolated_network_name": "x"}}]},
        {**play, "hosts": "included,fine", "tasks": [{"ansible.builtin.include_role": {"name": role}}]},
        {**play, "hosts": "imported,fine", "tasks": [{"ansible.builtin.import_role": {"name": role}}]},
    ]
    (tmp_path / "plays.yml").write_text(json.dumps(plays))
    hosts = ("listed", "included", "imported")
    inventory = "".join(f"{host} isolated_network_subnte=10.0.0.0/24\n" for host in hosts) + "fine\n"
    (tmp_path / "inventory").write_text(
        f"{inventory}[all:vars]\nansible_connection=local\nansible_python_interpreter={{{{ansible_playbook_python}}}}\n"
        "isolated_network_name=x\nisolated_network_uri=test:///default\n"
    )
    told = ansible(str(tmp_path / "plays.yml"), "-i", str(tmp_path / "inventory"), rc=2)
    for host in hosts:
        result = failure(told, host)
        assert len(json.dumps(result)) < 1000
        assert "isolated_network_subnte is not a variable of it, did you mean isolated_network_subnet?" in result["msg"]


@pytest.mark.parametrize(
    "arguments,problem",
    [
        (("-i", "other,"), "no host of the inventory matches hypervisors;"),
        (("-e", "target=other", "-i", "other,", "--limit", "localhost"), "matches other with the limit localhost;"),
        (
            ("-e", "target=all", "-e", "target_serail=1"),
            "target_serail is not a variable of it, did you mean target_serial?",
        ),
    ],
)
def test_no_hosts_are_no_success(arguments: tuple[str, ...], problem: str) -> None:
    assert problem in re.sub(r"\s+", " ", ansible("virtfleet.network.audit", *arguments, rc=(1, 4)))


def test_a_password_is_not_in_the_environment_of_a_task() -> None:
    """Ansible shows it with -vvv, and every user of the machine with ps."""
    assert [text for text in ELSEWHERE if "LIBVIRT" in text] == []
    uri = {"target_uri": "nothing+ssh://me:hunter2@nowhere/system?password=hunter3", **HERE}
    told = ansible("virtfleet.network.show", "-vvv", "-e", "target=localhost", "-e", json.dumps(uri), rc=2)
    shown = told.partition("TASK [Ask for the networks]")[2]
    assert "Cannot connect to nothing+ssh://me:" in shown
    assert "hunter" not in shown
