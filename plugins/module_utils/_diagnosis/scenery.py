# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis looks at on the hypervisor, and why a network does not start."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .._values.host_facts import HostFacts, Inspector, Scene
from .._values.mode import is_managed
from .._values.observed import Observed
from .._xml.fields import Spec
from .findings import KINDS, ranked, sentence
from .networks import network_findings
from .services import bridge_of, has_dns


def explain(look: Inspector | None, networks: Iterable[Observed], name: str, version: int) -> str:
    """Why a network does not start, as far as it can be seen; "" when it cannot."""
    there = {network.name: network for network in networks}
    if look is None or name not in there:
        return ""
    scene = Scene(there, host=sight(look, [there[name]]), version=version)
    causes = [one for one in ranked(set(network_findings(there[name], scene))) if KINDS[one.code].severity == "error"]
    return "; ".join(sentence(cause) for cause in causes if cause.code != "network_inactive")


def spec_of_one(network: Observed) -> Spec:
    """A network as it runs, or as it would."""
    return (network.live or network.saved).spec


def words(name: str, spec: Spec) -> list[str]:
    """The words that a daemon's log has for a network."""
    return [name, *filter(None, [bridge_of(spec)]), *(item["address"] for item in spec.get("ips", []))]


def sight(look: Inspector, networks: Collection[Observed]) -> HostFacts | None:
    """What is seen of the hypervisor with these networks."""
    active = {network.name: network.live.spec for network in networks if network.active}
    running = {name: spec for name, spec in active.items() if is_managed(spec)}
    asked = [item["address"] for spec in running.values() if has_dns(spec) for item in spec["ips"]]
    bridges = filter(None, (bridge_of(spec_of_one(network)) for network in networks))
    return look.facts(running, bridges, asked)
