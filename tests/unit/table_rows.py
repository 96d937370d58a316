"""The rows of a table one by one: the places of values, and values for them."""

from __future__ import annotations

from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Many
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Opaque

CANDIDATES = [
    *(7, 9, "192.0.2.1", "192.0.2.9", "52:54:00:00:00:01", "52:54:00:00:00:02", "255.0.0.0", "255.255.0.0"),
    *("00:03:00:01:52:54:00", "00:03:00:01:52:55", "3e3fce45-4f53-4fa7-bb32-11f34168b82b", "00" * 16, "0x1", "0x2"),
    *("00:03:00:01:52:54:01", "a", "b", "1", "2", "/a", "/b", "ua-a", "ua-b"),
    *(
        "fd00::1",
        "fd00::2",
        "ff:ff:ff:00:00:00",
        "ff:ff:00:00:00:00",
        "SYN/SYN",
        "ALL/NONE",
        "NEW",
        "NONE",
        "src",
        "dst",
    ),
    *("mac", "arp", "0x600", "0x601"),
]


def values_of(rows, above=()):
    """Every place where a value can be set, as the rows from the outermost to it."""
    found = []
    for row in rows:
        place = (*above, row)
        found += [place] if not row.rows and not row.reported else []
        found += [] if row.reported else values_of(row.rows, place)
    return found


def name_of(place):
    """A place as users write it."""
    return ".".join(row.option for row in place)


def samples(row):
    """Two values of a row."""
    option = row.kind.option
    if "choices" in option:
        return option["choices"][0], option["choices"][-1]
    if option["type"] == "bool":
        return not row.assumed, bool(row.assumed)
    if isinstance(row, Opaque):
        return "<a xmlns='urn:a'/>", "<b xmlns='urn:b'/>"
    right = [value for value in CANDIDATES if isinstance(value, int) == (option["type"] == "int")]
    good = [value for value in right if accepts(row.kind, value)]
    return good[0], good[1]


def accepts(of, value):
    """Whether a kind takes a value."""
    try:
        of.canonical(value)
    except ValueError:
        return False
    return True


def value_at(spec, place):
    """The value at a place, in the first entries of lists; None when there is none."""
    for row in place:
        if spec is None:
            return None
        spec = spec.get(row.alias_of or row.option)
        if isinstance(row, Many) and spec:
            spec = spec[0]
    return spec


def nothing(row):
    """What takes the value of a row away."""
    return {"dict": {}, "list": []}.get(row.options()["type"], "" if row.assumed is None else row.assumed)
