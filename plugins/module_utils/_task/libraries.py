# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python libraries that a host lacks, and the packages that have them on its distribution."""

from __future__ import annotations

import platform
import sys

from ansible.module_utils.distro import id as distribution
from ansible.module_utils.distro import like

# The packages by library, then by distribution (ID or ID_LIKE in /etc/os-release); "" is for all others.
_PACKAGES = {
    "libvirt-python": {
        "suse": "python3-libvirt-python",
        "arch": "libvirt-python",
        "alpine": "py3-libvirt",
        "": "python3-libvirt",
    },
    "lxml": {"arch": "python-lxml", "alpine": "py3-lxml", "": "python3-lxml"},
}


def missing(library: str) -> str:
    """An error of a library that this Python cannot import, with the package to install."""
    packages = _PACKAGES[library]
    package = next(packages[name] for name in (distribution(), *like().split(), "") if name in packages)
    return (
        f"Failed to import the required Python library ({library}) on {platform.node()}'s Python {sys.executable}: "
        f"install the package {package} (the role virtfleet.network.hypervisor does), or let "
        "ansible_python_interpreter name the distribution's own Python"
    )
