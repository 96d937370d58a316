"""What docs/reference/faults.md has in its tables: tests/faults/*.yml, which tests compare with what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "faults"
COLUMNS = {
    "fault": "fault",
    "task": "what the task does",
    "next": "what the next run does",
    "guests": "what guests notice",
}


def table(name: str) -> dict[str, Any]:
    """Return a table: `title`, `intro`, and `rows` with a fault and, for each other column, a sentence."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    return found


def row(name: str, fault: str) -> dict[str, Any]:
    """Return the row of a fault, for the test that causes it."""
    (found,) = [one for one in table(name)["rows"] if one["fault"] == fault]
    return dict(found)


def page() -> str:
    """Return all tables as Markdown, in the order of their files' names."""
    lines: list[str] = []
    for name in sorted(path.stem for path in FOLDER.glob("*.yml")):
        data = table(name)
        head = ["| " + " | ".join(COLUMNS.values()) + " |", "| " + " | ".join("---" for _column in COLUMNS) + " |"]
        rows = ["| " + " | ".join(str(one[column]) for column in COLUMNS) + " |" for one in data["rows"]]
        lines += ["", f"## {data['title']}", "", data["intro"].strip(), "", *head, *rows]
    return "\n".join([*lines, ""])
