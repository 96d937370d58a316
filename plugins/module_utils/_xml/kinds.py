# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of value: how each is written, read, compared and described to Ansible."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import Any, Callable, NamedTuple

# Control characters would reach the generated dnsmasq configuration as lines of their own (libvirt 9.0).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

DNS_LONGEST = 253  # characters of a name with its dots (RFC 1035)


class Kind(NamedTuple):
    """A kind of value: ``parse`` turns text into the canonical value (or raises ValueError saying what is
    expected), ``render`` turns it into XML text (None: the attribute is left out), ``option`` is its part of
    an Ansible argument specification."""

    parse: Callable[[str], Any]
    render: Callable[[Any], str | None]
    option: dict[str, Any]

    def canonical(self, value: Any) -> Any:
        """The canonical form of a value as a user or a program wrote it; raises ValueError."""
        if isinstance(value, str):
            return self.parse(value)
        text = self.render(value)
        return value if text is None else self.parse(text)

    def read(self, text: str) -> Any:
        """The value of XML that libvirt accepted: canonical where we understand it, else the text itself."""
        try:
            return self.parse(text)
        except ValueError:
            return text


def _string(check: Callable[[str], str]) -> Kind:
    def parse(text: str) -> str:
        if _CONTROL.search(text):
            raise ValueError("must not contain control characters")
        return check(text)

    return Kind(parse, str, {"type": "str"})


def _pattern(pattern: str, expected: str) -> Kind:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {expected}")
        return text

    return _string(check)


def _words(yes: str, no: str, silent_no: bool = False) -> Kind:
    def parse(text: str) -> bool:
        if text not in (yes, no):
            raise ValueError(f"must be {yes} or {no}")
        return text == yes

    def render(value: bool) -> str | None:
        return yes if value else None if silent_no else no

    return Kind(parse, render, {"type": "bool"})


def integer(low: int, high: int, c_notation: bool = False) -> Kind:
    """A whole number from low to high; with ``c_notation`` text may be like 0x10 or 020."""

    def parse(text: str) -> int:
        number = _c_number(text) if c_notation else int(text) if re.fullmatch("[0-9]+", text) else None
        if number is None or not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return Kind(parse, str, {"type": "int"})


def choice(*words: str) -> Kind:
    """One of the given words."""

    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return _string(check)._replace(option={"type": "str", "choices": list(words)})


def hexadecimal(digits: int, high: int) -> Kind:
    """A number up to high that is written with 0x and so many digits, as libvirt writes PCI addresses."""

    def check(text: str) -> str:
        number = _c_number(text)
        if number is None or number > high:
            raise ValueError(f"must be a number from 0 to {high:#x}")
        return f"0x{number:0{digits}x}"

    return _string(check)


def _c_number(text: str) -> int | None:
    """A number as C's strtoul with base 0 reads it; libvirt reads PCI addresses so (virStrToLong_ui)."""
    found = re.fullmatch(r"0[xX](?P<hex>[0-9a-fA-F]+)|0(?P<oct>[0-7]+)|(?P<dec>[0-9]+)", text)
    if not found:
        return None
    base = {"hex": 16, "oct": 8, "dec": 10}[str(found.lastgroup)]
    return int(str(found.group(str(found.lastgroup))), base)


# The same addresses are read many times in a task, and there may be thousands: cheap to remember, dear to parse.
_remembered = functools.lru_cache(maxsize=1 << 16)


