#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: virt_iface
"""

EXAMPLES = r"""
"""

RETURN = r"""
"""

from ansible_collections.virtfleet.network.plugins.module_utils._nic_module import run_iface


def main() -> None:
    run_iface()


if __name__ == "__main__":
    main()
