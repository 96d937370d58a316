# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks together with the NICs of guests on them and network filters, as they are wanted. No behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .desired import Desired
from .nic_steps import DesiredNics
from .nwfilters import DesiredFilter


class DesiredTopology(NamedTuple):
    """Networks, guests' NICs and network filters as they are wanted; ``bridges``: those of the host that are made
    before, so that they need not be there yet for a dry run."""

    networks: Sequence[Desired]
    guests: Sequence[DesiredNics] = ()
    bridges: Sequence[str] = ()
    filters: Sequence[DesiredFilter] = ()
