#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
"""

EXAMPLES = r"""
"""

RETURN = r"""
"""

from ansible_collections.virtfleet.network.plugins.module_utils._entries import DNS_HOST
from ansible_collections.virtfleet.network.plugins.module_utils._module import run_entries


def main() -> None:
    run_entries(DNS_HOST)


if __name__ == "__main__":
    main()
