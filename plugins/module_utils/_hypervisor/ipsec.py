# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's policies of IPsec, as it decides by them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

from . import command as _command
from . import host as _host

BLOCKED = re.compile(r"^\s*(in|fwd|out):\s+block$", re.MULTILINE)
ENDS = re.compile(r"^(src \S+ dst \S+)\s+proto (\S+)", re.MULTILINE)  # of a tunnel


def policies() -> list[dict[str, str]]:
    """The first one decides first; none where the kernel has none, or root alone may ask.

    ``tmpl`` is the tunnel that a policy asks for, "" in one for what leaves when there is that tunnel. The last ones,
    with ``default``, are for what no policy is for.
    """
    found = []
    for text in re.split(r"^(?=src )", _printed("policy"), flags=re.MULTILINE):
        said, *tunnels = re.split(r"\n\ttmpl ", text)
        words = said.split()
        asked = [" ".join(ENDS.findall(one)[0]) for one in tunnels if ENDS.match(one) and "level use" not in one]
        found.append({**dict(zip(words[::2], words[1::2])), **({"tmpl": asked[0]} if asked else {})})
    there = {" ".join(one) for one in ENDS.findall(_printed("state", "list", "nokeys"))} if _tunnels(found) else set()
    for one in _tunnels(found):
        if one["dir"] == "out" and one["tmpl"] in there:
            one["tmpl"] = ""
    # What is newer is listed first, and decides last where the priority is the same.
    ordered = sorted([one for one in reversed(found) if "dir" in one], key=lambda one: int(one["priority"]))
    return [*ordered, *_defaults()]


def _tunnels(found: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in found if "tmpl" in one]


def _defaults() -> Iterator[dict[str, str]]:
    """What is blocked unless a policy allows it (since Linux 5.16)."""
    for way in BLOCKED.findall(_printed("policy", "getdefault")):
        for every in ("0.0.0.0/0", "::/0"):
            yield {"src": every, "dst": every, "dir": way, "action": "block", "default": way}


def _printed(*words: str) -> str:
    try:
        return _command.run([_host.IP, "xfrm", *words]).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
