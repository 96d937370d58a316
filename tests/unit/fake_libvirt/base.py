"""What all parts of the model use: how libvirt reads values, and how it refuses them."""

from __future__ import annotations

import ipaddress
import re

from lxml import etree

DNSMASQ = "{http://libvirt.org/schemas/network/dnsmasq/1.0}"
# virErrorNumber of libvirt/virterror.h
INTERNAL, XML_ERROR, NO_NAME, OPERATION_FAILED, NO_NETWORK, INVALID = 1, 27, 21, 9, 43, 55
UNSUPPORTED, XML_DETAIL, OPERATION_UNSUPPORTED = 67, 35, 84
OWN_BRIDGE = (None, "nat", "route", "open")


class RefusedError(Exception):
    """What libvirt answers with: its error number and its words."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def refuse_unless(good, code, text):
    if not good:
        raise RefusedError(code, text)


def read(xml):
    try:
        return etree.fromstring(xml, etree.XMLParser(remove_blank_text=True, resolve_entities=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RefusedError(XML_ERROR, str(error)) from None


def write(root):
    return etree.tostring(root, pretty_print=True, encoding="unicode", with_tail=False)


def mode_of(root):
    forward = root.find("forward")
    return None if forward is None else forward.get("mode")


def flag(source, made, name, keep_no=True):
    value = source.get(name)
    refuse_unless(value in (None, "yes", "no"), XML_ERROR, f"Invalid value for attribute {name}: {value}")
    if value == "yes" or (value == "no" and keep_no):
        made.set(name, value)


def uuid(text):
    digits = text.strip().replace("-", "").lower()
    refuse_unless(re.fullmatch("[0-9a-f]{32}", digits), INTERNAL, "malformed uuid element")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def number(text, base, high, what):
    """A number as C's strtoul reads it."""
    pattern = "0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*" if base == 0 else "[0-9]+"
    refuse_unless(re.fullmatch(pattern, text), XML_ERROR, f"Invalid value for {what}: {text}")
    octal = base == 0 and text[0] == "0" and text.isdigit()
    value = int(text, 8 if octal else base)
    refuse_unless(value <= high, XML_ERROR, f"{what} {value} is too large")
    return value


def numbers(source, made, names, base=10, high=2**32 - 1):
    for name in names:
        if source.get(name) is not None:
            made.set(name, str(number(source.get(name), base, high, name)))


def ip(text):
    try:
        refuse_unless("%" not in text, XML_ERROR, "scope")
        return ipaddress.ip_address(text)
    except (ValueError, RefusedError):
        raise RefusedError(XML_ERROR, f"Cannot parse socket address '{text}'") from None


def mac(text):
    """A MAC address in its one canonical form."""
    refuse_unless(re.fullmatch("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text), XML_ERROR, f"Cannot parse MAC {text}")
    groups = [int(group, 16) for group in text.split(":")]
    refuse_unless(not groups[0] & 1, XML_ERROR, f"expected unicast mac address, found multicast '{text}'")
    return ":".join(f"{group:02x}" for group in groups)
