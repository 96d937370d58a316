# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of iptables-legacy, which nftables does not trace: which of those that drop have counted something."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from .._values.probe import Evidence
from . import command as _command

TABLES = {4: ("ip", "ip_tables_names", "iptables"), 6: ("ip6", "ip6_tables_names", "ip6tables")}
Counters = Mapping[tuple[str, str, str], int]


def counters(version: int) -> Counters:
    """How many packets the rules and policies that drop have counted, by their table, chain and text."""
    _family, names, command = TABLES[version]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if Path("/proc/net", names).read_text(encoding="ascii").strip():  # it holds those of iptables-legacy
            saves = (f"{command}-legacy-save", f"{command}-save")
            program = next(filter(None, (shutil.which(save, path=_command.PATH) for save in saves)), "")
            return dict(_dropping(_command.run([program, "-c"], check=True).stdout))
    return {}


def _dropping(saved: str) -> Iterator[tuple[tuple[str, str, str], int]]:
    table = ""
    for line in saved.splitlines():
        policy = re.match(r":(\S+) DROP \[(\d+):", line)
        rule = re.match(r"\[(\d+):\d+\] -A (\S+) (.*-j (?:DROP|REJECT)\b.*)", line)
        if line.startswith("*"):
            table = line[1:]
        elif policy:
            yield (table, policy[1], "policy DROP"), int(policy[2])
        elif rule:
            yield (table, rule[2], f"-A {rule[2]} {rule[3]}"), int(rule[1])


def counted(version: int, before: Counters, after: Counters) -> list[Evidence]:
    """The rules that have counted more since."""
    family, _names, command = TABLES[version]
    return [
        Evidence("counter", f"{command}-legacy -t {table} {text}", family, table, chain)
        for (table, chain, text), number in after.items()
        if number > before.get((table, chain, text), 0)
    ]
