"""The examples on the pages for people, and which tests run them.

A block that a page gives a name, `name.yml`:, is a file of an example. All others stand for themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [f"{path.relative_to(ROOT)}" for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))]
# Whose files make an example, and who runs it.
FILES_RUN_BY = {
    "README.md": "playbooks/test_examples.py",
    "docs/guides/awx.md": "playbooks/test_awx.py",
    "docs/guides/events.md": "events/test_rulebooks.py",
    "docs/guides/guests.md": "guests/test_inventory.py",
    "docs/guides/nics-of-a-new-guest.md": "nics/test_interface_filter.py",
    "docs/guides/playbooks.md": "playbooks/test_roles.py",
    "docs/guides/reservations.md": "playbooks/test_list_patterns.py",
    "docs/guides/virsh.md": "playbooks/test_virsh.py",
}
# Whose other blocks need more than test_pages.py has.
BLOCKS_RUN_BY = {
    "docs/guides/events.md": "events/test_rulebooks.py",
    "docs/guides/guests.md": "guests/test_inventory.py",
    "docs/guides/migration.md": "playbooks/test_roles.py",
}
NAMED = re.compile(r"^`([\w./]+)`[^\n]*:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """Return what a page shows in a language, without the files."""
    text = NAMED.sub("", (ROOT / page).read_text())
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def named(page: str) -> list[tuple[str, str]]:
    """Return the names and the texts of what a page shows of files, in its order: a file may be shown in pieces."""
    return NAMED.findall((ROOT / page).read_text())


def files(page: str) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    return dict(named(page))


def write_files(page: str, folder: Path) -> None:
    """Write the files that a page shows into a folder."""
    for name, text in files(page).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
