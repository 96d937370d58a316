# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task does first: it ends on a Python that is too old, in one sentence, and has what it imports compiled once.
Modules import this ahead of the rest: an older Python can read it, and the modules, but not what they import next."""

import gc
import json
import os
import sys
from zipimport import zipimporter

OLDEST = (3, 9)
TOO_OLD = (
    "Cannot run on Python %d.%d (%s): virtfleet.network needs Python %d.%d or newer on the hypervisor. "
    "Set ansible_python_interpreter to one that also has the Python libraries libvirt and lxml"
)

if sys.version_info < OLDEST:
    message = TOO_OLD % (sys.version_info[0], sys.version_info[1], sys.executable, OLDEST[0], OLDEST[1])
    sys.stdout.write(json.dumps({"failed": True, "msg": message}))
    raise SystemExit(1)


def _file_of(payload, module):  # type: (zipimporter, str) -> str
    """The file of a module that Ansible has sent. zipimport's own function (CPython 3.10 to 3.14) compiles a module to
    say this, and its import compiles it once more."""
    end = "/__init__.py" if payload.is_package(module) else ".py"
    return payload.archive + os.sep + payload.prefix + module.rpartition(".")[2] + end


if isinstance(globals().get("__loader__"), zipimporter):
    gc.disable()  # until all is imported: none of that becomes garbage
    zipimporter.get_filename = _file_of  # type: ignore[assignment]
