# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt's package has on this machine beside what libvirt keeps."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .._errors.errors import DefinitionError
from .._schema.nwfilter import FilterDefinition

NWFILTERS = Path("/usr/share/libvirt/nwfilter")


def nwfilters() -> dict[str, FilterDefinition]:
    """Network filters by name. libvirt's own are copies of these files, which no upgrade replaces."""
    found: dict[str, FilterDefinition] = {}
    for file in sorted(NWFILTERS.glob("*.xml")):
        with contextlib.suppress(OSError, UnicodeDecodeError, DefinitionError):
            definition = FilterDefinition(file.read_text(encoding="utf-8"))
            found[str(definition.spec.get("name", ""))] = definition
    return found
