"""What the project says of itself in several places: the versions of ansible-core that it supports and tries."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible.module_utils.compat.version import StrictVersion as Version

from tests.unit.documentation import ROOT

CORES = [line.split() for line in (ROOT / "tests/tools/cores.txt").read_text().splitlines() if line[0] != "#"]
VERSIONS = [core[0] for core in CORES]
# 2.16 of 2.16.19
MINORS = [version.rpartition(".")[0] for version in VERSIONS]


def test_oldest_core_is_that_of_the_collection() -> None:
    requires = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert requires == f">={MINORS[0]}.0"


def test_no_core_is_left_out() -> None:
    first, last = (int(minor.rpartition(".")[2]) for minor in (MINORS[0], MINORS[-1]))
    assert [f"2.{number}" for number in range(first, last + 1)] == MINORS


def test_development_takes_the_newest_core_of_each_python() -> None:
    text = (ROOT / "requirements-dev.txt").read_text()
    pins = re.findall(r'^ansible-core==([\d.]+); python_version (<|>=) "([\d.]+)"$', text, re.MULTILINE)
    (older, below, border), (newest, above, same) = pins
    assert (below, above, border, newest) == ("<", ">=", same, VERSIONS[-1])
    assert older == [core[0] for core in CORES if border not in core[1:2]][-1]


def test_readme_says_which_cores_are_tried() -> None:
    assert f"ansible-core {MINORS[0]} to {MINORS[-1]}" in (ROOT / "README.md").read_text()


def test_linter_knows_the_modules_of_awx_where_it_is_missing() -> None:
    used = re.findall(r"^ +(awx\.awx\.\w+):$", (ROOT / "playbooks/awx/setup.yml").read_text(), re.MULTILINE)
    assert yaml.safe_load((ROOT / ".ansible-lint").read_text())["mock_modules"] == sorted(set(used))


def test_everything_documented_says_since_which_version() -> None:
    folders = [ROOT / top for top in ("extensions/eda", "plugins", "roles")]
    files = [path for folder in folders for kind in ("py", "yml") for path in folder.rglob(f"*.{kind}")]
    documented = [
        text for text in map(Path.read_text, files) if re.search(r"^ *short_description:", text, re.MULTILINE)
    ]
    assert len(documented) > 30
    assert [text[:300] for text in documented if not re.search(r"^ *version_added: [\d.]+$", text, re.MULTILINE)] == []


def test_changelog_has_what_says_since_when_it_is_there() -> None:
    releases = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text())["releases"]
    listed = {version: yaml.safe_dump(release) for version, release in releases.items()}
    files = [*ROOT.glob("plugins/*/*.py"), *ROOT.glob("roles/*/meta/argument_specs.yml")]
    added = {
        (found[1], path.parents[1].name if path.suffix == ".yml" else path.stem)
        for path in files
        if (found := re.search(r"^ *version_added: ([\d.]+)$", path.read_text(), re.MULTILINE))
    }
    assert len(added) > 30
    newest = max(Version(version) for version in listed)
    released = [(since, name) for since, name in added if Version(since) <= newest]
    assert [one for one in released if f"name: {one[1]}\n" not in listed.get(one[0], "")] == []
