"""What people read is in the words of tests/tools/words.yml, and in no others."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from collections.abc import Collection
from pathlib import Path

import pytest
import yaml

from .documentation import ROOT

WORDS_FILE = ROOT / "tests/tools/words.yml"
# Every file that git knows or would take, but for those that .gitattributes says others have written.
FILES = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", ":(exclude,attr:linguist-vendored)"]
# The end of a line, with what the next one begins with in a comment or a quotation.
NEXT_LINE = re.compile(r"\n[ \t]*(?:#+|//|\*|>)?[ \t]*")
TEXTS = {name for name in tokenize.tok_name.values() if name in ("STRING", "COMMENT", "FSTRING_MIDDLE")}


class Word:
    """A word or phrase that is not ours, as a regular expression, and the better one."""

    def __init__(self, pattern: str, better: str) -> None:
        self.pattern, self.better = pattern, better
        self._hits = re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)

    def findings(self, text: str) -> list[str]:
        """Each place where a text has it, with what is around it and the better word."""
        around = (text[max(0, hit.start() - 60) : hit.end() + 60] for hit in self._hits.finditer(text))
        return [f"...{found}... : {self.better}" for found in around]


LISTS = yaml.safe_load(WORDS_FILE.read_text())
WORDS = [Word(*pair) for pair in LISTS["words"].items()]


def files() -> list[Path]:
    """Everything that people read."""
    names = subprocess.run(FILES, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    found = (ROOT / name for name in names)
    return sorted(path for path in found if path.is_file() and b"\0" not in path.read_bytes())


def tokens(text: str, kinds: Collection[str]) -> list[str]:
    """The tokens of these kinds in a Python file."""
    found = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in found if tokenize.tok_name[token.type] in kinds]


def read(path: Path) -> str:
    """What people read of a file, in one line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = "\n".join(one.lstrip("rbfRBF").strip("\"'# ") for one in tokens(text, TEXTS))
    if path == WORDS_FILE:  # the better ones have to be ours, too
        text = "\n".join(word.better for word in WORDS)
    return " ".join(NEXT_LINE.sub(" ", text).split())


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_words_are_ours(path):
    text = read(path)
    assert [found for word in WORDS for found in word.findings(text)] == []


@pytest.mark.parametrize(
    "path", [path for path in files() if path.suffix == ".py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_names_are_ours(path):
    better = LISTS["names"]
    assert {name: better[name] for name in better.keys() & tokens(path.read_text(), {"NAME"})} == {}


@pytest.mark.parametrize("text", ["# one\n# two\n", '"""What is one\n    two."""\n', 'a = f"ONE" \\\n    " two"\n'])
def test_words_are_found_across_lines_and_strings(tmp_path, text):
    (tmp_path / "a.py").write_text(text)
    assert [found.partition(" : ")[2] for found in Word("one two", "three").findings(read(tmp_path / "a.py"))] == [
        "three"
    ]


def test_names_and_parts_of_words_are_not_read(tmp_path):
    (tmp_path / "a.py").write_text("one = 'ones one-two'\n")
    assert Word("one", "two").findings(read(tmp_path / "a.py")) == []
