"""What a guest boots: Debian's cloud kernel, and an initramfs of busybox, the network's modules and guest_init.sh."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .cache import build, cache_dir, locked

MODULES = ("virtio_pci", "virtio_net")


def kernel() -> Path:
    """Return the cached folder with `vmlinuz` and, in the order of their names, the `modules` that a guest needs.

    Downloads 27 MB by apt when it is not there; LabUnavailable when apt cannot.
    """
    folder = cache_dir() / "kernel"
    if not folder.exists():
        with locked("kernel") as lock:
            if not folder.exists():
                _fetch(folder, lock)
    return folder


def write_initramfs(target: Path) -> None:
    """Write the initramfs to a file."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for folder in ("bin", "dev", "etc", "proc", "run", "sys", "tmp"):
            (tree / folder).mkdir()
        shutil.copy(shutil.which("busybox") or "/bin/busybox", tree / "bin")
        shutil.copy(here / "guest_init.sh", tree / "init")
        shutil.copy(here / "guest_lease.sh", tree / "lease")
        shutil.copytree(kernel() / "modules", tree / "modules")
        with target.open("wb") as archive:
            pack = "find . | busybox cpio -o -H newc 2>/dev/null"
            subprocess.run(["sh", "-c", pack], cwd=tree, stdout=archive, check=True)


def _fetch(folder: Path, lock: int) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "modules").mkdir(parents=True)
    script = str(Path(__file__).with_name("kernel_fetch.sh"))
    build("kernel for guests", [script, str(partial)], cache_dir() / "kernel.log", lock)
    loaded: dict[str, bytes] = {}
    for module in MODULES:
        _load_order(partial / "tree", module, loaded)
    for number, (module, code) in enumerate(loaded.items()):
        (partial / f"modules/{number:02}-{module}.ko").write_bytes(code)
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
