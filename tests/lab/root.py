"""The roots that hypervisors run on: the machine's own, or another Debian release with its libvirt and Python."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from .cache import build, cache_dir, locked
from .unavailable import LabUnavailable

HOST = "host"
SUITES = ("bullseye", "bookworm", "trixie", "sid")
PACKAGES = Path(__file__).with_name("packages-root.txt").read_text().split()


def root(name: str) -> Path:
    """Return the read-only folder that is the root `name`, making and caching it when it is not there.

    `name` is "host" (this machine's own root) or a Debian suite; making one takes some minutes and 700 MB.
    Raises LabUnavailable when it cannot be had.
    """
    if name in (HOST, own_suite()):
        return Path("/")
    if name not in SUITES:
        raise LabUnavailable(f"no root {name!r}: choose one of {', '.join((HOST, *SUITES))}")
    folder = root_dir(name)
    if not folder.exists():
        with locked(f"root-{name}") as lock:
            if not folder.exists():
                _make(name, folder, lock)
    return folder


def root_dir(suite: str) -> Path:
    """Return where the root of a suite is cached; the name changes with the list of packages in it."""
    digest = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    return cache_dir() / f"root-{suite}-{digest}"


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
        url, _, label = target.partition(" ")
        # apt knows the label only once its lists are fetched; the path says it too
        if label == "Debian" or (not label and url.rstrip("/").endswith("/debian")):
            return url
    raise LabUnavailable("apt on this machine has no Debian mirror in its sources")


def _make(suite: str, folder: Path, lock: int) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    script = [str(Path(__file__).with_name("root_build.sh")), suite, mirror(), str(partial), *PACKAGES]
    build(f"root {suite}", [*apart, *script], cache_dir() / f"root-{suite}.log", lock)
    partial.rename(folder)
