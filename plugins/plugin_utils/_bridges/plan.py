# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do for bridges on a host: the files to write, and the bridges that change."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .bridge import Bridge
from .host import Host
from .provider import Provider


class File(NamedTuple):
    """A file as the guard writes it: with a mode, or with those of a file that it is like; without a text it goes."""

    path: str
    text: str | None
    mode: str
    like: str


class Plan(NamedTuple):
    """What is to be done on a host."""

    host: Host
    provider: Provider
    bridges: list[Bridge]  # those that something is done about
    steps: list[str]  # the plan in words
    files: list[File]
    shown: Mapping[str, list[str]]  # what users see of the files that change
    changed: bool


def bridge_plan(bridges: Sequence[Bridge], provider: Provider, host: Host) -> Plan:
    """The plan for bridges that nothing stands against."""
    drifted = [bridge for bridge in bridges if not bridge.is_up_to_date(host)]
    ours = [one for one in bridges if one in drifted or not one.present or not provider.is_by_hand(one, host)]
    changed = [one for one in ours if one in drifted or _changed([one], provider, host)]
    texts = dict(sorted(_changed(ours, provider, host).items()))
    mode = "0600" if provider.private else "0644"
    files = [File(path, text, mode, _like(path, ours, provider, host)) for path, text in texts.items()]
    shown = {path: _diff(path, provider, host.files.get(path), text) for path, text in texts.items()}
    return Plan(host, provider, changed, [_step(one, host) for one in changed], files, shown, bool(texts or drifted))


def _changed(bridges: Sequence[Bridge], provider: Provider, host: Host) -> dict[str, str | None]:
    """The files that change for bridges, each of them made on what those before it leave."""
    texts: dict[str, str | None] = {}
    for bridge in bridges:
        texts.update(provider.files(bridge, host.after(texts)))
    return {path: text for path, text in texts.items() if _differs(host.files.get(path), text, provider)}


def _differs(before: str | None, after: str | None, provider: Provider) -> bool:
    return before != after and (before is None or after is None or provider.read(before) != provider.read(after))


def _like(path: str, bridges: Sequence[Bridge], provider: Provider, host: Host) -> str:
    """The file whose owner and mode a file gets: nobody may read more of what moves to it than before."""
    exists = path in host.files
    if exists and all(bridge.present for bridge in bridges):
        return path
    sources = [one for bridge in bridges for one in provider.sources(bridge, host) if exists or not provider.private]
    return host.strictest(path, *sources)


def _diff(path: str, provider: Provider, *texts: str | None) -> list[str]:
    before, after = ([] if text is None else provider.shown(text) for text in texts)
    return list(difflib.unified_diff(before, after, fromfile=path, tofile=path, n=2, lineterm=""))


def _step(bridge: Bridge, host: Host) -> str:
    verb = "remove" if not bridge.present else "change" if bridge.name in host.links else "make"
    return f"{verb} bridge {bridge.name} of {bridge.member}"
