"""The roots that machines run on: this machine's own, a Debian release with its libvirt and Python, or a full one.

The full ones ("full-bookworm", ...) have systemd and no libvirt, but what apt needs to install it without a network.
"disturbed-bookworm" and the like have libvirt, too, and what apt needs to install what gets in its way there. "modular"
has a daemon for each part of libvirt, as Fedora and RHEL 9 have.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from .cache import build, cache_dir, locked
from .unavailable import LabUnavailable

HOST = "host"
SUITES = ("bullseye", "bookworm", "trixie", "sid")
FULL = "full-"
FULL_SUITES = ("bookworm", "trixie")
DISTURBED = "disturbed-"
MODULAR = "modular"
MODULAR_SUITE = "trixie"
LIGHT = (*SUITES, MODULAR)
KINDS = (*LIGHT, *(f"{kind}{suite}" for kind in (FULL, DISTURBED) for suite in FULL_SUITES))


def root(name: str) -> Path:
    """Return the read-only folder that is the root `name`, making and caching it when it is not there.

    `name` is "host" (this machine's own root), a Debian suite, or a full one; making one takes some minutes and 700 MB.
    Raises LabUnavailable when the root is not available.
    """
    if name in (HOST, own_suite()):
        return Path("/")
    if name not in KINDS:
        raise LabUnavailable(f"no root {name!r}: choose one of {', '.join((HOST, *KINDS))}")
    folder = root_dir(name)
    if not folder.exists():
        with locked(f"root-{name}") as lock:
            if not folder.exists():
                _make(name, folder, lock)
    return folder


def full_modular() -> Path:
    """Return two roots, as overlayfs takes them: a full one, and below it what it lacks of "modular"."""
    return Path(f"{root(f'{FULL}{MODULAR_SUITE}')}:{root(MODULAR)}")


def root_dir(name: str) -> Path:
    """Return where a root is cached; the folder's name changes with the list of packages in it, and how it is built."""
    script, suite = recipe(name)
    what = [*packages(name), *([script.read_text(), suite] if name == MODULAR else ())]
    digest = hashlib.sha256(" ".join(what).encode()).hexdigest()[:8]
    return cache_dir() / f"root-{name}-{digest}"


def packages(name: str) -> list[str]:
    """Return what a root has installed and, behind a "--", what it has downloaded, or needs to build libvirt."""
    if name.startswith(FULL):
        return [*_listed("packages-full.txt"), "--", *_listed("packages-full-later.txt")]
    if name.startswith(DISTURBED):
        whole = [*_listed("packages-full.txt"), *_listed("packages-disturbed.txt")]
        return [*whole, "--", *_listed("packages-disturbed-later.txt")]
    if name == MODULAR:
        return [*_listed("packages-root.txt"), "--", *_listed("packages-modular.txt")]
    return _listed("packages-root.txt")


def recipe(name: str) -> tuple[Path, str]:
    """Return the script that makes a root, and the Debian release that it is of."""
    if name == MODULAR:
        return Path(__file__).with_name("root_modular.sh"), MODULAR_SUITE
    return Path(__file__).with_name("root_build.sh"), name.removeprefix(FULL).removeprefix(DISTURBED)


def _listed(file: str) -> list[str]:
    return Path(__file__).with_name(file).read_text().split()


def own_suite() -> str:
    """Return the code name of the Debian release that this machine runs, or "" when it says none."""
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return ""


def mirror() -> str:
    """Return the URL of the Debian mirror that this machine's apt is set to; LabUnavailable when it has none."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"]
    try:
        targets = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError) as error:
        raise LabUnavailable(f"the mirror cannot be read from apt: {error}") from error
    for target in targets:
        url, _space, label = target.partition(" ")
        # apt knows the label only once its lists are fetched; the path says it too
        if label == "Debian" or (not label and url.rstrip("/").endswith("/debian")):
            return url
    raise LabUnavailable("apt on this machine has no Debian mirror in its sources")


def _make(name: str, folder: Path, lock: int) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    script, suite = recipe(name)
    build_it = [str(script), suite, mirror(), str(partial)]
    build(f"root {name}", [*apart, *build_it, *packages(name)], cache_dir() / f"root-{name}.log", lock)
    partial.rename(folder)
