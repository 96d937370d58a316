# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests of many hypervisors, which are read side by side: one that hangs costs nobody else."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ...module_utils._errors.errors import DefinitionError, LibvirtError, NetworkError, PlanError, UnreachableError
from ...module_utils._errors.readable import readable
from ...module_utils._hypervisor.calls import uncollected
from ...module_utils._hypervisor.gateway import HAS_LIBVIRT, Lease
from ...module_utils._hypervisor.listing import Listed, Listing
from ...module_utils._nics.verdict import Sights, known
from ...module_utils._xml.codec import HAS_LXML
from .description import Findings, described
from .sources import Source

Guest = dict[str, Any]  # plain data, for a cache


class Reading(NamedTuple):
    """How hypervisors are read: from where addresses are, how many seconds a call may take, and how many at once."""

    wanted: Sequence[str]
    seconds: float
    parallel: int

    @classmethod
    def of(cls, option: Callable[[str], Any]) -> Reading:
        """The same by the options of the inventory; raises PlanError."""
        seconds, parallel = option("timeout"), option("parallel")
        if not (math.isfinite(seconds) and seconds > 0 and parallel > 0):
            raise PlanError("Cannot read hypervisors: timeout and parallel must be more than 0")
        return cls(option("address_from"), seconds, parallel)


class Answers(NamedTuple):
    """The guests of each hypervisor by its name, a sentence for each that has not answered, what is worth keeping, and
    whether something of that is new."""

    guests: dict[str, list[Guest]]
    warnings: list[str]
    kept: dict[str, list[Guest]]
    new: bool


def read(sources: Sequence[Source], kept: Mapping[str, list[Guest]], reading: Reading) -> Answers:
    """The guests of all hypervisors; ``kept`` is what some of them have said earlier. Raises PlanError."""
    keys = {one.name: " ".join((one.name, one.uri, *sorted(reading.wanted))) for one in sources}
    asked = [one for one in sources if keys[one.name] not in kept]
    if asked:
        require_libraries()
    answers = {**{name: kept[key] for name, key in keys.items() if key in kept}, **_read(asked, reading)}
    guests = {name: answer for name, answer in answers.items() if not isinstance(answer, str)}
    return Answers(
        guests,
        list(_warnings(sources, answers)),
        {keys[name]: answer for name, answer in guests.items()},
        any(one.name in guests for one in asked),
    )


def require_libraries() -> None:
    """Raises PlanError where the Python that runs Ansible lacks a library."""
    for name, there in (("libvirt-python", HAS_LIBVIRT), ("lxml", HAS_LXML)):
        if not there:
            raise PlanError(
                f"Cannot read hypervisors: the Python that runs Ansible, {sys.executable}, has no {name}; install it "
                f"there (pip install {name}), or python3-libvirt and python3-lxml for the distribution's own Python"
            )


def _warnings(sources: Iterable[Source], answers: Mapping[str, list[Guest] | str]) -> Iterator[str]:
    """What the inventory lacks."""
    for one in sources:
        answer = answers[one.name]
        if isinstance(answer, str):
            yield readable(f"The inventory lacks the guests of hypervisor {one.name!r}: {answer}")
        else:
            problems = [guest["problem"] for guest in answer if guest["problem"]]
            yield from (readable(f"On hypervisor {one.name!r}: {problem}") for problem in problems)


def _read(sources: Sequence[Source], reading: Reading) -> dict[str, list[Guest] | str]:
    if not sources:
        return {}
    # One for all threads: as each of them ends, Python would collect garbage under the calls of others.
    with uncollected(), ThreadPoolExecutor(min(reading.parallel, len(sources))) as pool:
        answers = pool.map(lambda source: _answer(source, reading), sources)
        return {source.name: answer for source, answer in zip(sources, answers)}


def _answer(source: Source, reading: Reading) -> list[Guest] | str:
    if source.wrong:
        return f"its URI cannot be used: {source.wrong}"
    try:
        # libvirt asks agents only for those who may write; nothing is written.
        with contextlib.closing(Listing(source.uri, "agent" not in reading.wanted, reading.seconds)) as gateway:
            return _guests(gateway, reading.wanted)
    except NetworkError as error:
        return str(error)


def _guests(gateway: Listing, wanted: Collection[str]) -> list[Guest]:
    sources = [name for word, name in (("neighbour", "arp"), ("agent", "agent")) if word in wanted]
    networks, listed = gateway.networks(), gateway.listed(sources)
    leases = {one.name: _leases(gateway, one.name) for one in networks if one.active and "lease" in wanted}
    by_name = {one.name: one for one in networks}
    users = gateway.users(networks, [one.guest for one in _readable(listed)])
    neighbours = gateway.neighbours() if "neighbour" in wanted else ()
    findings = Findings(Sights(by_name, gateway.devices(), known(users)), leases, neighbours)
    return [described(one, findings) for one in sorted(listed, key=lambda one: one.guest.name)]


def _leases(gateway: Listing, network: str) -> list[Lease]:
    """The leases of a network; none where libvirt cannot read its own file of them."""
    try:
        return gateway.leases(network)
    except UnreachableError:
        raise
    except LibvirtError:
        return []


def _readable(listed: Iterable[Listed]) -> Iterator[Listed]:
    """The guests whose definitions are XML: libvirt does not escape every value."""
    for one in listed:
        with contextlib.suppress(DefinitionError):
            if (one.guest.live or one.guest.saved).tree is not None:
                yield one
