# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what is wrong with several things, so that a user sees all of it at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .errors import InUseError, InvalidFilterError, InvalidNetworkError, InvalidNicsError, NetworkError


@contextlib.contextmanager
def collected(errors: list[NetworkError]) -> Iterator[None]:
    """Keeps what is wrong with one of several things."""
    try:
        yield
    except (InvalidFilterError, InvalidNetworkError, InvalidNicsError, InUseError) as error:
        errors.append(error)
