"""The architecture of the plugins, read from their syntax trees: who imports whom, who touches what, what is too large.

The folders are the rings; docs/development/architecture.md says why.
"""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
PLUGINS = HERE.parent / "plugins"
# Where Event-Driven Ansible looks.
EVENT_SOURCES = HERE.parent / "extensions/eda/plugins/event_source"
# What a folder may import beside itself, and the errors. There is no circle: a folder knows only those above it.
BELOW: dict[str, tuple[str, ...]] = {
    "_python": (),  # the gate, a file of its own: old Pythons read it
    "_errors": (),
    "_xml": (),
    "_schema": ("_xml",),
    "_values": ("_xml",),
    "_network": ("_schema", "_values", "_xml"),
    "_entries": ("_schema", "_values", "_xml"),
    "_nwfilter": ("_schema", "_values", "_xml"),
    "_nics": ("_network", "_nwfilter", "_schema", "_values", "_xml"),
    "_hypervisor": ("_schema", "_values", "_xml"),
    "_diagnosis": ("_nics", "_nwfilter", "_network", "_schema", "_values", "_xml"),
    "_converge": ("_values",),
    "_audit": ("_converge", "_diagnosis", "_nics", "_nwfilter", "_network", "_schema", "_values", "_xml"),
}
BELOW["_task"] = tuple(BELOW)
BELOW["plugin_utils"] = ("_nics", "_nwfilter", "_entries", "_schema", "_values", "_xml", "_hypervisor")
BELOW["modules"] = ("_python", "_task", "_entries", "_network")
BELOW["filter"] = ("plugin_utils", "_nics", "_network", "_schema", "_xml")
BELOW["inventory"] = ("plugin_utils",)
BELOW["lookup"] = ("plugin_utils",)
BELOW["event_source"] = ("plugin_utils",)
# Libraries beside Python's own. Their import is guarded: Ansible reports a missing one in its own words.
LIBRARIES = {
    "_xml": ("lxml",),
    "_hypervisor": ("libvirt",),
    "_task": ("ansible", "lxml"),
    "plugin_utils": ("yaml",),
    "filter": ("ansible", "jinja2", "markupsafe"),
    "inventory": ("ansible",),
    "lookup": ("ansible",),
}
# Folders with input and output, clock or chance. The others use only what keeps still in Python's library.
BUSY = ("_python", "_hypervisor", "_task", "plugin_utils", "modules", "filter", "inventory", "lookup", "event_source")
STILL_LIBRARY = set(
    "__future__ abc base64 bisect collections contextlib copy dataclasses difflib enum functools graphlib hashlib"
    " ipaddress itertools json math operator re shlex string textwrap types typing uuid".split()
)
STILL_BUILTINS = set("open print input exec eval __import__ breakpoint".split())
CHANCE = {"uuid1", "uuid4", "getnode"}
# Words of Ansible that only the glue may use; and it may decide by the last one only once.
GLUE_WORDS = ("AnsibleModule", "fail_json", "exit_json", "check_mode")
# What starts a command: in one place, since ansible-test wants a reason for each.
STARTERS = set("Popen call check_call check_output getoutput getstatusoutput run".split())

FILE_LINES, FUNCTION_LINES, PARAMETERS = 300, 40, 5  # positional ones, beside self
# beside the documentation
CODE_LINES = {"modules": 20, "filter": 60, "inventory": 60, "lookup": 60, "event_source": 20}
EMPTY_NAMES = set("util utils common helper helpers manager misc".split())
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")

SHELLS = tuple(CODE_LINES)  # what Ansible itself finds
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def folder_of(parts: Sequence[str]) -> str:
    """Return the folder that a file belongs to, from the parts of its path under plugins: `_xml`, `filter`, ..."""
    return parts[1] if parts[0] == "module_utils" and len(parts) > 1 else parts[0]


