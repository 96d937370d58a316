"""What people read is in the words of tests/tools/words.yml, and in no others."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest
import yaml

from .test_roles import ROOT

WORDS_FILE = ROOT / "tests/tools/words.yml"
WORDS = yaml.safe_load(WORDS_FILE.read_text())
READ = {".md", ".py", ".yml", ".yaml", ".j2", ".sh", ".js", ".css", ".toml", ".txt", ""}
PATTERNS = [
    (re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), better)
    for pattern, better in WORDS["words"].items()
]
# The end of a line, with what the next one begins with in a comment or a quotation.
NEXT_LINE = re.compile(r"\n[ \t]*(?:#+|//|\*|>)?[ \t]*")
TEXTS = {name for name in tokenize.tok_name.values() if name in ("STRING", "COMMENT", "FSTRING_MIDDLE")}


def files() -> list[Path]:
    """Everything that the check covers."""
    roots = [ROOT / path for path in WORDS["covered"]]
    found = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
    return sorted(path for path in found if path.is_file() and path.suffix in READ and path != WORDS_FILE)


def read(path: Path) -> str:
    """What people read of a file, in one line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        texts = [token.string for token in tokens if tokenize.tok_name[token.type] in TEXTS]
        text = "\n".join(one.lstrip("rbfRBF").strip("\"'# ") for one in texts)
    return " ".join(NEXT_LINE.sub(" ", text).split())


def findings(text: str) -> list[str]:
    """Each word that is not ours, with what is around it and the better one."""
    return [
        f"...{text[max(0, hit.start() - 60) : hit.end() + 60]}... : {better}"
        for pattern, better in PATTERNS
        for hit in pattern.finditer(text)
    ]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_words_are_ours(path):
    assert findings(read(path)) == []


def test_words_are_found_across_lines_and_strings(tmp_path):
    (tmp_path / "a.py").write_text('# What was put\n# back.\nanew = f"is" \\\n    " told"\n')
    assert [one.partition(" : ")[2] for one in findings(read(tmp_path / "a.py"))] == [
        "is reported, is given, are distinguished",
        "rolled back, restored",
    ]
