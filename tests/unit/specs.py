"""Hypothesis strategies for the options of a network, made of the table itself: any values of the right kinds."""

from __future__ import annotations

import ipaddress
import string

from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._xml import kinds as kind
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element, Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Opaque, Values
from tests.unit.table_rows import accepts

# What XML, dnsmasq and people find special, without control characters.
CHARACTERS = st.characters(
    exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff", include_characters="<>&\"' ;|$`\\"
)
TEXTS = st.text(CHARACTERS, min_size=1, max_size=12)
LABELS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
IPV4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
IPV6 = st.integers(2**112, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number)))
OCTETS = st.binary(min_size=5, max_size=5)
UUIDS = st.uuids().map(str)
METADATA = st.builds(
    lambda space, text, inner: (
        f"<m:x xmlns:m='https://{space}.example/' a='{text}'>{'<m:y/>' if inner else text}</m:x>"
    ),
    LABELS,
    LABELS,
    st.booleans(),
)

_BY_KIND = [
    (kind.TEXT, TEXTS),
    (kind.PARAGRAPHS, st.lists(TEXTS, min_size=1, max_size=3).map("\n\t".join)),
    (kind.NETWORK_NAME, TEXTS.filter(lambda text: "/" not in text and text not in (".", ".."))),
    (kind.DNS_NAME, st.lists(LABELS, min_size=1, max_size=3).map(".".join)),
    (kind.ANY_HOST_NAME, LABELS.map(lambda text: f"*.{text}")),
    (kind.HOST_NAME, LABELS.map(lambda text: f"h{text}")),
    (kind.TXT_NAME, LABELS.map(lambda text: f"_{text}.<&'>")),
    (kind.PROTOCOL, st.sampled_from(["tcp", "udp", "sctp"])),
    (kind.SERVICE, LABELS.map(lambda text: f"_{text}/*+-")),
    (kind.DEVICE, LABELS.map(lambda text: f"{text}.-_"[:15])),
    (kind.FIRST_DEVICE, LABELS),
    (kind.GROUP_NAME, LABELS.map(lambda text: f"{text}/a.b")),
    (kind.ZONE, LABELS),
    (kind.PROFILE, st.text(CHARACTERS, min_size=1, max_size=9).filter(lambda text: not set("&<'") & set(text))),
    (kind.YES_NO, st.booleans()),
    (kind.ON_OFF, st.booleans()),
    (kind.YES, st.just(True)),
    (kind.IP, st.one_of(IPV4, IPV6, IPV6.map(str.upper))),
    (kind.IPV4, IPV4),
    (kind.CIDR, st.one_of(IPV4, IPV6)),
    (kind.NETMASK, st.integers(0, 32).map(lambda prefix: str(ipaddress.ip_network(f"0.0.0.0/{prefix}").netmask))),
    (kind.MAC, OCTETS.map(lambda octets: "52:" + octets.hex(":"))),
    (kind.UUID, st.one_of(UUIDS, UUIDS.map(lambda text: text.replace("-", "").upper()))),
    *((of, LABELS) for of in (kind.HOST_DEVICE, kind.MODEL, kind.DRIVER_MODEL, kind.ALIAS, kind.LOADPARM)),
    *((of, LABELS.map(lambda text: f"{text}_.:")) for of in (kind.HOST_BRIDGE, kind.PARAMETER_VALUE)),
    (kind.PARAMETER_NAME, LABELS),
    (kind.FILTER_NAME, LABELS.map(lambda text: f"f-{text}")),
    (kind.USER_ALIAS, LABELS.map(lambda text: f"ua-{text}")),
    (kind.PATH, LABELS.map(lambda text: f"/{text}//{text}/")),
    (kind.USB_PORT, st.sampled_from(["1", "1.2", "3.10.1"])),
    (kind.NODES, st.sampled_from(["0", "0-3,5", "0-7,^3"])),
    (kind.DUID, st.binary(min_size=7, max_size=12).map(lambda octets: octets.hex(":").upper())),
]


def values(of):
    """Values of a kind, as users write them."""
    for known, strategy in _BY_KIND:
        if of is known:
            return strategy
    if "choices" in of.option:
        return st.sampled_from(of.option["choices"])
    numbers = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 4095, 65535]))
    if of.option["type"] == "int":
        return numbers.filter(lambda number: accepts(of, number))
    return numbers.map(hex).filter(lambda text: accepts(of, text))


WILD = {
    "str": st.one_of(
        st.text(max_size=8), st.sampled_from(["", "0", "-1", "<a>", "1.2.3.4/99", "::/0", "::1/", "None", "a b"])
    ),
    "int": st.one_of(st.integers(), st.sampled_from([-1, 0, 33, 129, 4096, 65536, 2**64])),
    "bool": st.booleans(),
}


def option(row, empty, wild):
    """What users may write for one row; ``empty``: also what takes it away, ``wild``: also what is wrong."""
    if isinstance(row, Element):
        inner = options(row.rows, empty, (), wild)
        return inner if empty else inner.filter(bool)
    if isinstance(row, Many):
        items = options(row.rows, False, (), wild).filter(bool)
        unique = None if wild else lambda item: repr(key_of(row, item))
        return st.lists(items, min_size=0 if empty else 1, max_size=3, unique_by=unique)
    if isinstance(row, Values):
        inner = st.one_of(values(row.kind), WILD["str"]) if wild else values(row.kind)
        return st.lists(inner, min_size=0 if empty else 1, max_size=3, unique=not wild)
    single = METADATA if isinstance(row, Opaque) else values(row.kind)
    if "choices" in row.kind.option:
        return single
    if wild:
        single = st.one_of(single, WILD[row.kind.option["type"]])
    emptied = empty and row.removable and row.kind.option["type"] == "str"
    return st.one_of(single, st.just("")) if emptied else single


def key_of(row, item):
    """The key of an item, in small letters: the same whatever the spelling."""
    return [str(part).lower() for part in row.key(item)]


def options(rows=NETWORK, empty=False, but=(), wild=False):
    """Any options of a table, of the right kinds; spellings of another option are left out, as two could differ, but
    for ``wild`` ones, which may be anything of the right type.
    """
    found = {row.option: option(row, empty, wild) for row in rows if not row.reported and (wild or not row.alias_of)}
    names = st.sets(st.sampled_from(sorted(set(found) - set(but))), max_size=5)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: found[name] for name in sorted(chosen)}))


def consistent(**more):
    """Any options but for those that exclude each other: other devices below a pf."""
    return options(**more).map(_with_one_source)


def _with_one_source(wanted):
    forward = wanted.get("forward", {})
    kept = {name: value for name, value in forward.items() if name == "pf" or name not in ("interfaces", "addresses")}
    return {**wanted, "forward": kept} if forward.get("pf") and kept != forward else wanted
