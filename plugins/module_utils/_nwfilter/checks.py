# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network filter cannot be, by itself. Pure; each check gives libvirt's reason."""

from __future__ import annotations

from collections.abc import Iterator

from .._schema.nwfilter import NWFILTER, PROTOCOLS
from .._values.check import Checks, Context, remarks
from .._xml.fields import Spec
from .._xml.validity import missing

CHECKS = Checks()
WITH_PORTS = ("tcp", "udp", "sctp", "33")


def contradictions(spec: Spec) -> list[str]:
    """Everything that is wrong with a filter."""
    return remarks(CHECKS, spec, Context())


def _rules(spec: Spec) -> Iterator[tuple[str, Spec]]:
    return ((f"rules[{index}]", rule) for index, rule in enumerate(spec.get("rules", [])))


@CHECKS
def _complete(spec: Spec, _context: Context) -> Iterator[str]:
    for problem in missing(NWFILTER, spec):
        yield problem.strip()


@CHECKS
def _one_protocol(spec: Spec, _context: Context) -> Iterator[str]:
    for place, rule in _rules(spec):
        names = [row.option for row in PROTOCOLS if row.option in rule]
        if len(names) > 1:
            yield f"{place} has {' and '.join(names)}: libvirt reads the first one alone; write a rule for each"


@CHECKS
def _ports(spec: Spec, _context: Context) -> Iterator[str]:
    """virNWFilterRuleValidate refuses them."""
    for place, rule in _rules(spec):
        for name in ("ip", "ipv6"):
            values = rule.get(name, {})
            ports = [one for one in values if "port" in one]
            if ports and values.get("protocol") not in WITH_PORTS:
                yield f"{place}.{name} has {ports[0]}, which needs protocol: tcp, udp or sctp beside it"
