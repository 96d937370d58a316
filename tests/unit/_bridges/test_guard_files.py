"""The guard's files: saved, changed and given back, more than once as well."""

from __future__ import annotations

import subprocess
from pathlib import Path

FILES = Path(__file__).parents[3] / "roles/host_bridge/files/guard_files.sh"
SCRIPT = """
run() { "$@"; }
self=/dev/null unit=guard kept=$1/kept folders=$1/etc
. "$2"
save && rm "$folders/gone" "$folders/link" && echo other >"$folders/file" && ln -s /elsewhere "$folders/link" || exit
echo new >"$folders/new"
restore && restore
"""


def test_what_is_given_back_twice_is_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    (folder / "sub").mkdir(parents=True)
    for name in ("file", "gone", "sub/same"):
        (folder / name).write_text(name)
    (folder / "link").symlink_to("/lib/bridge-utils/ifupdown.sh")
    done = subprocess.run(["sh", "-c", SCRIPT, "sh", tmp_path, FILES], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(f"{path.relative_to(folder)}" for path in folder.rglob("*")) == [
        "file",
        "gone",
        "link",
        "sub",
        "sub/same",
    ]
    assert (folder / "file").read_text() == "file"
    assert f"{(folder / 'link').readlink()}" == "/lib/bridge-utils/ifupdown.sh"
