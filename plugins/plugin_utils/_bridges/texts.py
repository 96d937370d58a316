# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a plan as texts, and how YAML is read and written: as netplan does it, to which all scalars are strings.

YAML itself takes a MAC address of digits for a number, and a password for a date: they would be written as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import yaml
except ImportError:  # only controllers need it
    yaml = None

from .documents import NETPLAN
from .files import NOTE
from .host import Host
from .shown import shown_diff, shown_document, shown_lines


def read_yaml(text: str) -> Any:
    """What YAML holds; a ValueError says where it is broken, without a word of it."""
    strings = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {}})
    try:
        return yaml.load(text, strings)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"it is no YAML{where}") from None
    except RecursionError:
        raise ValueError("its YAML is too deep") from None


def planned_files(plan: Mapping[str, Any], host: Host) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """The files of a plan as the guard writes them, and what users see of each."""
    texts = {**plan["texts"], **{path: _text(path, data) for path, data in plan["documents"].items()}}
    files = [
        {"path": path, "text": text, "mode": _mode(path), "like": plan["likes"][path]}
        for path, text in sorted(texts.items())
    ]
    return files, {path: _shown(path, texts[path], plan["documents"], host) for path in sorted(texts)}


def _shown(path: str, text: str | None, documents: Mapping[str, Any], host: Host) -> list[str]:
    if path in documents:
        both = (host.documents.get(path), documents[path])
        before, after = ([] if one is None else _dump(shown_document(one)).splitlines() for one in both)
    else:
        before, after = (shown_lines(path, one or "") for one in (host.files.get(path), text))
    return shown_diff(path, before, after)


def _text(path: str, document: Mapping[str, Any] | None) -> str | None:
    note = NOTE if path.startswith(NETPLAN) else ""
    return None if document is None else note + _dump(document)


def _dump(data: Mapping[str, Any]) -> str:
    dumper: Any = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda _self, _data: True})
    dumper.add_representer(str, _scalar)
    return str(yaml.dump(dict(data), Dumper=dumper, sort_keys=False, default_flow_style=False, allow_unicode=True))


def _scalar(dumper: Any, text: str) -> Any:
    """Numbers, true and nothing are written plainly, as they mostly were; what others could mistake gets quotes."""
    tag = dumper.resolve(yaml.ScalarNode, text, (True, False))
    plain = tag.endswith((":bool", ":null")) or (text.isascii() and text.isdigit())
    return dumper.represent_scalar(tag if plain else "tag:yaml.org,2002:str", text)


def _mode(path: str) -> str:
    return "0600" if path.endswith((".yaml", ".nmconnection")) else "0644"
