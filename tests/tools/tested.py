"""What the lab's tests have shown of each Debian, for the table in README: `make test-versions` ends with it.

    python tests/tools/tested.py LOG [RELEASE...]    count what runs have written there (tests/integration/conftest.py),
                                                     for all releases in it, or for some

A test that ran several times counts as it did the last time, so a run may be in pieces. Releases that are not in the
log keep what an earlier run has shown.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from tests.lab.root import HOST, LIGHT, MODULAR, own_suite, root

FILE = ROOT / "tests/tools/tested.yml"
HEAD = "---\n# Written by tests/tools/tested.py after a run of make test-versions: do not edit.\n"
OUTCOMES = ("passed", "failed", "skipped")
# What a hypervisor says of itself; unstable has no VERSION_ID.
LOOK = """\
. /etc/os-release
echo "Debian ${VERSION_ID-unstable}"
(libvirtd --version 2>/dev/null || virtnetworkd --version) | sed 's/.* //'
/usr/bin/python3 --version | sed 's/.* //'
"""


def release_of(test: str) -> str:
    """Return which release a test, by the name that pytest gives it, was about; "" when it has no hypervisor."""
    parameters = test.partition("[")[2].rstrip("]").split("-")
    found = [own_suite() if name == HOST else name for name in parameters if name in (HOST, *LIGHT)]
    return found[0] if found else ""


def count(log: str) -> dict[str, Counter[str]]:
    """Return how many tests of each release had which outcome, by a log with an outcome and a test in each line."""
    last = dict(line.split(" ", 1)[::-1] for line in log.splitlines())
    releases = {release_of(test) for test in last} - {""}
    return {
        release: Counter(outcome for test, outcome in last.items() if release_of(test) == release)
        for release in sorted(releases, key=LIGHT.index)
    }


def facts(release: str) -> dict[str, str]:
    """Return what is installed on a release's hypervisors, and what Ansible runs with here."""
    looked = subprocess.run(["chroot", root(release), "sh", "-c", LOOK], check=True, capture_output=True, text=True)
    debian, libvirt, python = looked.stdout.splitlines()
    daemons = ", modular daemons" if release == MODULAR else ""
    core = version("ansible-core")
    return {"name": debian + daemons, "libvirt": libvirt, "python": python, "core": core, "date": f"{date.today()}"}


def main() -> None:
    """Add a run to what is known, and print the numbers of all."""
    log, *only = sys.argv[1:]
    known: dict[str, Any] = yaml.safe_load(FILE.read_text()) if FILE.exists() else {}
    for release, outcomes in count(Path(log).read_text()).items():
        if only and release not in only:
            continue
        known[release] = {**facts(release), **{outcome: outcomes[outcome] for outcome in OUTCOMES}}
    ordered = {release: known[release] for release in LIGHT if release in known}
    FILE.write_text(HEAD + yaml.safe_dump(ordered, sort_keys=False))
    print(", ".join(f"{one['name']}: {one['passed']} passed, {one['failed']} failed" for one in ordered.values()))


if __name__ == "__main__":
    main()
