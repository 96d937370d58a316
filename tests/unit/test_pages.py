"""The pages of the documentation: links, the index, examples that tests run, and figures and names of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.module_utils._network import plan as _plan
from ansible_collections.virtfleet.network.plugins.module_utils._network.live import call_seconds
from tests.tools import pages
from tests.unit.documentation import MODULES, PAGES, ROOT, documented

FILTERS = sorted(path.stem for path in (ROOT / "plugins/filter").glob("[a-z]*.py"))
KINDS_OF_NETWORKS = ("nat", "isolated", "routed", "bridged")


GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
# Where files of this repository are, for whoever reads a page elsewhere.
PLACES_OF_FILES = (
    f"{GALAXY['repository']}/blob",
    GALAXY["repository"].replace("github.com", "raw.githubusercontent.com"),
)
HERE = re.compile(rf"({'|'.join(map(re.escape, PLACES_OF_FILES))})/main/")


def links(page: Path) -> list[str]:
    """All links of a page."""
    return re.findall(r"\]\(([^)]+)\)", page.read_text())


def is_there(page: Path, link: str) -> bool:
    """Whether a link leads to a file of this repository, and to a heading in it if it names one."""
    name, _hash, heading = link.partition("#")
    file = ROOT / HERE.sub("", name) if HERE.match(name) else page.parent / name if name else page
    headings = re.findall(r"^#+ (.*)", file.read_text(), re.M) if heading and file.exists() else []
    slugs = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
    return file.exists() and (not heading or heading in slugs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    ours = [link for link in links(page) if HERE.match(link) or ":" not in link]
    assert [link for link in ours if not is_there(page, link)] == []


def test_links_of_readme_lead_somewhere_from_galaxy() -> None:
    """Galaxy and Automation Hub show it alone."""
    found = links(ROOT / "README.md")
    assert [link for link in found if not link.startswith("https://")] == []
    assert {match[1] for match in map(HERE.match, found) if match} == set(PLACES_OF_FILES)


@pytest.mark.parametrize("module", MODULES)
def test_modules_link_to_pages(module: str) -> None:
    links = [entry["link"] for entry in documented()[module]["doc"]["seealso"] if "link" in entry]
    ours = [link for link in links if HERE.match(link)]
    assert ours
    assert [link for link in ours if not is_there(ROOT / "README.md", link)] == []


def test_readme_pins_this_version() -> None:
    (pinned,) = yaml.safe_load(pages.files("README.md")["requirements.yml"])["collections"]
    assert pinned == {"name": f"{GALAXY['namespace']}.{GALAXY['name']}", "version": GALAXY["version"]}


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
    shown = [*pages.blocks(page, "yaml"), *(text for name, text in pages.named(page) if name.endswith(".yml"))]
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
