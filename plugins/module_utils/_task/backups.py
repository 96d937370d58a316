# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with the definitions that a job replaces."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from .._errors.errors import NetworkError
from .._values.outcome import Outcome


def replaces(outcome: Any) -> bool:
    """Whether a job replaces the definition of a network."""
    return isinstance(outcome, Outcome) and bool(outcome.before.saved) and outcome.plan.before != outcome.plan.after


def back_up(folder: str, outcome: Outcome) -> str:
    """Keeps the definition that is about to be replaced; its file is for root only, as libvirt's own are."""
    name, path = outcome.plan.network, ""
    try:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        rest = f".{stamp}.12345678.xml"  # mkstemp adds eight characters
        room = os.pathconf(folder, "PC_NAME_MAX") - len(rest)
        kept = name.encode()[:room].decode(errors="ignore")
        handle, path = tempfile.mkstemp(".xml", f"{kept}.{stamp}.", folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(outcome.before.saved.text)
            file.flush()
            os.fsync(file.fileno())  # some file systems find out only now that they are full
    except OSError as error:
        if path:
            Path(path).unlink(missing_ok=True)
        raise NetworkError(
            f"Cannot keep the definition of network {name!r} in {folder} ({error.strerror}), so nothing was changed: "
            "set backup_dir to a folder that can be written"
        ) from None
    return path