class Source:
    """A Python file under plugins: its path there without the ending, its folder and its syntax tree."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.lines, self.tree = path, text.splitlines(), ast.parse(text)
        self.folder = folder_of(path.split("/"))

    def libraries(self) -> list[tuple[ast.stmt, str]]:
        """Every import of something that is not ours, also those inside functions: the statement, the module."""
        found: list[tuple[ast.stmt, str]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.append((node, node.module or ""))
        return found

    def imports(self) -> list[tuple[ast.stmt, tuple[str, ...]]]:
        """Every import of something of ours, also those inside functions: the statement, the path of what is taken."""
        found: list[tuple[ast.stmt, tuple[str, ...]]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                module = (*self.path.split("/")[: -node.level], *(node.module.split(".") if node.module else ()))
                # What is outside of plugins begins at the collection.
                module = module[1:] if module[:1] == ("plugins",) else module
                found += [(node, (*module, alias.name)) for alias in node.names]
        return found

    def guarded(self) -> set[ast.stmt]:
        """Statements that run late, only for type checkers, or where an ImportError is caught."""
        safe: set[ast.stmt] = set()
        for node in ast.walk(self.tree):
            catches = isinstance(node, ast.Try) and any("ImportError" in _words(handler) for handler in node.handlers)
            for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in _words(node.test)
            body = node.body if catches or for_types or isinstance(node, FUNCTION) else []
            safe |= {inner for statement in body for inner in ast.walk(statement) if isinstance(inner, ast.stmt)}
        return safe

    def code_lines(self) -> int:
        """Lines that hold code: neither blank, nor comment, nor documentation."""
        documentation: set[int] = set()
        for node in self.tree.body:
            names = _words(node.targets[0]) if isinstance(node, ast.Assign) else set()
            if names & set(DOCUMENTATION) or _is_text(node):
                documentation |= set(range(node.lineno, (node.end_lineno or 0) + 1))
        code = (number for number, line in enumerate(self.lines, 1) if line.strip() and line.strip()[0] != "#")
        return len(set(code) - documentation)


def _words(node: ast.AST) -> set[str]:
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return names | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def wrong_imports(source: Source) -> list[str]:
    """Imports of other folders, of libraries that the folder must not know, or written in another form."""
    problems, guarded = [], source.guarded()
    for node, module in source.libraries():
        where = f"{source.path}:{node.lineno}"
        if module.startswith("ansible_collections"):
            problems.append(f"{where}: write it as a relative import")
        else:
            problems += [f"{where}: {text}" for text in _wrong_library(source, module.split(".")[0], node in guarded)]
    for node, parts in source.imports():
        known = {source.folder, "_errors", *BELOW[source.folder]}
        if not {folder_of(parts), ".".join(parts[1:3])} & known:
            problems.append(f"{source.path}:{node.lineno}: {source.folder} must not import {'.'.join(parts[1:])}")
    return problems


def _wrong_library(source: Source, library: str, guarded: bool) -> list[str]:
    if library in LIBRARIES.get(source.folder, ()):
        return [] if guarded or source.folder in ("_task", *SHELLS) else [f"the import of {library} is not guarded"]
    still = source.folder not in BUSY and library not in STILL_LIBRARY
    return [f"{source.folder} does without {library}"] if still or library not in sys.stdlib_module_names else []


def wrong_words(source: Source) -> list[str]:
    """Words of Ansible outside the glue, and input or output where there must be none."""
    problems = []
    for node in ast.walk(source.tree):
        word = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
        if word in GLUE_WORDS and source.folder != "_task":
            problems.append(f"{source.path}:{node.lineno}: only _task says {word}")
        if isinstance(node, ast.Assert) or word == "print":
            problems.append(f"{source.path}:{node.lineno}: tests assert and tools print, plugins do neither")
        if word in STARTERS and _words(node) & {"subprocess"} and not source.path.endswith("_hypervisor/command"):
            problems.append(f"{source.path}:{node.lineno}: only _hypervisor/command starts commands")
        loud = getattr(node, "id", None) in STILL_BUILTINS or {word, getattr(node, "name", None)} & CHANCE
        if loud and source.folder not in BUSY:
            problems.append(f"{source.path}:{node.lineno}: {source.folder} does without {word or node.name}")
    decisions = [node for node in ast.walk(source.tree) if isinstance(node, (ast.If, ast.IfExp))]
    if sum("check_mode" in _words(decision.test) for decision in decisions) > 1:
        problems.append(f"{source.path}: more than one decision by check_mode")
    return problems


def too_large(source: Source) -> list[str]:
    """Files, functions and modules beyond their limits, and the way around the limit on complexity."""
    problems = []
    most = CODE_LINES.get(source.folder, FILE_LINES)
    if source.folder in SHELLS and source.code_lines() >= most:
        problems.append(f"{source.path}: {source.code_lines()} code lines, one of the {source.folder} has under {most}")
    if source.folder not in SHELLS and len(source.lines) >= FILE_LINES:
        problems.append(f"{source.path}: {len(source.lines)} lines, a file has under {FILE_LINES}")
    problems += [f"{source.path}: no exceptions (C901)" for line in source.lines if re.search("# *noqa.*C901", line)]
    for node in (node for node in ast.walk(source.tree) if isinstance(node, FUNCTION)):
        length = (node.end_lineno or 0) - node.lineno + 1
        if length >= FUNCTION_LINES:
            problems.append(f"{source.path}:{node.lineno}: {length} lines, a function has under {FUNCTION_LINES}")
        count = len({one.arg for one in (*node.args.posonlyargs, *node.args.args)} - {"self", "cls"})
        if count > PARAMETERS:
            problems.append(f"{source.path}:{node.lineno}: {count} positional parameters, at most {PARAMETERS}")
    return problems


def undocumented(source: Source) -> list[str]:
    """Public functions, classes and methods without a docstring. Files are private, so ruff does not look."""
    public, problems = [source.tree], []
    while public:
        for node in public.pop().body:
            if isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_") and node.name != "main":
                if not ast.get_docstring(node):
                    problems.append(f"{source.path}:{node.lineno}: {node.name} has no docstring")
                public += [node] if isinstance(node, ast.ClassDef) else []
    return problems


CHECKS = (wrong_imports, wrong_words, too_large, undocumented)
FILES = {
    str(path.relative_to(PLUGINS).with_suffix("")): path
    for folder in ("module_utils", "plugin_utils", *SHELLS)
    for path in sorted((PLUGINS / folder).rglob("*.py"))
} | {f"event_source/{path.stem}": path for path in sorted(EVENT_SOURCES.glob("*.py"))}
TESTS = {str(path.relative_to(HERE)): path for path in sorted(HERE.rglob("*.py"))}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("path", FILES)
def test_file(path, check):
    assert folder_of(path.split("/")) in BELOW, "give the folder its place in BELOW"
    assert check(Source(path, FILES[path].read_text())) == []


@pytest.mark.parametrize("path", TESTS)
def test_file_of_tests(path):
    source = Source(path, TESTS[path].read_text())
    classes = [node for node in source.tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    assert [f"{path}: {node.name} has no docstring" for node in classes if not ast.get_docstring(node)] == []
    assert too_large(source) == []


def test_every_folder_is_there():
    assert set(BELOW) == {folder_of(path.split("/")) for path in FILES}


def circle(imports: Mapping[str, Collection[str]]) -> list[str]:
    """Files that import themselves over others, [] when there are none."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_no_circle():
    """Neither between folders nor inside of one, nor by an import in a function."""
    imports = {}
    for path, file in FILES.items():
        taken = [parts for _node, parts in Source(path, file.read_text()).imports()]
        imports[path] = {"/".join(parts) for whole in taken for parts in (whole, whole[:-1])} & set(FILES)
    assert circle(imports) == []
    assert circle({one: [other.split(".")[0] for other in others] for one, others in BELOW.items()}) == []


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_file_names_say_something():
    names = [path.stem for folder in (PLUGINS, EVENT_SOURCES, HERE) for path in folder.rglob("*.py")]
    assert [name for name in names if EMPTY_NAMES & set(name.split("_"))] == []
