"""Roles and playbooks without a hypervisor: what they document, what they work out, whether Ansible can read them."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.tools.role_docs import KINDS

pytestmark = pytest.mark.plays

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# What roles set themselves, for who uses them.
RESULTS = {"result", "ways"}
SWITCH = ("target", "target_serial", "target_max_fail_percentage")
# In the options of modules and not in their environment, which Ansible shows with -vvv.
ELSEWHERE = (
    'module_defaults:\n    group/virtfleet.network.network:\n      uri: "{{ target_uri | default(omit, true) }}"\n',
    "default(target_uri | default(omit, true), true)",
)
# Tasks run here, with the libraries of the tests.
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

SHORT = {"name": "web", "subnet": "10.20.0.0/24", "subnet_ipv6": "fd00:20::/64", "dhcp": "no", "bridge": {"stp": False}}
LAN = {"name": "lan", "bridge": {"name": "br0"}, "portgroups": [{"name": "plain"}]}


def ansible(*arguments: str, rc: int | tuple[int, ...] = 0, **more: str) -> str:
    """What ansible-playbook says; AssertionError when it ends with another exit code."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"), "ANSIBLE_NOCOLOR": "1", **more}
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode in (rc if isinstance(rc, tuple) else (rc,)), done.stdout + done.stderr
    return done.stdout + done.stderr if rc else done.stdout


def options_of(role: str) -> dict[str, Any]:
    """What a role documents."""
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())
    options: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return options


def example(role: str) -> dict[str, Any]:
    """The variables of the example in a role's page."""
    page = (ROOT / f"roles/{role}/README.md").read_text()
    (play,) = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])
    assert [one["role"] for one in play["roles"]] == [f"virtfleet.network.{role}"]
    variables: dict[str, Any] = play["roles"][0]["vars"]
    return variables


# ---- documentation ----


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_documented_and_every_documented_one_used(role: str) -> None:
    files = [*(ROOT / f"roles/{role}").glob("tasks/*"), *(ROOT / f"roles/{role}").glob("defaults/*")]
    texts = [path.read_text() for path in (*files, *(ROOT / f"roles/{role}").glob("vars/*"))]
    used = {name for text in texts for name in re.findall(rf"\b{role}_(\w+)", text)}
    made = {
        "plan",
        *(name for text in texts for name in re.findall(rf"^ *(?:register: )?{role}_(\w+)(?::|$)", text, re.M)),
    }
    known = {name.removeprefix(f"{role}_") for name in options_of(role)}
    assert used - known - made == set()
    assert known - used == set()


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_finds_out_is_no_variable_of_its_users(role: str) -> None:
    """A fact would stay, and be taken for what somebody wants of the next network."""
    tasks = [task for path in (ROOT / f"roles/{role}/tasks").glob("*.yml") for task in yaml.safe_load(path.read_text())]
    found = {task["register"] for task in tasks if "register" in task}
    found |= {name for task in tasks for name in task.get("ansible.builtin.set_fact", {})}
    assert found & options_of(role).keys() == set()


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_are_documented(role: str) -> None:
    file = ROOT / f"roles/{role}/defaults/main.yml"
    defaults = yaml.safe_load(file.read_text()) if file.exists() else {}
    assert {name: options_of(role)[name]["default"] for name in defaults} == defaults


@pytest.mark.parametrize("role", ROLES)
def test_page_speaks_of_what_is_there(role: str) -> None:
    known = {*options_of(role), *(f"{role}_{name}" for name in RESULTS), *ROLES}
    page = (ROOT / f"roles/{role}/README.md").read_text()
    assert set(re.findall(rf"\b{role}_\w*[a-z0-9]\b", page)) - known == set()
    found = ArgumentSpecValidator(options_of(role)).validate(example(role))
    assert found.error_messages == []


def test_wrong_variables_are_refused() -> None:
    wrong = {"nat_network_name": "web", "nat_network_forward": {"mod": "nat"}}
    found = ArgumentSpecValidator(options_of("nat_network")).validate(wrong).error_messages
    assert "nat_network_forward.mod" in " ".join(found)


