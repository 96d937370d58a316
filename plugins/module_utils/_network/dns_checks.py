# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the DNS of a network."""

from __future__ import annotations

from collections.abc import Iterator

from .._errors.errors import Caution
from .._values.check import Checks, Context
from .._xml.fields import Spec
from .._xml.kinds import DNS_NAME

CHECKS = Checks()


@CHECKS
def dns_records(spec: Spec, _context: Context) -> Iterator[str]:
    """What libvirt refuses of the DNS server's settings and records."""
    dns, domain = spec.get("dns", {}), spec.get("domain", {})
    if domain.get("register") and not domain.get("local_only"):
        yield "domain.register needs domain.local_only"
    if dns.get("enable") is False and any(dns.get(name) for name in ("forwarders", "hosts", "srvs", "txts")):
        yield "dns.enable is false, and yet dns has forwarders or records"
    for index, forwarder in enumerate(dns.get("forwarders", [])):
        if not forwarder.get("addr") and not forwarder.get("domain"):
            yield f"dns.forwarders[{index}] needs addr or domain"
    for index, srv in enumerate(dns.get("srvs", [])):
        if "target" not in srv and any(name in srv for name in ("port", "priority", "weight")):
            yield f"dns.srvs[{index}] needs target for port, priority and weight"


@CHECKS
def dns_hosts(spec: Spec, _context: Context) -> Iterator[str]:
    """Names that dnsmasq, which reads them one by one, leaves out with a line in its log, or takes literally (2.90)."""
    for index, host in enumerate(spec.get("dns", {}).get("hosts", [])):
        for name in host.get("hostnames", []):
            if not _is_dns_name(name):
                yield Caution(
                    f"dns.hosts[{index}].hostnames has {name!r}, which is no host name: dnsmasq leaves it out, or "
                    "answers for nothing but this very text"
                )


def _is_dns_name(name: str) -> bool:
    try:
        DNS_NAME.parse(name)
    except ValueError:
        return False
    return True
