"""Documentation of virt_topology's options and results, made of virt_network's."""

from __future__ import annotations

import re

from ansible_collections.virtfleet.network.plugins.module_utils._network.short_options import SHORT
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from tests.tools.interface_docs import guest_docs
from tests.tools.option_docs import Descriptions, Options, each_text, flat, head, walk


def options(
    specs: Options, own: Descriptions, network: Options, whole: Options, nics: tuple[Descriptions, Descriptions]
) -> Options:
    """The options: the module's own, in each network those of a definition (``network``) and (``whole``) of
    virt_network itself, and for each guest those of virt_iface."""
    inner = specs["networks"]["options"]
    suboptions = {
        **{name: {"description": option["description"], **head(inner[name])} for name, option in whole.items()},
        **network,
    }
    documented = flat(specs, own)
    documented["networks"]["suboptions"] = each_text(suboptions, _inside)
    documented["ifaces"]["suboptions"] = guest_docs(specs["ifaces"]["options"], *nics)
    return documented


def _inside(text: str) -> str:
    """A text of virt_network's, where its options are those of a list's entries."""
    options = {path.partition(".")[0] for path, _row in walk(NETWORK)} | {"name", *SHORT}
    text = text.replace("O(restart", "O(virtfleet.network.virt_network#module:restart")  # an audit has no such option
    return re.sub(
        r"O\((\w+)",
        lambda found: f"O(networks[].{found[1]}" if found[1] in options else found[0],
        text,
    )


def result(whole: Options, nics: Options) -> Options:
    """What the module returns: as virt_network, with all networks in place of the one, and a file for each of them; and
    what virt_iface returns."""
    returned: Options = {}
    plan, diff = ({**whole[name]["contains"]} for name in ("plan", "diff"))
    plan["guest"] = {**nics["plan"]["contains"]["guest"], "returned": "for NICs"}
    plan["network"] = {**plan["network"], "returned": "for networks"}
    for rows, name in ((plan, "action"), (plan, "effect"), (diff, "before_header"), (diff, "after_header")):
        of_nics = nics["plan" if rows is plan else "diff"]["contains"][name]
        rows[name] = {**rows[name], "description": [*_texts(rows[name]), *_texts(of_nics)]}
    for name, entry in whole.items():
        if name == "network":
            about = "The networks after the task, in the order in which they change. In check mode, as they would be."
            returned["networks"] = {
                **{key: entry[key] for key in ("returned", "contains")},
                "description": about,
                "type": "list",
                "elements": "dict",
            }
            returned["ifaces"] = _nics(nics["ifaces"])
        elif name == "backup_file":
            returned["backup_files"] = {
                "description": "The files that hold the replaced definitions.",
                "returned": entry["returned"],
                "type": "list",
                "elements": "str",
                "sample": [entry["sample"]],
            }
        else:
            inner = {"plan": plan, "diff": diff}.get(name)
            returned[name] = {**entry, "contains": inner} if inner else entry
    return returned


def _texts(entry: Options) -> list[str]:
    """A description as a list."""
    found = entry["description"]
    return list(found) if isinstance(found, list) else [str(found)]


def _nics(entry: Options) -> Options:
    """What is reported of NICs, each with its guest, and without an address, for which nobody waits."""
    domain = {"description": "The name of the guest.", "type": "str", "sample": "web"}
    contains = {name: inner for name, inner in entry["contains"].items() if name != "address"}
    return {**entry, "contains": {"domain": domain, **contains}}
