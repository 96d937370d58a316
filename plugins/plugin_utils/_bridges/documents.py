# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How YAML is read and written: as netplan does it, to which all scalars are strings.

YAML itself takes a MAC address of digits for a number, and a password for a date: they would be written as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._playbooks.plain import plain

try:
    import yaml
except ImportError:  # only controllers need it
    yaml = None

Document = dict[str, Any]

KINDS = ("ethernets", "bonds", "vlans", "bridges")


class Documents(NamedTuple):
    """Documents by path, and what is wrong with those that cannot be read; their texts are not in that."""

    read: dict[str, Document]
    broken: dict[str, str]


def read_documents(texts: Mapping[str, str]) -> Documents:
    """The documents from their texts."""
    found = Documents({}, {})
    for path, text in texts.items():
        try:
            found.read[path] = read_document(text)
        except ValueError as error:
            found.broken[path] = str(error)
    return found


def read_document(text: str) -> Document:
    """A document of netplan whose outer levels are mappings; a ValueError says where it is broken, without its text."""
    document = _read(text) or {}
    network = document.get("network", {}) if isinstance(document, Mapping) else None
    if not isinstance(network or {}, Mapping) or network is None:
        raise ValueError("it is no mapping with network as its key")
    for kind in KINDS:
        devices = (network or {}).get(kind) or {}
        if not isinstance(devices, Mapping) or not all(isinstance(one or {}, Mapping) for one in devices.values()):
            raise ValueError(f"its {kind} are no mapping of devices and their settings")
    return dict(document)


def document_text(document: Mapping[str, Any]) -> str:
    """The document as YAML."""
    dumper: Any = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda _self, _data: True})
    dumper.add_representer(str, _scalar)
    return str(yaml.dump(dict(document), Dumper=dumper, sort_keys=False, default_flow_style=False, allow_unicode=True))


def _read(text: str) -> Any:
    strings = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {}})
    try:
        return plain(yaml.load(text, strings))  # else devices share what an alias stands for
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"it is no YAML{where}") from None
    except RecursionError:
        raise ValueError("its YAML is too deep") from None


def _scalar(dumper: Any, text: str) -> Any:
    """Numbers, true and nothing are written plainly, as they mostly were; what others could mistake gets quotes."""
    tag = dumper.resolve(yaml.ScalarNode, text, (True, False))
    plain = tag.endswith((":bool", ":null")) or (text.isascii() and text.isdigit())
    return dumper.represent_scalar(tag if plain else "tag:yaml.org,2002:str", text)
