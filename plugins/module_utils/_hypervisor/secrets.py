# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a connection's URI nobody may see: found in the text, as libvirt may be unable to parse it, or parse it
otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, unquote_plus

# Parameters of libvirt's URIs (libvirt.org/uri.html, remote and ESX drivers) whose values are no secrets.
HARMLESS = set(
    "auth auto_answer command keyfile known_hosts known_hosts_verify mode name netcat no_sanity no_tty no_verify"
    " pkipath proxy socket sshauth tls_priority transport vcenter".split()
)
MASK = "********"  # as Ansible writes it
PIECE = 3  # shorter pieces would be masked in half of all words


def secrets_of(uri: str) -> set[str]:
    """Passwords and unknown parameters' values, in all spellings in which a library may repeat them."""
    found = set(_passwords(uri)) | set(_parameters(uri))
    pieces = {piece for secret in found for piece in re.split("[/?#@:&;=]", secret) if len(piece) >= PIECE}
    return {spelling for secret in found | pieces for spelling in _spellings(secret)} - {""}


def masked(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets. It comes before all that shortens or escapes it: then they are no longer found."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _passwords(uri: str) -> list[str]:
    """What stands between the first colon of the authority and an @: a password may hold any character."""
    start = uri.find("//")
    authority = uri[start + 2 :] if start >= 0 else re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:", "", uri)
    _user, colon, rest = authority.partition(":")
    ends = [place for place, character in enumerate(rest) if character == "@"] if colon else []
    return [rest[:end] for end in ends]


def _parameters(uri: str) -> list[str]:
    """The values of unknown parameters, and passwords in those of known ones, which may be URIs themselves."""
    found = []
    for part in re.split("[?&;#]", uri)[1:]:
        name, equals, value = part.partition("=")
        if equals and unquote(name).lower() not in HARMLESS:
            found.append(value)
        else:
            found += _passwords(unquote(value))
    return found


def _spellings(secret: str) -> set[str]:
    plain = {secret, unquote(secret), unquote_plus(secret)}
    encoded = {quote(one, safe=safe) for one in plain for safe in ("", "/", "/:@!$&'()*+,;=")}
    return plain | encoded | {repr(one)[1:-1] for one in plain | encoded}
