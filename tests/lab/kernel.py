"""What a guest boots: Debian's cloud kernel, and an initramfs of busybox, the network's modules and guest_init.sh; on
request also QEMU's guest agent."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .cache import build, cache_dir, locked
from .unavailable import LabUnavailable

MODULES = ("virtio_pci", "virtio_net")
AGENT_MODULE = "virtio_console"
# What ldd prints of a library: its path, also where it has no other name.
LIBRARY = re.compile(r"^\s(?:\S+ => )?(/\S+) \(", re.MULTILINE)


def kernel(agent: bool = False) -> Path:
    """Return the cached folder with `vmlinuz` and, in the order of their names, the `modules` that a guest needs; with
    `agent` it also has `qemu-ga`, and the module that this speaks through.

    Downloads 27 MB by apt when it is not there; LabUnavailable when apt cannot.
    """
    name = "kernel-agent" if agent else "kernel"
    folder = cache_dir() / name
    if not folder.exists():
        with locked(name) as lock:
            if not folder.exists():
                _fetch(folder, lock, agent)
    return folder


def write_initramfs(target: Path, agent: bool = False) -> None:
    """Write the initramfs to a file."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for folder in ("bin", "dev", "etc", "proc", "run", "sys", "tmp"):
            (tree / folder).mkdir()
        shutil.copy(shutil.which("busybox") or "/bin/busybox", tree / "bin")
        for script in ("init", "lease"):
            (tree / script).write_text("#!/bin/busybox sh\n" + (here / f"guest_{script}.sh").read_text())
            (tree / script).chmod(0o755)
        shutil.copytree(kernel(agent) / "modules", tree / "modules")
        if agent:
            _add_program(kernel(agent) / "qemu-ga", tree)
        with target.open("wb") as archive:
            pack = "find . | busybox cpio -o -H newc 2>/dev/null"
            subprocess.run(["sh", "-c", pack], cwd=tree, stdout=archive, check=True)


def _add_program(program: Path, tree: Path) -> None:
    """Put a program into a tree, with this machine's libraries that it needs."""
    shutil.copy(program, tree / "bin")
    listed = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
    if "not found" in listed:
        raise LabUnavailable(f"this machine lacks libraries of {program.name}: {listed}")
    for library in LIBRARY.findall(listed):
        copy = tree / library.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, copy)


def _fetch(folder: Path, lock: int, agent: bool) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "modules").mkdir(parents=True)
    script = str(Path(__file__).with_name("kernel_fetch.sh"))
    more = ["qemu-guest-agent"] if agent else []
    build("kernel for guests", [script, str(partial), *more], folder.with_suffix(".log"), lock)
    loaded: dict[str, bytes] = {}
    for module in (*MODULES, *([AGENT_MODULE] if agent else [])):
        _load_order(partial / "tree", module, loaded)
    for number, (module, code) in enumerate(loaded.items()):
        (partial / f"modules/{number:02}-{module}.ko").write_bytes(code)
    if agent:
        (partial / "tree/usr/sbin/qemu-ga").rename(partial / "qemu-ga")
    shutil.rmtree(partial / "tree")
    partial.rename(folder)


def _load_order(tree: Path, module: str, loaded: dict[str, bytes]) -> None:
    """Add a module to `loaded`, after those it depends on; one that has no file is built into the kernel."""
    found = next(tree.rglob(f"{module}.ko*"), None)
    if module in loaded or found is None:
        return
    code = found.read_bytes()
    if found.suffix == ".xz":
        code = lzma.decompress(code)
    depends = re.search(rb"\0depends=([^\0]*)", code)
    for dependency in depends[1].decode().split(",") if depends else []:
        _load_order(tree, dependency, loaded)
    loaded[module] = code
