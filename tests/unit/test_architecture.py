"""The architecture of the plugins, read from their syntax trees: who imports whom, who touches what, what is too large.

The rings are data: a new file in plugins/module_utils is one more name below. docs/architecture.md says why.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
UTILS = "ansible_collections.virtfleet.network.plugins.module_utils"

# Each file's ring. Within a ring, a file may import those left of it.
RINGS = {
    "gate": ("_python",),
    "errors": ("_readable", "_errors"),
    "pure": (
        "_given",
        *("_kinds", "_fields", "_shared_xml", "_address_xml", "_network_xml", "_interface_xml"),
        *("_codec", "_overlay", "_diff"),
        *(
            "_steps",
            "_connected",
            "_state",
            "_target",
            "_dnsmasq",
            "_dhcp_checks",
            "_dns_checks",
            "_checks",
            "_conflicts",
        ),
        *("_needs", "_live_lists", "_live"),
        *("_loss", "_remarks", "_parking", "_bounce", "_plan"),
        *("_entries", "_entry_editor", "_entry_options"),
        *("_interface_checks", "_interface_spec", "_subnet_plan", "_network_plan"),
        *("_bridge_host", "_bridge_options", "_bridge", "_bridge_files", "_bridge_documents", "_bridge_keyfiles"),
        *("_bridge_plan", "_bridge_look", "_bridge_guard", "_bridge_shown", "_bridge_texts"),
        *("_nic_steps", "_nic_define", "_nics", "_nic_claims", "_nic_port", "_nic_live", "_nic_demands"),
        *("_nic_plan", "_nic_restore", "_nic_place", "_qemu_checks", "_nic_checks"),
        *("_nic_verdict",),
        *("_findings", "_sight", "_service_diagnosis", "_network_diagnosis", "_diagnosis", "_audit"),
        *("_audit_text", "_drawing", "_report", "_audit_document", "_variables"),
    ),
    "edge": (
        *("_command", "_graphviz", "_lock", "_host", "_shaping", "_trial", "_probe", "_look"),
        *("_calls", "_link", "_users", "_replug", "_gateway", "_guests", "_snapshot"),
    ),
    "conductor": (
        *(
            "_together",
            "_info",
            "_converge",
            "_check",
            "_dependencies",
            "_schema_advice",
            "_transaction",
            "_nic_info",
            "_nic_converge",
        ),
        *("_topology", "_topology_transaction", "_survey"),
    ),
    "glue": ("_secrets", "_task", "_module", "_nic_module", "_topology_module"),
}
# What a ring, or a file of it, may import of other rings: whole rings or single files.
MAY_IMPORT = {
    "errors": (),
    "pure": ("errors",),
    "edge": ("errors", "_codec", "_steps", "_state", "_parking", "_nic_steps", "_nic_define", "_connected", "_sight"),
    "conductor": ("errors", "pure"),
    "glue": ("errors", "pure", "edge", "conductor"),
    "shell": ("_python", "_fields", "_module"),  # and one file more: the module's resource
    "filter": ("errors", "pure"),
    "audit_report": ("pure", "_graphviz"),
}
# What a file imports for types only, or late, in the function that goes on there: most runs never get so far.
MAY_IMPORT_LATE = {
    "_converge": "_transaction",
    "_info": "_gateway",
    "_check": "_guests",
    "_nic_info": "_guests",
    "_survey": "_guests",
    "_topology": "_topology_transaction",
}
# Libraries beside Python's own. Their import is guarded: Ansible reports a missing one in its own words.
LIBRARIES = {
    "pure": ("lxml",),
    "_gateway": ("libvirt",),
    "_link": ("libvirt",),
    "_users": ("libvirt",),
    "_replug": ("libvirt",),
    "_guests": ("libvirt",),
    "glue": ("ansible", "lxml"),
    "filter": ("ansible",),
    "_bridge_texts": ("yaml",),
    "audit_report": ("jinja2", "markupsafe"),
}
# Rings without input and output, clock and chance: the only parts of Python's library that they may use.
STILL_RINGS = ("errors", "pure", "conductor")
STILL_LIBRARY = set(
    "__future__ abc base64 collections contextlib copy dataclasses difflib enum functools graphlib ipaddress"
    " itertools json math operator re shlex string textwrap types typing uuid".split()
)
STILL_BUILTINS = set("open print input exec eval __import__ breakpoint".split())
CHANCE = {"uuid1", "uuid4", "getnode"}
# Words of Ansible that only the glue may use; and it may decide by the last one only once.
GLUE_WORDS = ("AnsibleModule", "fail_json", "exit_json", "check_mode")
# What starts a command: in one place, since ansible-test wants a reason for each.
STARTERS = set("Popen call check_call check_output getoutput getstatusoutput run".split())

FILE_LINES, FUNCTION_LINES, MODULE_CODE_LINES = 300, 40, 60
EMPTY_NAMES = set("util utils common helper helpers manager misc".split())
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")

# The rings of what Ansible itself finds, by folder.
SHELLS = {"modules": "shell", "filter": "filter", "lookup": "filter"}
RING_OF = {name: ring for ring, names in RINGS.items() for name in names}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Source:
    """A Python file under plugins: its name, its ring and its syntax tree."""

    def __init__(self, name: str, text: str, folder: str = "modules") -> None:
        self.name, self.lines, self.tree = name, text.splitlines(), ast.parse(text)
        self.ring = RING_OF[name] if name.startswith("_") else SHELLS[folder]

    def imports(self) -> list[tuple[ast.stmt, str, str]]:
        """Every import, also those inside functions: the statement, the module's full name, the name taken from it."""
        found: list[tuple[ast.stmt, str, str]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node, alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found += [(node, module, alias.name) for alias in node.names]
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
    """Imports across rings, of libraries that the ring must not know, or written in another form."""
    problems, guarded, resources = [], source.guarded(), set()
    for node, module, taken in source.imports():
        where = f"{source.name}:{node.lineno}"
        if not module.startswith((".", "ansible_collections")):
            problems += [f"{where}: {text}" for text in _wrong_library(source, module.split(".")[0], node in guarded)]
            continue
        other = f"{module}.{taken}".removeprefix(UTILS + ".").split(".")[0]
        if not f"{module}.".startswith(UTILS + ".") or not other.startswith("_"):
            problems.append(f"{where}: write it as `from {UTILS}._noun import name`")
        elif source.ring == "shell":
            resources |= {other} - set(MAY_IMPORT["shell"])
        elif not _may_import(source, other, late=node in guarded):
            problems.append(f"{where}: {source.name} ({source.ring}) must not import {other}")
    if len(resources) > 1:
        problems.append(f"{source.name}: a module has one resource, not {sorted(resources)}")
    return problems


def _may_import(source: Source, other: str, *, late: bool) -> bool:
    siblings = RINGS.get(source.ring, ())
    if late and MAY_IMPORT_LATE.get(source.name) == other:
        return True
    if other in siblings:
        return siblings.index(other) < siblings.index(source.name)
    return bool({RING_OF.get(other), other} & set(_of(source, MAY_IMPORT)))


def _of(source: Source, table: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return table.get(source.name, table.get(source.ring, ()))


def _wrong_library(source: Source, library: str, guarded: bool) -> list[str]:
    if library in _of(source, LIBRARIES):
        return [] if guarded or library == "ansible" else [f"the import of {library} is not guarded"]
    if source.ring in STILL_RINGS and library not in STILL_LIBRARY:
        return [f"{source.ring} files do without {library}"]
    if library not in sys.stdlib_module_names:
        return [f"{source.ring} files do without {library}"]
    return []


def wrong_words(source: Source) -> list[str]:
    """Words of Ansible outside the glue, and input or output where there must be none."""
    problems = []
    for node in ast.walk(source.tree):
        word = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
        if word in GLUE_WORDS and source.ring != "glue":
            problems.append(f"{source.name}:{node.lineno}: only the glue says {word}")
        if word in STARTERS and _words(node) & {"subprocess"} and source.name != "_command":
            problems.append(f"{source.name}:{node.lineno}: only _command starts commands")
        loud = getattr(node, "id", None) in STILL_BUILTINS or {word, getattr(node, "name", None)} & CHANCE
        if loud and source.ring in STILL_RINGS:
            problems.append(f"{source.name}:{node.lineno}: {source.ring} files do without {word or node.name}")
    decisions = [node for node in ast.walk(source.tree) if isinstance(node, (ast.If, ast.IfExp))]
    if sum("check_mode" in _words(decision.test) for decision in decisions) > 1:
        problems.append(f"{source.name}: more than one decision by check_mode")
    return problems


def too_large(source: Source) -> list[str]:
    """Files, functions and modules beyond their limits, and the way around the limit on complexity."""
    problems = []
    if source.ring in SHELLS.values() and source.code_lines() >= MODULE_CODE_LINES:
        problems.append(f"{source.name}: {source.code_lines()} code lines, a module has under {MODULE_CODE_LINES}")
    if source.ring not in SHELLS.values() and len(source.lines) >= FILE_LINES:
        problems.append(f"{source.name}: {len(source.lines)} lines, a file has under {FILE_LINES}")
    for node in ast.walk(source.tree):
        length = node.end_lineno - node.lineno + 1 if isinstance(node, FUNCTION) else 0
        if length >= FUNCTION_LINES:
            problems.append(f"{source.name}:{node.lineno}: {length} lines, a function has under {FUNCTION_LINES}")
    problems += [f"{source.name}: no exceptions (C901)" for line in source.lines if re.search("noqa.*C901", line)]
    return problems


def undocumented(source: Source) -> list[str]:
    """Public functions, classes and methods without a docstring. Files are private, so ruff does not look."""
    public, problems = [source.tree], []
    while public:
        for node in public.pop().body:
            if isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_") and node.name != "main":
                if not ast.get_docstring(node):
                    problems.append(f"{source.name}:{node.lineno}: {node.name} has no docstring")
                public += [node] if isinstance(node, ast.ClassDef) else []
    return problems


CHECKS = (wrong_imports, wrong_words, too_large, undocumented)
FILES = [path for folder in ("module_utils", *SHELLS) for path in sorted(PLUGINS.glob(f"{folder}/*.py"))]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(path, check):
    assert path.stem in RING_OF or path.parent.name in SHELLS, "give the file its place in RINGS"
    assert check(Source(path.stem, path.read_text(), path.parent.name)) == []


def test_every_file_of_a_ring_is_there():
    assert set(RING_OF) - {path.stem for path in PLUGINS.glob("module_utils/*.py")} == set()


def test_module_utils_are_flat():
    assert [path.name for path in PLUGINS.glob("module_utils/*") if path.is_dir() and path.name != "__pycache__"] == []


def test_file_names_say_something():
    names = [path.stem for folder in (PLUGINS, Path(__file__).parents[1]) for path in folder.rglob("*.py")]
    assert [name for name in names if EMPTY_NAMES & set(name.split("_"))] == []


FROM = f"from {UTILS}."
LONG = "\n".join(["def long():", '    """Say why."""', *["    pass"] * 38])


@pytest.mark.parametrize(
    "name,text,problem",
    [
        ("_errors", FROM + "_fields import Attr", "must not import _fields"),
        ("_fields", FROM + "_codec import parse", "must not import _codec"),
        ("_plan", FROM + "_gateway import Gateway", "must not import _gateway"),
        ("_plan", "def plan():\n    '''Lazily.'''\n    " + FROM + "_module import run", "must not import _module"),
        ("_gateway", FROM + "_plan import plan", "must not import _plan"),
        ("_host", FROM + "_gateway import Gateway", "must not import _gateway"),
        ("_host", "try:\n    import libvirt\nexcept ImportError:\n    libvirt = None", "do without libvirt"),
        ("_converge", FROM + "_gateway import Gateway", "must not import _gateway"),
        ("_converge", FROM + "_transaction import transact", "must not import _transaction"),
        ("_codec", "from ._fields import Attr", "write it as"),
        ("_codec", "from ansible_collections.community.libvirt.plugins.module_utils._x import y", "write it as"),
        ("_kinds", f"from {UTILS} import _fields as fields", "must not import _fields"),
        ("_kinds", f"import {UTILS}._fields", "must not import _fields"),
        ("_converge", f"from {UTILS} import _gateway", "must not import _gateway"),
        ("_plan", "import libvirt", "do without libvirt"),
        ("_plan", "from ansible.module_utils.basic import env_fallback", "do without ansible"),
        ("_plan", "import os.path", "do without os"),
        ("_plan", "from datetime import datetime", "do without datetime"),
        ("_plan", "import yaml", "do without yaml"),
        ("_plan", "open('/etc/hosts')", "do without open"),
        ("_plan", "from uuid import uuid4", "do without uuid4"),
        ("_plan", "import uuid\nNEW = uuid.uuid4()", "do without uuid4"),
        ("_converge", "import time", "do without time"),
        ("_host", "import subprocess\nsubprocess.run(['true'])", "only _command starts commands"),
        ("_gateway", "import requests", "do without requests"),
        ("_gateway", "import libvirt", "is not guarded"),
        ("_codec", "from lxml import etree", "is not guarded"),
        ("_codec", "try:\n    from lxml import etree\nexcept OSError:\n    etree = None", "is not guarded"),
        ("_converge", "def run(module):\n    '''Run.'''\n    module.exit_json()", "only the glue says exit_json"),
        ("_converge", "def run(check_mode):\n    '''Run.'''", "only the glue says check_mode"),
        ("_module", "A = 1 if m.check_mode else 2\nif not m.check_mode:\n    A = 3", "more than one decision"),
        ("_plan", "\n" * 300, "a file has under 300"),
        ("_plan", LONG, "a function has under 40"),
        ("_plan", "pass  # noqa: E501, C901", "no exceptions"),
        ("_plan", "def public():\n    pass", "public has no docstring"),
        ("virt_thing", f"{FROM}_codec import parse\n{FROM}_plan import plan", "one resource"),
        ("virt_thing", "from ansible.module_utils.basic import AnsibleModule", "do without ansible"),
        ("virt_thing", "import libvirt", "do without libvirt"),
        ("virt_thing", "DOCUMENTATION = '''\n'''\n" + "A = 1\n" * 60, "60 code lines"),
        ("_plan", "class Thing:\n    '''A thing.'''\n    def use(self):\n        pass", "use has no docstring"),
    ],
)
def test_wrong_files_are_found(name, text, problem):
    source = Source(name, text)
    assert problem in " ".join(found for check in CHECKS for found in check(source))


@pytest.mark.parametrize(
    "name,text",
    [
        (
            "_codec",
            "try:\n    from lxml import etree\nexcept ImportError:\n    etree = None\n" + FROM + "_fields import A",
        ),
        ("_codec", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lxml import etree"),
        ("_codec", f"from {UTILS} import _fields as fields"),
        ("_plan", "import re\nWORD = re.compile('open').pattern"),
        ("_plan", f"import re\n{FROM}_errors import InvalidNetwork\n{FROM}_steps import Define"),
        ("_gateway", f"import os\ndef connect():\n    '''Connect.'''\n    import libvirt\n{FROM}_steps import Define"),
        ("_converge", f"def run():\n    'Run.'\n    {FROM}_transaction import transact\n{FROM}_plan import plan"),
        ("virt_thing", f"{FROM}_fields import spec\n{FROM}_module import run\n{FROM}_network_xml import NETWORK"),
        ("_module", f"from ansible.module_utils.basic import AnsibleModule\n{FROM}_converge import converge"),
    ],
)
def test_right_files_pass(name, text):
    assert [found for check in CHECKS for found in check(Source(name, text))] == []


@pytest.mark.parametrize(
    "text,problem",
    [
        (FROM + "_gateway import Gateway", "(filter) must not import _gateway"),
        ("from lxml import etree", "do without lxml"),
        ("def filters(self):\n    pass", "filters has no docstring"),
        ("A = 1\n" * 60, "60 code lines"),
        (f"from ansible.errors import AnsibleFilterError\n{FROM}_interface_spec import render", ""),
    ],
)
def test_filters_know_what_is_pure(text, problem):
    found = [one for check in CHECKS for one in check(Source("a_filter", text, "filter"))]
    assert problem in " ".join(found) if problem else found == []


def test_documentation_does_not_count_as_code():
    text = '"""Why."""\nDOCUMENTATION = """\n' + "line\n" * 500 + f'"""\n# comment\n\n{FROM}_module import run\n'
    assert Source("virt_thing", text).code_lines() == 1
