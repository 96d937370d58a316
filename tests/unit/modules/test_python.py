"""A Python that is too old ends a task in one sentence, not in a SyntaxError."""

from __future__ import annotations

import ast
import json
import os
import runpy
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[3] / "plugins"
GATE = PLUGINS / "module_utils/_python.py"
MODULES = sorted((PLUGINS / "modules").glob("virt_*.py"))
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
# Run apart: imports from a payload, and prints the files and how often each was compiled.
COMPILED = """
import collections, importlib, json, sys
compiled = collections.Counter()
sys.addaudithook(lambda event, given: event == "compile" and compiled.update([str(given[1])]))
sys.path.insert(0, sys.argv[1])
files = [importlib.import_module(name).__file__ for name in sys.argv[2:]]
print(json.dumps([files, compiled]))
"""
OLD_PYTHONS = sorted(path for version in ("2.7", "3.6", "3.7", "3.8") for path in PYENV.glob(f"{version}.*/bin/python"))


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 8, 20)])
def test_an_old_python_is_told_in_one_sentence(version, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(GATE))
    told = json.loads(capsys.readouterr().out)
    assert told["failed"]
    assert told["msg"].startswith(f"Cannot run on Python {version[0]}.{version[1]} ({sys.executable}): ")
    assert "ansible_python_interpreter" in told["msg"]


def test_the_oldest_python_passes(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 0))
    runpy.run_path(str(GATE))


@pytest.mark.parametrize("file", [GATE, *MODULES], ids=lambda file: file.stem)
def test_an_old_python_can_read_it(file):
    tree = ast.parse(file.read_text(encoding="ascii"))
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.AnnAssign, ast.JoinedStr, ast.NamedExpr)), f"line {node.lineno}"
        assert not getattr(node, "annotation", None), f"line {node.lineno}"
        assert not getattr(node, "returns", None), f"line {node.lineno}"
        assert getattr(node, "module", "") != "__future__", "Python 3.6 has no annotations there"


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_the_gate_comes_before_what_an_old_python_cannot_read(file):
    imports = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ImportFrom)]
    assert [alias.name for alias in imports[0].names] == ["_python"]


@pytest.mark.parametrize("python", OLD_PYTHONS, ids=lambda path: path.parents[1].name)
def test_real_old_pythons_read_all_of_it(python):
    """Where a version manager has some."""
    read = "[compile(open(name).read(), name, 'exec') for name in sys.argv[1:]]; exec(open(sys.argv[1]).read())"
    command = [python, "-c", f"import sys; {read}", GATE, *MODULES]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["failed"]


def test_a_payload_is_compiled_once(tmp_path):
    payload = tmp_path / "payload.zip"
    names = {
        "ours/_python.py": GATE.read_text(),
        "ours/plan.py": "",
        "ours/_xml/__init__.py": "",
        "ours/_xml/row.py": "",
    }
    with zipfile.ZipFile(payload, "w") as archive:
        for name, text in {"ours/__init__.py": "", **names}.items():
            archive.writestr(name, text)
    modules = ["ours._python", "ours.plan", "ours._xml", "ours._xml.row"]
    command = [sys.executable, "-c", COMPILED, payload, *modules]
    files, compiled = json.loads(subprocess.check_output(command, text=True))
    assert files == [str(payload / name) for name in names]
    assert Counter({file: compiled[file] for file in files[1:]}) == Counter(files[1:])
