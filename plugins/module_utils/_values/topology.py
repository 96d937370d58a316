# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks together with the NICs of guests on them: what is wanted, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Union

from .desired import Desired
from .nic_steps import DesiredNics, NicOutcome
from .outcome import Outcome


class Wanted(NamedTuple):
    """Networks and guests' NICs as they shall be; ``bridges``: those of the host that are made before, so that they
    need not be there yet for a rehearsal."""

    networks: Sequence[Desired]
    guests: Sequence[DesiredNics] = ()
    bridges: Sequence[str] = ()


Outcomes = list[Union[Outcome, NicOutcome]]
