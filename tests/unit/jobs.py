"""Jobs of the conductor as tests write them: networks, NICs of guests, or both."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._converge import conductor
from ansible_collections.virtfleet.network.plugins.module_utils._nics.resource import Nics
from ansible_collections.virtfleet.network.plugins.module_utils._nwfilter.resource import Filters
from ansible_collections.virtfleet.network.plugins.module_utils._task.networks import networks_of


def _networks(host, wanted, policy, bridges=()):
    return networks_of(host, wanted, policy._asdict(), bridges)


def converge(host, wanted, policy, dry_run, lock_timeout, *before_apply):
    """Brings networks to their wanted state."""
    return conductor.converge(host, [_networks(host, wanted, policy)], dry_run, lock_timeout, *before_apply)


def converge_nics(host, desired, dry_run, lock_timeout):
    """Brings the NICs of one guest to their wanted state."""
    return conductor.converge(host, [Nics(host, [desired])], dry_run, lock_timeout)[0]


def converge_topology(host, wanted, policy, dry_run, lock_timeout):
    """Brings networks, the NICs on them and network filters to their wanted state."""
    networks = _networks(host, wanted.networks, policy, wanted.bridges)
    job = [Filters(host, wanted.filters), networks, Nics(host, wanted.guests)]
    return conductor.converge(host, job, dry_run, lock_timeout)
