"""YAML that is generated, in Ansible's style."""

from __future__ import annotations

from typing import Any

import yaml

LINE = 120  # the longest line, as in pyproject.toml


class _Indented(yaml.SafeDumper):
    """YAML as Ansible's style has it: lists are indented, and nothing is a reference to something above."""

    def increase_indent(self, flow: bool = False, **_indentless: bool) -> None:
        return super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def dump(data: Any) -> str:
    """Data as YAML text. A long word that ends a line may be too long for it: it stands on the next one."""
    text = yaml.dump(data, Dumper=_Indented, sort_keys=False, width=90, allow_unicode=True)
    return "\n".join(map(_folded, text.split("\n")))


def _folded(line: str) -> str:
    begin, _space, last = line.rpartition(" ")
    return line if len(line) <= LINE else f"{begin}\n{' ' * (len(line) - len(line.lstrip(' -')))}{last}"