def test_pages_know_all_roles_and_playbooks() -> None:
    readme, page = (ROOT / "README.md").read_text(), (ROOT / "docs/guides/playbooks.md").read_text()
    assert [role for role in ROLES if f"| `{role}` |" not in readme] == []
    assert [name for name in PLAYBOOKS if f"`{name}`" not in page or f"virtfleet.network.{name}" not in page] == []
    assert [name for name in PLAYBOOKS if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_variables_of_playbooks_are_in_the_page(name: str) -> None:
    plays = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())
    text, page = (ROOT / f"playbooks/{name}.yml").read_text(), (ROOT / "docs/guides/playbooks.md").read_text()
    # What a playbook imports of this collection is a part of it.
    imported = [play["ansible.builtin.import_playbook"] for play in plays if "ansible.builtin.import_playbook" in play]
    text += "".join((ROOT / "playbooks" / other).read_text() for other in imported)
    made = {
        *(word for play in plays for word in play.get("vars", {})),
        *re.findall(r"(?:register: |set_fact:\n +)(\w+)", text),
    }
    used = {found for found in re.findall(rf"(?<![\w.]){name}_\w+", text) if found not in made}
    assert [found for found in (*used, *SWITCH) if f"`{found}`" not in page] == []
    assert [play["tags"] for play in plays] == [[name]] * len(plays)
    assert all(f"{switch} | default(" in text for switch in SWITCH) == ("hosts: localhost" not in text)
    # Those that make hosts what they are have nothing to do with libvirt elsewhere, and that of audits with none.
    roles = re.findall(r"(?:role|name): virtfleet\.network\.(\w+)", text)
    text += "".join((ROOT / f"roles/{role}/tasks/main.yml").read_text() for role in roles)
    assert any(told in text for told in ELSEWHERE) == (name not in ("host_bridge", "hypervisor", "merge"))
    assert "LIBVIRT_DEFAULT_URI" not in text
    assert "`target_uri`" in page


# ---- what Ansible makes of them ----


def test_playbooks_can_be_read() -> None:
    ansible("--syntax-check", *(f"virtfleet.network.{name}" for name in PLAYBOOKS))


def test_roles_hand_their_variables_to_the_module(tmp_path: Path) -> None:
    tasks: list[dict[str, Any]] = []
    for role, kind in KINDS.items():
        options = {**(LAN if kind == "bridged" else SHORT), "uri": "test:///default"}
        variables = {f"{role}_{name}": value for name, value in options.items()}
        tasks += [
            {"virtfleet.network.virt_network": {**options, "kind": kind or None}, "register": "asked"},
            {"ansible.builtin.include_role": {"name": f"virtfleet.network.{role}"}, "vars": variables},
            {"ansible.builtin.assert": {"that": f"{role}_result.network == asked.network"}},
        ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": HERE, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    assert ansible("--check", str(tmp_path / "play.yml")).count("All assertions passed") == len(KINDS)


def test_two_hundred_hypervisors_get_subnets_that_do_not_overlap(tmp_path: Path) -> None:
    """From the variables that the page shows, the same for all."""
    page = (ROOT / "docs/guides/playbooks.md").read_text()
    (variables,) = re.findall(r"^`site.yml`.*?^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(variables)
    local = "ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}"
    (tmp_path / "inventory").write_text(f"[hypervisors]\nhv[1:200] {local}\n")
    networks = "{{ groups['hypervisors'] | map('extract', hostvars, 'topology_networks') | list | to_json }}"
    task = {"ansible.builtin.copy": {"content": networks, "dest": str(tmp_path / "networks"), "mode": "0600"}}
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "hv1", "gather_facts": False, "tasks": [task]}]))
    ansible("-i", str(tmp_path / "inventory"), str(tmp_path / "play.yml"))
    of_hosts = json.loads((tmp_path / "networks").read_text())
    subnets = [ipaddress.ip_network(network["subnet"]) for networks in of_hosts for network in networks]
    assert len(subnets) == len(set(subnets)) == 400
    assert [one for one, other in zip(sorted(subnets), sorted(subnets)[1:]) if one.overlaps(other)] == []
    assert [str(net) for net in subnets[-2:]] == ["10.12.128.0/24", "10.12.129.0/24"]


@pytest.mark.parametrize("text,refused", [("{{ 1 }}", True), ("{% x %}", True), ("{# x #}", True), ("a {b}", False)])
def test_adopt_refuses_what_would_be_a_template(text: str, refused: bool) -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks/adopt.yml").read_text())
    conditions = [task.get("ansible.builtin.assert", {}).get("that", "") for task in play["tasks"]]
    (pattern,) = re.findall(r"search\('(.*)'\)", "\n".join(conditions))
    assert bool(re.search(pattern, text)) == refused
