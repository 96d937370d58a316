"""What the tests run on: roots of hypervisors in $LAB_ROOTS, Debian releases of full machines in $LAB_FULL.

$LAB_DISTURBED has the releases of the machines where firewalls and other daemons get in libvirt's way: none by default.
$LAB_SAMPLED has the roots that run only a sample of what other roots run, too: none by default.
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


def left_out(nodes: Sequence[str], roots: Sequence[str]) -> set[str]:
    """Return the tests that the sampled roots leave to this machine's release: all but the first sixth of each file,
    as tests may need what those before them have left.

    A node is a test's name as pytest prints it, with its file and its parameters, in the order in which they run.
    """
    twice = [node for node in nodes for root in roots if root in node and node.replace(root, HOST) in nodes]
    files: dict[str, list[str]] = {}
    for node in twice:
        files.setdefault(node.partition("::")[0], []).append(node)
    return {node for file in files.values() for node in file[len(file) // 6 :]}


ROOTS = chosen("LAB_ROOTS", HOST, (HOST, *LIGHT))
FULL = chosen("LAB_FULL", own_suite() if own_suite() in FULL_SUITES else "", FULL_SUITES)
DISTURBED = chosen("LAB_DISTURBED", "", FULL_SUITES)
SAMPLED = chosen("LAB_SAMPLED", "", LIGHT)
