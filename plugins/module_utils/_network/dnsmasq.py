# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that libvirt writes for dnsmasq, as the rows of the table have them, and how dnsmasq reads such a line.

libvirt writes what it is given as it is (networkDnsmasqConfContents, 9.0). dnsmasq up to 2.92 reads a line in pieces
(read_file in option.c: MAXDNAME), and each piece is a line of its own, dhcp-script included, which runs as root.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._errors.errors import Caution
from .._schema.network import NETWORK
from .._xml.fields import Row, Rows, Spec
from .._xml.kinds import DNS_LONGEST

LONGEST = 1023  # bytes, without the new line
# The bytes of <file> in a DHCP answer but the last one: libvirt forbids to put options there (dhcp-no-override).
BOOT_FILE = 127
SHOWN = 60  # characters of a value in a message
_ESCAPES = {"t": "\t", "n": "\n", "b": "\b", "r": "\r", "e": "\033", '"': '"', "\\": "\\"}
_WHITE = " \t\n\v\f\r"

Characters = list[tuple[str, bool]]


class Line(NamedTuple):
    """A line of dnsmasq's files: the option that it comes from, and its text."""

    path: str
    text: str


class _Template(string.Formatter):
    """{name:before|after} is the option with text around it, or nothing where there is none."""

    def get_value(self, key: int | str, _args: Any, kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), "")

    def format_field(self, value: Any, format_spec: str) -> str:
        before, _bar, after = format_spec.partition("|")
        return "" if value == "" else f"{before}{value}{after}"


def lines(spec: Spec) -> list[Line]:
    """What libvirt writes for a network; nothing where it starts no dnsmasq."""
    return list(_lines(NETWORK, spec, "")) if spec.get("ips") else []


def _lines(rows: Rows, spec: Spec, path: str) -> Iterator[Line]:
    for row in rows:
        value, place = spec.get(row.option), f"{path}{row.option}"
        for index, values in row.values(spec, value) if row.lines and value is not None else ():
            yield from _filled(row, values, f"{place}{index}")
        for index, inner in row.inside(value):
            yield from _lines(row.rows, inner, f"{place}{index}.")


def _filled(row: Row, values: Spec, path: str) -> Iterator[Line]:
    yield from (Line(path, _Template().vformat(template, (), values)) for template in row.lines)


def read(line: str) -> Characters | None:
    """The characters of a line as dnsmasq keeps them, each with whether it was in quotes: without quotes, comments and
    outer spaces. None where a quote is not closed, which dnsmasq does not start with."""
    found: Characters = []
    white, place, end = True, 0, len(line)
    while place < end:
        if line[place] == '"':
            place = _quoted(line, place + 1, found)
            if place > end:
                return None
            if place == end:
                break
        # What follows a quote directly is no quote again.
        character = line[place]
        if white and character == "#":
            break
        white = character in _WHITE
        found.append((" " if white else character, False))
        place += 1
    while found and found[0] == (" ", False):
        found.pop(0)
    while found and found[-1] == (" ", False):
        found.pop()
    return found


def _quoted(line: str, place: int, found: Characters) -> int:
    """Reads to the end of a quoted text; returns the place behind it, or one behind the line where there is no end."""
    while place < len(line) and line[place] != '"':
        if line[place] == "\\" and line[place + 1 : place + 2] in _ESCAPES:
            place += 1
            found.append((_ESCAPES[line[place]], True))
        else:
            found.append((line[place], True))
        place += 1
    return place + 1 if place < len(line) else place + 2


def served(value: str) -> list[str] | None:
    """The texts that dnsmasq serves for the value of a TXT record; None where it does not start with it."""
    characters = read(f"txt-record=n,{value}")
    if characters is None:
        return None
    rest = characters[len("txt-record=n,") :]
    while rest and rest[0] == (" ", False):
        rest.pop(0)
    texts = [""]
    for character, hidden in rest:
        if character == "," and not hidden:
            texts.append("")
        else:
            texts[-1] += character
    return texts


def line_remarks(spec: Spec, known: Spec) -> Iterator[str]:
    """What to say about the lines of a network, but for those that are there already."""
    before = {line.text for line in lines(known)}
    for line in lines(spec):
        if line.text not in before:
            yield from _line_remarks(line)


def _line_remarks(line: Line) -> Iterator[str]:
    size, own = len(line.text.encode("utf-8", "replace")), line.path.startswith("dnsmasq_options")
    if size > LONGEST:
        yield (
            f"{line.path} makes a line of {size} bytes for dnsmasq, which reads {LONGEST} at most and takes the rest "
            "as another option"
        )
        return
    option, _equals, value = line.text.partition("=")
    name = value.partition(",")[0]
    if option == "srv-host" and len(name) > DNS_LONGEST:
        yield f"{line.path} makes a name of {len(name)} characters, of which DNS holds {DNS_LONGEST}: {_short(name)}"
    characters = read(line.text)
    if characters is None:
        yield f"{line.path} has a double quote without its partner, which dnsmasq does not start with"
    elif line.path == "name" and _text(characters) != line.text and not line.text.startswith("#"):
        yield f"name is read as {_text(characters)!r} by dnsmasq, which does not start with it"
    elif not own and line.path != "name":
        yield from _changed(line, characters)


def _changed(line: Line, characters: Characters) -> Iterator[str]:
    """What dnsmasq takes otherwise than it is written."""
    option, _equals, value = line.text.partition("=")
    if option == "txt-record":
        yield from _txt(line, value.partition(",")[2])
    elif _text(characters) != line.text:
        yield Caution(f"{line.path} is read as {_text(characters)!r} by dnsmasq")
    elif option in ("dhcp-boot", "tftp-root") and value.split(",,")[0].count(","):
        yield Caution(f"{line.path} has a comma, behind which dnsmasq reads something else")
    boot = value.split(",")[0].encode("utf-8", "replace")
    if option == "dhcp-boot" and len(boot) > BOOT_FILE:
        yield Caution(f"{line.path}.file has {len(boot)} bytes, of which DHCP carries {BOOT_FILE}")


def _txt(line: Line, value: str) -> Iterator[str]:
    texts = served(value)
    if texts == [value] or texts is None:
        return
    # Whoever puts quotes around what needs them means them.
    if len(texts) == 1 and value == quoted(texts[0]) and served(texts[0]) != texts:
        return
    what = ", ".join(_short(text) for text in texts)
    strings = f"{len(texts)} strings, {what}" if len(texts) > 1 else what
    yield Caution(f"{line.path}.value is served as {strings}: write {_short(quoted(value))} to have it served as it is")


def quoted(text: str) -> str:
    """The value of a TXT record that dnsmasq serves as a text."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def _short(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def _text(characters: Characters) -> str:
    return "".join(character for character, _hidden in characters)
