# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the operating system: the only place that starts one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

# A user's login may lack the folders of the administrator's commands.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"
SECONDS = 30


def run(
    command: Sequence[str], *, text: str = "", check: bool = False, seconds: float = SECONDS
) -> subprocess.CompletedProcess[str]:
    """What a command prints that gets ``text`` to read. Raises OSError where there is none, SubprocessError where it
    takes too long or, with ``check``, fails."""
    # AnsibleModule's run_command() belongs to the glue, and has no deadline.
    return subprocess.run(  # pylint: disable=ansible-bad-function
        command, input=text, check=check, timeout=seconds, capture_output=True, encoding="utf-8", errors="replace"
    )
