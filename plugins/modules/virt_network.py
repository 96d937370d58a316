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

from ansible_collections.virtfleet.network.plugins.module_utils._fields import argument_spec
from ansible_collections.virtfleet.network.plugins.module_utils._module import (
    desired_network,
    network_options,
    run_networks,
)
from ansible_collections.virtfleet.network.plugins.module_utils._network_xml import NETWORK


def main() -> None:
    typed = [name for name in argument_spec(NETWORK) if name != "name"]
    run_networks(
        network_options(),
        lambda params: [desired_network(params)],
        mutually_exclusive=[("xml", name) for name in typed],
    )


if __name__ == "__main__":
    main()
