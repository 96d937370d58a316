"""Build the collection as for a release and look into the tarball: it holds what users need, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".build/tarball"
FILES = {
    *("CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "bindep.txt", "requirements.txt"),
    *(".ansible-lint", "changelogs/changelog.yaml", "tests/config.yml"),
}
FOLDERS = ("docs/", "extensions/eda/", "meta/", "playbooks/", "plugins/", "roles/")
NEEDED = {
    *("LICENSE", "MANIFEST.json", "README.md", "meta/runtime.yml"),
    *("meta/execution-environment.yml", "bindep.txt", "requirements.txt", ".ansible-lint", "tests/config.yml"),
}
# What users need all of.
WHOLE = ("extensions/eda", "playbooks", "roles")


def is_for_users(name: str) -> bool:
    """Return whether a file belongs in a release."""
    hidden = any(part.startswith(".") and part != ".gitkeep" for part in name.split("/"))
    return name in FILES or (not hidden and name.startswith(FOLDERS))


def main() -> int:
    """Print what is in the tarball and should not be, or is missing; return the exit status."""
    build = ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(BUILD)]
    BUILD.mkdir(parents=True, exist_ok=True)
    for old in BUILD.glob("*.tar.gz"):
        old.unlink()
    subprocess.run(build, check=True)
    (tarball,) = BUILD.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive.getmembers() if member.isfile()}
    whole = {str(path.relative_to(ROOT)) for top in WHOLE for path in (ROOT / top).rglob("*") if path.is_file()}
    foreign = sorted(name for name in names if not is_for_users(name))
    missing = sorted((NEEDED | whole) - names)
    print(f"{tarball.name}: {len(names)} files, {tarball.stat().st_size // 1000} KB")
    if foreign:
        print("not for users (see build_ignore in galaxy.yml):", *foreign, sep="\n  ")
    if missing:
        print("missing:", *missing, sep="\n  ")
    return 1 if foreign or missing else 0


if __name__ == "__main__":
    sys.exit(main())
