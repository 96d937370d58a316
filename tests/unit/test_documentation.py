"""The documentation against the code: every option, every key of a result, every example, every file and link."""

from __future__ import annotations

import importlib
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

from ansible_collections.virtfleet.network.plugins.module_utils._entries import lists as _entries
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Lease
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Address
from ansible_collections.virtfleet.network.plugins.module_utils._network import plan as _plan
from ansible_collections.virtfleet.network.plugins.module_utils._network.info import networks
from ansible_collections.virtfleet.network.plugins.module_utils._network.live import call_seconds
from ansible_collections.virtfleet.network.plugins.module_utils._network.plan import plan_network
from ansible_collections.virtfleet.network.plugins.module_utils._task import networks as _module
from ansible_collections.virtfleet.network.plugins.module_utils._task import nics as _nic_module
from ansible_collections.virtfleet.network.plugins.module_utils._task import topology as _topology_module
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.outcome import Outcome
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr
from tests.tools import generate, interface_docs, option_docs, pages
from tests.unit.entry_cases import KINDS as ENTRIES
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of, host_of
from tests.unit.run_module import run_module

ROOT = Path(__file__).parents[2]
COLLECTION = "virtfleet.network"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py"))
FILTERS = sorted(path.stem for path in (ROOT / "plugins/filter").glob("[a-z]*.py"))
KINDS = {"str": str, "bool": bool, "int": int, "float": float, "list": list, "dict": dict}
KINDS_OF_NETWORKS = ("nat", "isolated", "routed", "bridged")
FREE = {"spec", "live_spec"}  # dictionaries whose keys are the options of virt_network
# Pages for people.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What only the glue adds to a result: a backup that was made, the problems of an error.
ADDED = {"backup_file", "backup_files", "problems"}

