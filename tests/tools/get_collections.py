"""Puts the collections that the tests need into .build/ansible_collections, out of the package that brings them all.

The whole of that package is not installed. What is there of another version is replaced.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

BUILD = Path(__file__).parents[2] / ".build"
BUNDLE = "ansible==12.3.0"
WANTED = ("awx/awx", "community/libvirt")


def main() -> None:
    """Download the package, take the collections out of it, and say their versions."""
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", BUNDLE]
        subprocess.run([*pip, "--dest", folder], check=True)
        (wheel,) = Path(folder).glob("ansible-*.whl")
        inside = tuple(f"ansible_collections/{name}/" for name in WANTED)
        for name in inside:
            shutil.rmtree(BUILD / name, ignore_errors=True)
        with zipfile.ZipFile(wheel) as bundle:
            bundle.extractall(BUILD, [name for name in bundle.namelist() if name.startswith(inside)])
    manifests = [json.loads((BUILD / name / "MANIFEST.json").read_text()) for name in inside]
    told = [manifest["collection_info"] for manifest in manifests]
    print(", ".join(f"{one['namespace']}.{one['name']} {one['version']}" for one in told))


if __name__ == "__main__":
    main()
