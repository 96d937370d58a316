"""What the tests run on: roots of hypervisors in $LAB_ROOTS, Debian releases of full machines in $LAB_FULL.

$LAB_DISTURBED has the releases of the machines where firewalls and other daemons get in libvirt's way: none by default.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .root import FULL_SUITES, HOST, LIGHT, own_suite


def chosen(variable: str, default: str, possible: Sequence[str]) -> list[str]:
    """Return the words of an environment variable; ValueError, naming what is possible, when one of them is not."""
    names = os.environ.get(variable, default).split()
    unknown = [name for name in names if name not in possible]
    if unknown:
        raise ValueError(f"{variable} has {', '.join(unknown)}: choose of {', '.join(possible)}")
    return list(dict.fromkeys(names))


ROOTS = chosen("LAB_ROOTS", HOST, (HOST, *LIGHT))
FULL = chosen("LAB_FULL", own_suite() if own_suite() in FULL_SUITES else "", FULL_SUITES)
DISTURBED = chosen("LAB_DISTURBED", "", FULL_SUITES)