SAVED = (
    "<network><name>guests</name><uuid>5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f11</uuid><bridge name='virbr0'/>"
    "<mtu size='9000'/><ip address='192.168.50.1' prefix='24'/></network>"
)
WEB = Guest("web", True, ("52:54:00:00:00:01",), (Nic("52:54:00:00:00:01", "net0", "vnet0"),))
NOW = Observed("guests", SAVED, SAVED.replace("9000", "1500"), autostart=True, persistent=True, guests=(WEB,))


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    """What ansible-doc says of every module, with its fragments."""
    command = [sys.executable, "-m", "ansible", "doc", "--json", *(f"{COLLECTION}.{name}" for name in MODULES)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return {name.rpartition(".")[2]: text for name, text in json.loads(done.stdout).items()}


def arguments(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a module gives to AnsibleModule."""
    given: list[dict[str, Any]] = []

    def ansible_module(argument_spec: dict[str, Any], **_rules: Any) -> None:
        given.append(argument_spec)
        raise EOFError

    monkeypatch.setattr(_module, "Module", ansible_module)
    with pytest.raises(EOFError):
        importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module}").main()
    return given[0]


# ---- options ----


def outline(options: dict[str, Any], inside: str) -> dict[str, Any]:
    """Options reduced to what documentation and argument specification have in common."""
    return {
        name: (
            {key: option.get(key) or None for key in ("type", "elements", "choices", "default", "required", "aliases")},
            outline(option.get(inside) or {}, inside),
        )
        for name, option in options.items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_options_are_those_of_the_code(module: str, documented: dict[str, Any], monkeypatch: Any) -> None:
    options = documented[module]["doc"]["options"]
    assert outline(options, "suboptions") == outline(arguments(module, monkeypatch), "options")


@pytest.mark.parametrize("module", MODULES)
def test_every_option_is_described(module: str, documented: dict[str, Any]) -> None:
    def undescribed(options: dict[str, Any]) -> list[str]:
        found = [name for name, option in options.items() if not all(option.get("description", []))]
        return [*found, *(name for option in options.values() for name in undescribed(option.get("suboptions", {})))]

    assert undescribed(documented[module]["doc"]["options"]) == []


# ---- results ----


def wrong_keys(result: dict[str, Any], contains: dict[str, Any], path: str = "") -> list[str]:
    """Keys of a result that are not documented, documented ones that it lacks, and values of another type."""
    wrong = [f"{path}{key}" for key in set(result) ^ set(contains)]
    for key in set(result) & set(contains):
        value, entry, place = result[key], contains[key], f"{path}{key}"
        if entry["type"] != "raw" and type(value) is not KINDS[entry["type"]]:
            wrong.append(f"{place} is no {entry['type']}")
        if key not in FREE and isinstance(value, dict):
            wrong += wrong_keys(value, entry.get("contains", {}), f"{place}.")
        if isinstance(value, list) and entry.get("elements") == "dict":
            wrong += wrong_keys({key: item[key] for item in value for key in item}, entry["contains"], f"{place}[].")
    return wrong


WANTED = Desired("guests", spec={"domain": {"name": "guests.example"}})
CHANGED = plan_network(WANTED, NOW, Policy())
OUTCOME = Outcome(WANTED, CHANGED, NOW, NOW._replace(saved=CHANGED.after))
# The least that each module can be given.
LEAST = {
    "virt_network": {"name": "guests"},
    **{f"virt_{name}": {"network": "guests", kind.path[-1]: []} for name, kind in ENTRIES.items()},
    "virt_topology": {"name": "site", "networks": []},
}


def nic_outcome() -> Any:
    """What becomes of a guest's NICs."""
    host = host_of({"guest": {"saved": ["network lan a"]}})
    return converge_nics(
        host, desired_of({"desired": {"source": {"network": "lan"}, "link": {"state": "down"}}}), True, 5
    )


class FakeModule:
    """An AnsibleModule that keeps its result."""

    check_mode = False

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.result: dict[str, Any] = {}

    def warn(self, _text: str) -> None:
        """Nobody listens."""

    def exit_json(self, **result: Any) -> None:
        """The end."""
        self.result = json.loads(json.dumps(result))


def returned(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a module returns that finds something to change."""
    with monkeypatch.context() as patched:
        spec = arguments(module, patched)
    fake = FakeModule(dict(ArgumentSpecValidator(spec).validate(LEAST[module]).validated_parameters))
    monkeypatch.setattr(_module, "start", lambda _options, **_rules: fake)
    monkeypatch.setattr(_module, "Gateway", lambda *_given: FakeGateway())
    monkeypatch.setattr(_topology_module, "Guests", lambda *_given: FakeGateway())
    outcomes = [OUTCOME, *([nic_outcome()] if module == "virt_topology" else [])]
    monkeypatch.setattr(_module, "converge", lambda *_given: outcomes)
    importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module}").main()
    return fake.result


@pytest.mark.parametrize("module", LEAST)
def test_result_of_a_change(module: str, documented: dict[str, Any], monkeypatch: Any) -> None:
    result = returned(module, monkeypatch)
    assert result.pop("changed") is True
    told = documented[module]["return"]
    assert wrong_keys(result, {name: entry for name, entry in told.items() if name not in ADDED}) == []
    assert len(ADDED & told.keys()) == 2


def test_modules_say_the_same_of_results(documented: dict[str, Any]) -> None:
    told = {name: set(documented[name]["return"]) for name in LEAST}
    own = {"network", "networks", "ifaces", "entries", "backup_file", "backup_files"}
    assert {frozenset(keys - own) for keys in told.values()} == {frozenset(told["virt_network"] - own)}


def test_result_without_a_change_has_the_same_keys() -> None:
    changed = _module.result_of([OUTCOME])
    unchanged = _module.result_of([OUTCOME._replace(plan=CHANGED._replace(steps=()))])
    assert set(unchanged) == set(changed)


def test_wrong_keys_are_found(documented: dict[str, Any]) -> None:
    told = {"name": "guests", "active": "yes", "extra": 1, "guests": [{"name": "web", "running": True, "mac": []}]}
    contains = documented["virt_network_info"]["return"]["networks"]["contains"]
    wrong = wrong_keys(told, {name: contains[name] for name in ("name", "active", "xml", "guests")})
    assert sorted(wrong) == ["active is no bool", "extra", "guests[].mac", "guests[].macs", "guests[].nics", "xml"]


class FakeGateway:
    """Knows one network, with everything that can be told of one."""

    def networks(self) -> list[Observed]:
        return [NOW]

    def guests(self) -> dict[str, tuple[Guest, ...]]:
        return {"guests": (WEB,)}

    def close(self) -> None:
        """Nothing is open."""

    def leases(self, _name: str) -> list[Lease]:
        return [Lease("52:54:00:00:00:01", "192.168.50.10", 24, "web", "", 0)]


def test_result_of_info(documented: dict[str, Any]) -> None:
    told: Any = networks(FakeGateway(), [])  # type: ignore[arg-type]
    # as it comes out of a module
    assert wrong_keys({"networks": json.loads(json.dumps(told))}, documented["virt_network_info"]["return"]) == []


def test_result_of_nics(documented: dict[str, Any], monkeypatch: Any) -> None:
    host = host_of({"guest": {"saved": ["network lan a <model type='e1000e'/>"], "live": ["network lan a"]}})
    host.told = {"52:54:00:00:00:0a": [Address("192.168.81.7", 24, "lease")]}
    monkeypatch.setattr(_nic_module, "Guests", lambda *_given: host)
    link = {"state": "down"}
    for module, options in {
        "virt_iface_info": {"domain": ["web"]},
        "virt_iface": {"domain": "web", "source": {"network": "lan"}, "link": link, "wait_for_ip": True},
    }.items():
        result = run_module(module, **options)
        for key in ("changed", "invocation"):
            result.pop(key, None)
        told = documented[module]["return"]
        assert wrong_keys(result, {name: entry for name, entry in told.items() if name not in ADDED}) == []


# ---- examples ----


def tasks_in(tasks: list[Any]) -> list[dict[str, Any]]:
    """Tasks, also those in blocks."""
    return [inner for task in tasks for inner in (tasks_in(task["block"]) if "block" in task else [task])]


def tasks_of(page: Path) -> list[dict[str, Any]]:
    """The tasks of all playbooks in a page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    plays = [play for block in blocks for play in yaml.safe_load(block) if isinstance(play, dict) and "tasks" in play]
    return tasks_in([task for play in plays for task in play["tasks"]])


def refusals(tasks: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Ansible says against the options in tasks with modules of this collection; templates are left out."""
    found: list[str] = []
    for task in tasks:
        for key in (key for key in task if key.startswith(f"{COLLECTION}.")):
            options = {name: value for name, value in (task[key] or {}).items() if "{{" not in str(value)}
            spec = arguments(key.rpartition(".")[2], monkeypatch)
            found += [
                f"{task['name']}: {text}" for text in ArgumentSpecValidator(spec).validate(options).error_messages
            ]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_examples_have_options_of_the_code(module: str, documented: dict[str, Any], monkeypatch: Any) -> None:
    tasks = tasks_in(yaml.safe_load(documented[module]["examples"]))
    assert any(f"{COLLECTION}.{module}" in task for task in tasks)
    assert refusals(tasks, monkeypatch) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_options_of_the_code(page: Path, monkeypatch: Any) -> None:
    assert refusals(tasks_of(page), monkeypatch) == []


def test_playbooks_in_pages_are_found() -> None:
    names = {key for page in PAGES for task in tasks_of(page) for key in task}
    assert names >= {f"{COLLECTION}.virt_network", f"{COLLECTION}.virt_dhcp_host"}


def test_wrong_options_are_found(monkeypatch: Any) -> None:
    wrong = {"name": "wrong", f"{COLLECTION}.virt_network": {"name": "guests", "ips": [{"adress": "192.168.50.1/24"}]}}
    assert "ips.adress" in " ".join(refusals([wrong], monkeypatch))


# ---- pages ----


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_index() -> None:
    listed = {ROOT / "docs" / link for link in re.findall(r"\]\((.*?)\)", (ROOT / "docs/README.md").read_text())}
    assert listed == set(PAGES) - {ROOT / "README.md", ROOT / "docs/README.md"}


@pytest.mark.parametrize("page", pages.PAGES)
def test_every_example_is_run(page: str) -> None:
    """Files of a page by a test of its own, what stands for itself by test_pages.py, unless another one does it."""
    folder = ROOT / "tests/integration"
    runs = {**pages.FILES_RUN_BY, **pages.BLOCKS_RUN_BY}.get(page)
    assert runs or not pages.files(page)
    assert not runs or f'"{page}"' in (folder / runs).read_text()
    shown = [*pages.blocks(page, "yaml"), *(text for name, text in pages.files(page).items() if name.endswith(".yml"))]
    assert all(yaml.safe_load(text) for text in shown)
    assert len(re.findall("^```yaml$", (ROOT / page).read_text(), re.M)) == len(shown)


def test_settings_of_a_page_are_ansibles(tmp_path: Path) -> None:
    (text,) = pages.blocks("docs/guides/fleet.md", "ini")
    (tmp_path / "ansible.cfg").write_text(text)
    command = [Path(sys.executable).with_name("ansible-config"), "dump", "--only-changed", "--type", "all"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    taken = {value for value in re.findall(r"\) = (.*)", told) if value in text or value == "True"}
    assert len(taken) == text.count(" = ")


def test_behaviour_knows_when_a_restart_is_better() -> None:
    text = " ".join((ROOT / "docs/reference/behaviour.md").read_text().split())
    assert f"take more than {_plan.WORTH_A_RESTART:g} seconds together" in text
    assert f"more than {_plan.WORTH_A_RESTART // call_seconds('ip-dhcp-host'):g} reservations" in text


def test_readme_knows_every_module_and_filter() -> None:
    assert [name for name in (*MODULES, *FILTERS) if f"| `{name}` |" not in (ROOT / "README.md").read_text()] == []


def test_readme_shows_what_the_demonstration_prints() -> None:
    (shown,) = re.findall(r"^```text\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    told = "".join(path.read_text() for path in (ROOT / "tests/demo").glob("*.py"))
    title, *rows = [line for line in shown.splitlines() if line.startswith("   ")]
    assert [line for line in shown.splitlines() if line[:3] in {"== ", "-> "} and line[3:] not in told] == []
    assert all(f'"{word}"' in told for word in re.split(" {2,}", title.strip()))
    assert [kind for kind in KINDS_OF_NETWORKS if sum(f" {kind} " in row for row in rows) != 2] == []


PLACES = [ROOT / "plugins", ROOT / "plugins/module_utils", ROOT / "plugins/plugin_utils"]


def test_architecture_knows_every_folder() -> None:
    text, utils = (ROOT / "docs/development/architecture.md").read_text(), ROOT / "plugins/module_utils"
    assert [path.name for path in utils.glob("_*") if path.is_dir() and f"| `{path.name}` |" not in text] == []
    named = [name for name in re.findall(r"`((?:plugin_utils/)?_[a-z]+(?:/\w+\.py)?)`", text) if name != "_python.py"]
    assert [name for name in named if not any((base / name).exists() for base in PLACES)] == []


# ---- the generator ----


def test_generator_wants_a_description_of_every_option() -> None:
    rows = (Element("thing", Attr("name"), Attr("size")),)
    texts = option_docs.Descriptions(
        "things", {"thing": ["A thing."], "thing.name": ["Its name."], "thing.color": ["Red."]}
    )
    option_docs.options_of(rows, {"thing": {"type": "dict", "options": {"name": {}, "size": {}}}}, texts)
    assert [problem.partition(": ")[2] for problem in texts.problems()] == [
        "things: no description of thing.size",
        "things: there is no option thing.color",
    ]


def test_generator_describes_a_shared_row_once() -> None:
    shared = Attr("size")
    rows = (Element("thing", shared), Element("other", shared))
    spec = {"type": "dict", "options": {"size": {"type": "str"}}}
    texts = option_docs.Descriptions("things", {"thing": ["A thing."], "thing.size": ["Big."], "other": ["Another."]})
    options = option_docs.options_of(rows, {"thing": spec, "other": spec}, texts)
    assert options["other"]["suboptions"]["size"]["description"] == ["Big."]
    assert list(texts.problems()) == []


def test_generator_leads_to_options_of_another_module() -> None:
    texts = ["With O(bridge.name).", "As O(name).", "In O(ips[].dhcp.hosts[].mac=x)."]
    options = {"name": {"description": texts, "type": "str"}}
    assert option_docs.elsewhere(options)["name"]["description"] == [
        "With O(virtfleet.network.virt_network#module:bridge.name).",
        "As O(name).",
        "In O(virtfleet.network.virt_network#module:ips[].dhcp.hosts[].mac=x).",
    ]


@pytest.mark.parametrize(
    "kind,sentence",
    [
        (_entries.DNS_TXT, "by O(txts[].name)."),
        (_entries.DHCP_RANGE, "by O(ranges[].start) and O(ranges[].end) together."),
        (
            _entries.DHCP_HOST,
            "by the first of O(hosts[].mac), O(hosts[].id), O(hosts[].name) and O(hosts[].ip) that is given.",
        ),
    ],
)
def test_generator_says_what_tells_entries(kind: _entries.Collection, sentence: str) -> None:
    assert option_docs.identity(kind) == f"Entries are matched {sentence}"


def test_generator_knows_the_modules_for_entries() -> None:
    kinds = option_docs.kinds(ROOT / "plugins/modules", vars(_entries))
    assert set(kinds) == set(LEAST) - {"virt_network", "virt_topology"}
    assert kinds["virt_dns_srv"] is _entries.DNS_SRV


def test_generator_wants_a_description_of_every_option_of_a_nic() -> None:
    texts = option_docs.Descriptions("interface_options", {"mac": ["The MAC address, as O(mac.address=x)."]})
    page = interface_docs.page("# Options", texts)
    assert "\n\n## `mac`\n\nThe MAC address, as `mac.address=x`.\n\n| option |" in page
    assert "interface_options: no description of mac.address" in " ".join(texts.problems())


def test_generator_leaves_nothing_to_do() -> None:
    assert generate.main(["--check"]) == 0