@_remembered
def _ip(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError("must be an IPv4 address") from None


def _cidr(text: str) -> str:
    address, slash, prefix = text.partition("/")
    if not slash:
        return _ip(address)
    try:
        return str(ipaddress.ip_interface(text)) if re.fullmatch("[0-9]{1,3}", prefix) else _ip(text)
    except ValueError:
        raise ValueError("must be an address, or an address with its prefix like 192.168.50.1/24") from None


def _netmask(text: str) -> int:
    try:
        prefix = ipaddress.ip_network(f"0.0.0.0/{_ipv4(text)}").prefixlen
        if _line_of_netmask(prefix) != text:  # Python takes 0.0.0.255 for a netmask, too
            raise ValueError
        return prefix
    except ValueError:
        raise ValueError("must be an IPv4 netmask like 255.255.255.0") from None


def _unread(text: str) -> str:
    """A MAC address that YAML 1.1 has read as a number in base 60, as it does with 52:54:00:11:22:33 without quotes.

    Not everybody can put quotes: answers to a survey of AWX are read once more.
    """
    number = int(text) if re.fullmatch("[0-9]{10,11}", text) else 0
    if not 10 <= number // 60**5 < 100:
        return text
    return ":".join(str(number // 60**power % (60 if power < 5 else 100)) for power in range(5, -1, -1))


@_remembered
def _any_mac(text: str) -> str:
    groups = re.split("[:-]", _unread(text))
    if len(groups) != 6 or not all(re.fullmatch("[0-9a-fA-F]{1,2}", group) for group in groups):
        raise ValueError("must be a MAC address" + (" (put it in quotes)" if text.isdigit() else ""))
    return ":".join(group.zfill(2).lower() for group in groups)


def _mac(text: str) -> str:
    mac = _any_mac(text)
    if int(mac[:2], 16) & 1:
        raise ValueError("must be a unicast MAC address (its first byte is odd)")
    return mac


def _uuid(text: str) -> str:
    digits = text.replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{32}", digits):
        raise ValueError("must be a UUID")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _duid(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){6,129}", text):
        raise ValueError("must be a DHCP unique identifier like 00:03:00:01:52:54:00:11:22:33")
    return ":".join(group.zfill(2).lower() for group in text.split(":"))


def _paragraphs(text: str) -> str:
    if _CONTROL.search(text.replace("\n", "").replace("\t", "")):
        raise ValueError("must not contain control characters other than new lines and tabs")
    return text


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("must be an absolute path")
    # As libvirt tidies the paths of devices (virFileSanitizePath).
    return re.sub("/+", "/", text).rstrip("/") or "/"


def _profile(text: str) -> str:
    # libvirt counts bytes (LIBVIRT_IFLA_VF_PORT_PROFILE_MAX), and writes them as they are (virNetDevVPortProfileFormat)
    if not 1 <= len(text.encode()) <= 39 or set("&<'") & set(text):
        raise ValueError("must be 1 to 39 bytes long, without &, < and '")
    return text


def _loadparm(text: str) -> str:
    if not re.fullmatch("[a-zA-Z0-9. ]{1,8}", text):
        raise ValueError("must be 1 to 8 letters, digits, dots and spaces")
    return text.upper()


def _line_of_netmask(prefix: int) -> str:
    return str(ipaddress.ip_network(f"0.0.0.0/{prefix}").netmask)


def _domain(pattern: str, expected: str) -> Kind:
    """A name that DNS can hold: dnsmasq does not start with one that has a label of more than 63 characters, or (2.85,
    2.93) with one that is too long, or (2.85) with a label that begins or ends with a hyphen."""

    def check(text: str) -> str:
        labels = text.split(".")
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {expected}")
        if len(text) > DNS_LONGEST or any(len(label) > 63 for label in labels):
            raise ValueError(f"must have at most {DNS_LONGEST} characters, and at most 63 between two dots")
        if any(label.startswith("-") or label.endswith("-") for label in labels):
            raise ValueError("must not have a hyphen at the beginning or end of a part between dots")
        return text

    return _string(check)


TEXT = _string(lambda text: text)
PARAGRAPHS = Kind(_paragraphs, str, {"type": "str"})
NETWORK_NAME = _pattern(r"(?!\.\.?$)[^/]+", "a name without a slash")
DNS_NAME = _domain(r"[a-zA-Z0-9._-]+", "a name of letters, digits, dots, hyphens and underscores")
# What is one word in dnsmasq's file of names.
ANY_HOST_NAME = _pattern(r"[^\s#]+", "a name without spaces and number signs")
# dnsmasq takes these words of a reservation for a lease time, an address or an order, wherever they stand.
HOST_NAME = _domain(
    r"(?!(ignore|infinite|[0-9]+[smhdwSMHDW]?|[0-9]+(\.[0-9]+){3})$)[a-zA-Z0-9][a-zA-Z0-9._-]*",
    "a name of letters, digits, dots, hyphens and underscores, not a number, a time, an address, ignore or infinite",
)
TXT_NAME = _domain(r"[!#-+\--~]+", "a name of ASCII characters without spaces, commas and double quotes")
# 62: with its underscore it is a label of a DNS name.
PROTOCOL = _pattern(r"[a-zA-Z0-9+/-]{1,62}", "a protocol's name like tcp of at most 62 letters, digits and -+/")
SERVICE = _pattern(r"[a-zA-Z0-9_+/*-]{1,62}", "a service name of at most 62 letters, digits and -_+/*")
# 15: a network device's name is shorter than IFNAMSIZ (16) in Linux.
DEVICE = _pattern(r"(?!\.\.?$)[a-zA-Z0-9_.\\-]{1,15}", "a device name of 1 to 15 letters, digits and _.-\\")
# <forward dev='x'> is another way to write its first <interface dev='x'/> (virNetworkForwardDefParseXML).
FIRST_DEVICE = Kind(lambda text: [{"dev": text}], str, {"type": "str"})
# libvirt writes it as it is: another sign would end the attribute (virPortGroupDefFormat, seen with 9.0).
GROUP_NAME = _pattern(r"[^&<']+", "a name without &, < and '")
HOST_DEVICE = _pattern(r"[a-zA-Z0-9_.\\:/-]+", "a device name of letters, digits and _.-\\:/")
HOST_BRIDGE = _pattern(r"[a-zA-Z0-9_.\\:/ -]+", "a bridge name of letters, digits, spaces and _.-\\:/")
MODEL = _pattern(r"[a-zA-Z0-9_-]+", "a model name of letters, digits, - and _")
DRIVER_MODEL = _pattern(r"[a-zA-Z0-9_+-]+", "a driver's name of letters, digits and _+-")
ALIAS = _pattern(r"[a-zA-Z0-9_.-]+", "an alias of letters, digits and _.-")
# libvirt forgets any other alias that a persistent config has, without a word (virDomainDeviceInfoParseXML).
USER_ALIAS = _pattern(r"ua-[a-zA-Z0-9_-]+", "an alias that begins with ua-, of letters, digits, - and _")
FILTER_NAME = _pattern(r"[^\W\d][\w.-]*", "a filter name of letters, digits and _.-")
# libvirt drops any other parameter, without a word (virNWFilterParseParamAttributes).
PARAMETER_NAME = _pattern(r"[a-zA-Z0-9_]+", "a name of letters, digits and _")
PARAMETER_VALUE = _pattern(r"[a-zA-Z0-9_.:]+", "a value of letters, digits and _.:")
USB_PORT = _pattern(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}", "a USB port like 1 or 1.2.5")
NODES = _pattern(r"\^?[0-9]+(-[0-9]+)?(,\^?[0-9]+(-[0-9]+)?)*", "a list of NUMA nodes like 0-3,5")
ZONE = _pattern(r"[a-zA-Z0-9_-]+", "a zone name of letters, digits, _ and -")
PROFILE = _string(_profile)
PATH = _string(_path)
LOADPARM = _string(_loadparm)
YES_NO = _words("yes", "no")
ON_OFF = _words("on", "off")
YES = _words("yes", "no", silent_no=True)
IP = _string(_ip)
IPV4 = _string(_ipv4)
CIDR = _string(_cidr)
NETMASK = Kind(_netmask, _line_of_netmask, {"type": "str"})
MAC = _string(_mac)
ANY_MAC = _string(_any_mac)
UUID = _string(_uuid)
DUID = _string(_duid)
