"""Documentation of virt_topology's options and results, made of virt_network's."""

from __future__ import annotations

import re

from ansible_collections.virtfleet.network.plugins.module_utils._network_xml import NETWORK
from tests.option_docs import Descriptions, Options, each_text, flat, head, options_of, walk


def options(specs: Options, own: Descriptions, table: Descriptions, whole: Options) -> Options:
    """The options: the module's own, and in each network those of the table and (``whole``) of virt_network itself."""
    inner = specs["networks"]["options"]
    typed = {name: spec for name, spec in inner.items() if name not in whole}
    suboptions = {
        **{name: {"description": option["description"], **head(inner[name])} for name, option in whole.items()},
        **options_of(NETWORK, typed, table),
    }
    documented = flat(specs, own)
    documented["networks"]["suboptions"] = each_text(suboptions, _inside)
    return documented


def _inside(text: str) -> str:
    """A text of virt_network's, where its options are those of a list's entries."""
    paths = {path for path, _row in walk(NETWORK)} | {"name"}
    return re.sub(
        r"O\(([^)=]+)",
        lambda found: f"O(networks[].{found[1]}" if found[1].replace("[]", "") in paths else found[0],
        text,
    )


def result(whole: Options) -> Options:
    """What the module returns: as virt_network, with all networks in place of the one, and a file for each of them."""
    returned: Options = {}
    for name, entry in whole.items():
        if name == "network":
            about = "The networks after the task, in the order in which they change. In check mode, as they would be."
            returned["networks"] = {
                **{key: entry[key] for key in ("returned", "contains")},
                "description": about,
                "type": "list",
                "elements": "dict",
            }
        elif name == "backup_file":
            returned["backup_files"] = {
                "description": "The files that hold the replaced definitions.",
                "returned": entry["returned"],
                "type": "list",
                "elements": "str",
                "sample": [entry["sample"]],
            }
        else:
            returned[name] = entry
    return returned
