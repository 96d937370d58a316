# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a network provider: each answers in a file of its own, and has a line in providers.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

from .bridge import Bridge
from .host import Host

Changes = Mapping[str, Optional[str]]  # texts of files by path; one without a text is removed
Lists = Callable[[Bridge, Host], Iterable[str]]


def _nothing(_bridge: Bridge, _host: Host) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Provider:
    """What configures the network of a host, and what it says of a bridge there."""

    name: str  # the value of host_bridge_provider; its commands are in the role's files/NAME.sh
    title: str
    folder: str  # where it keeps its files
    manages: Callable[[str, Host], bool]  # whether a device has its addresses from it
    is_by_hand: Callable[[Bridge, Host], bool]  # whether files that are not ours make the bridge, at the next start too
    files: Callable[[Bridge, Host], Changes]  # those that make the bridge, or remove it
    shown: Callable[[str], list[str]]  # what users see of a file
    read: Callable[[str], Any] = str  # what a file says, however it is written
    private: bool = False  # whether nobody else may read its files
    lacks: Lists = _nothing  # for the bridge, each a part of a sentence
    sources: Lists = _nothing  # the files that something may move from
    to_start: Lists = _nothing  # in the words of its commands
    to_resume: Lists = _nothing  # the same, when the change is undone
