"""Measures what a task sends and what it imports before anything is to be changed: the closure of each module in KB.

Ansible compiles all that is sent or imported for every task: small closures are speed.
"""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

from tests.bench.plays import BUILD, row

# Before anything of the collection is imported: Ansible does not know what was imported without its loader.
init_plugin_loader([])

MODULES = sorted(path.stem for path in (BUILD.parent / "plugins/modules").glob("[a-z]*.py"))
OURS = "ansible_collections/virtfleet/network/"
# Run apart: a module has imported nothing yet. What it imports inside of functions, only some tasks need.
IMPORTS = """
import importlib, json, os, sys
importlib.import_module(sys.argv[1])
files = {getattr(module, "__file__", None) for module in [*sys.modules.values()]}
print(json.dumps(sum(os.path.getsize(file) for file in files if file and sys.argv[2] in file)))
"""


def sent(module: str) -> tuple[float, float]:
    """KB of Python that a task sends: all of it, and the collection's part."""
    made = modify_module(
        module_name=module,
        module_path=module_loader.find_plugin(module),
        module_args={},
        templar=Templar(DataLoader()),
        task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
    )
    packed = max(re.findall(rb"[A-Za-z0-9+/=]{1000,}", made.b_module_data), key=len)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed))) as archive:
        files = archive.infolist()
    parts = files, [file for file in files if file.filename.startswith(OURS)]
    whole, ours = (sum(file.file_size for file in part) / 1000 for part in parts)
    return whole, ours


def imported(module: str) -> float:
    """KB of the collection that a module imports when it starts."""
    name = f"{OURS.replace('/', '.')}plugins.modules.{module}"
    command = [sys.executable, "-c", IMPORTS, name, str(Path("virtfleet/network/plugins"))]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return float(json.loads(done.stdout)) / 1000


def of_modules() -> None:
    """The closure of each module, against all that a ping sends."""
    ping, _none = sent("ansible.builtin.ping")
    row("ansible.builtin.ping", f"{ping:.0f} KB")
    for module in MODULES:
        whole, ours = sent(f"virtfleet.network.{module}")
        row(
            module,
            f"{ours:.0f} KB",
            f"{imported(module):.0f} KB imported at once, {whole / ping:.2f} of what a ping sends",
        )
