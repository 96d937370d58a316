# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a task on a Python that is too old, in one sentence. Modules import it first: an older Python can read it, and
the modules, but not what they import next."""

import json
import sys

OLDEST = (3, 9)
TOO_OLD = (
    "Cannot run on Python %d.%d (%s): virtfleet.network needs Python %d.%d or newer on the hypervisor. "
    "Set ansible_python_interpreter to one that also has the Python libraries libvirt and lxml"
)

if sys.version_info < OLDEST:
    message = TOO_OLD % (sys.version_info[0], sys.version_info[1], sys.executable, OLDEST[0], OLDEST[1])
    sys.stdout.write(json.dumps({"failed": True, "msg": message}))
    raise SystemExit(1)
