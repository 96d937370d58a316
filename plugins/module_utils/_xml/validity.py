# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table alone says against a spec: what is missing, and what a libvirt is too old for."""

from __future__ import annotations

from collections.abc import Iterator

from .._errors.readable import dotted, number
from .fields import Rows, Spec


def missing(rows: Rows, spec: Spec, shown: str = "") -> Iterator[str]:
    """What a spec lacks that the schema requires, as sentences; ``shown`` is where the spec itself is."""
    for row in rows:
        if row.required and spec.get(row.option) in (None, []):
            yield f"{shown} needs {row.option}"
    for row in rows:
        place = f"{shown}.{row.option}" if shown else row.option
        for index, inner in row.inside(spec.get(row.option)):
            yield from missing(row.rows, inner, f"{place}{index}")


def newer(rows: Rows, spec: Spec, version: int, shown: str = "") -> Iterator[str]:
    """What of a spec a libvirt of that version does not know yet, as sentences; a version of 0 knows everything."""
    for row in rows:
        value, place = spec.get(row.option), f"{shown}.{row.option}" if shown else row.option
        if value is None or row.alias_of:
            continue
        if row.since and version and version < number(row.since):
            yield f"{place} needs libvirt {row.since}, the hypervisor has {dotted(version)}"
        for _index, inner in row.inside(value):
            yield from newer(row.rows, inner, version, place)
