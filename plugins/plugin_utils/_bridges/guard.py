# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the guard's script that is about one change: what it writes, looks for, starts and removes."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FOLDERS = {
    "networkmanager": ("/etc/NetworkManager/system-connections",),
    "networkd": ("/etc/systemd/network",),
    "netplan": ("/etc/netplan",),
    "ifupdown": ("/etc/network",),
}


def guard_head(plan: Mapping[str, Any], files: Iterable[Mapping[str, Any]], timeout: int) -> str:
    """The functions and variables that guard.sh expects above itself."""
    words = {"timeout": [timeout], "folders": FOLDERS[plan["provider"]], **plan["words"]}
    functions = [
        *_function("write_files", _writes(files)),
        *_function("check", _wants(plan["checks"])),
        *_function("is_back", _wants(plan["back"])),
    ]
    return "".join([*_assigned(words), *functions])


def _assigned(words: Mapping[str, Iterable[Any]]) -> list[str]:
    return [f"{name}={shlex.quote(' '.join(str(value) for value in values))}\n" for name, values in words.items()]


def _function(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name}() {{\n\t:\n", *(f"\t{line}\n" for line in lines), "}\n"]


def _writes(files: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = []
    for file in files:
        path = shlex.quote(file["path"])
        text = base64.b64encode((file["text"] or "").encode(errors="surrogateescape")).decode()
        written = f"echo {text} | write {path} {file['mode']} {shlex.quote(file['like'])} || return"
        lines.append(f"rm -f {path} || return" if file["text"] is None else written)
    return lines


def _wants(checks: Iterable[Sequence[str]]) -> list[str]:
    return [f"want_{check[0]} {shlex.join(check[1:])} || return" for check in checks]
