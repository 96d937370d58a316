# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check: from a definition and what it is for to everything that is wrong or odd, each a sentence with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Callable, NamedTuple

from .._errors.errors import Caution
from .._errors.readable import number
from .._xml.fields import Spec


class Context(NamedTuple):
    """What a definition is for: a libvirt of this ``version`` (0: unknown), guests of this ``driver``; ``name`` is what
    to call it where it is one of several."""

    version: int = 0
    driver: str = ""
    name: str = ""

    def since(self, version: str) -> bool:
        """Whether libvirt is known to be that new."""
        return self.version >= number(version)

    def before(self, version: str) -> bool:
        """Whether libvirt is known to be older."""
        return 0 < self.version < number(version)


Check = Callable[[Spec, Context], Iterator[str]]


class Checks(list[Check]):
    """Checks of one file; ``@CHECKS`` above a function makes it one of them."""

    def __call__(self, check: Check) -> Check:
        """Adds a check."""
        self.append(check)
        return check


def remarks(checks: Iterable[Check], spec: Spec, context: Context) -> list[str]:
    """What all checks say: what is wrong, and as Caution what is only odd."""
    return list(dict.fromkeys(remark for check in checks for remark in check(spec, context)))


def problems(found: Iterable[str]) -> list[str]:
    """Those remarks that are no Caution."""
    return [remark for remark in found if not isinstance(remark, Caution)]
