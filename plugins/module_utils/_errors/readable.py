# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that people can read, whatever values it quotes, and options that no C library can take."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

# Errors quote what a user wrote: a value of 60,000 letters would hide what is wrong with it.
_LONG = re.compile(r"\S{160,}")
_HEAD, _TAIL = 60, 20
# C ends a string at a NUL, and half of a surrogate pair has no UTF-8.
_UNFIT = re.compile("[\0\ud800-\udfff]")


def readable(text: str) -> str:
    """A text on one line, without what a terminal obeys or hides, and with long words cut in the middle."""
    text = " ".join(line.strip() for line in text.splitlines())
    text = text if text.isprintable() else "".join(char if char.isprintable() else escape(char) for char in text)
    return _LONG.sub(_shorter, text)


def escape(char: str) -> str:
    r"""A character as Python writes it in a string: \x85, \u202e."""
    return char.encode("unicode_escape").decode()


def _shorter(word: re.Match[str]) -> str:
    whole = word.group()
    return f"{whole[:_HEAD]}...({len(whole)} characters)...{whole[-_TAIL:]}"


def unfit(value: Any, place: str = "") -> Iterator[str]:
    """What is wrong with options that hold what neither libvirt nor a file name can hold."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from unfit(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unfit(inner, f"{place}[{index}]")
    elif isinstance(value, str) and _UNFIT.search(value):
        yield f"{place} must not contain NUL characters or halves of surrogate pairs, not {value!r}"
    elif isinstance(value, float) and math.isnan(value):
        yield f"{place} must be a number, not {value!r}"


def some(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def number(version: str) -> int:
    """A version like 9.7.0 as libvirt counts it: 9007000."""
    major, minor, micro = (int(part) for part in version.split("."))
    return major * 1000000 + minor * 1000 + micro


def dotted(version: int) -> str:
    """A version as libvirt counts it, as people write it."""
    return f"{version // 1000000}.{version // 1000 % 1000}.{version % 1000}"
