"""Documentation of virt_topology's options and results, made of virt_network's."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

from ansible_collections.virtfleet.network.plugins.module_utils._network.short_options import SHORT
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._schema.nwfilter import NWFILTER
from tests.tools.interface_docs import guest_docs
from tests.tools.option_docs import Descriptions, Options, each_text, flat, head, options_of, walk


class Parts(NamedTuple):
    """What is documented elsewhere: the options of a network's definition, those of virt_network itself, and the words
    for those of virt_iface and of virt_nwfilter."""

    network: Options
    whole: Options
    nics: tuple[Descriptions, Descriptions]
    filters: Descriptions


def options(specs: Options, own: Descriptions, parts: Parts) -> Options:
    """The options: the module's own, and in each network, guest and filter those of the module for one."""
    inner = specs["networks"]["options"]
    suboptions = {
        **{name: {"description": option["description"], **head(inner[name])} for name, option in parts.whole.items()},
        **parts.network,
    }
    documented = flat(specs, own)
    documented["networks"]["suboptions"] = each_text(suboptions, _inside)
    documented["ifaces"]["suboptions"] = guest_docs(specs["ifaces"]["options"], *parts.nics)
    documented["nwfilters"]["suboptions"] = filters_docs(specs["nwfilters"]["options"], parts.filters)
    return documented


def filter_docs(specs: Options, texts: Descriptions) -> Options:
    """The options of one filter: those of the task, and the table's."""
    rows = {row.option for row in NWFILTER}
    own = flat({name: spec for name, spec in specs.items() if name not in rows or name == "name"}, texts)
    return {**own, **options_of(NWFILTER, {name: spec for name, spec in specs.items() if name not in own}, texts)}


def filters_docs(specs: Options, texts: Descriptions) -> Options:
    """The options of each filter in a list."""
    names = "|".join(specs)
    inside = partial(re.sub, rf"O\(({names})\b", r"O(nwfilters[].\1")
    return each_text(filter_docs(specs, texts), inside)


def _inside(text: str) -> str:
    """A text of virt_network's, where its options are those of a list's entries."""
    options = {path.partition(".")[0] for path, _row in walk(NETWORK)} | {"name", *SHORT}
    text = text.replace("O(restart", "O(virtfleet.network.virt_network#module:restart")  # an audit has no such option
    return re.sub(
        r"O\((\w+)",
        lambda found: f"O(networks[].{found[1]}" if found[1] in options else found[0],
        text,
    )


def result(whole: Options, nics: Options, filters: Options) -> Options:
    """What the module returns: as virt_network, with all networks in place of the one, and a file for each of them; and
    what virt_iface and virt_nwfilter return."""
    returned: Options = {}
    plan, diff = ({**whole[name]["contains"]} for name in ("plan", "diff"))
    plan["guest"] = {**nics["plan"]["contains"]["guest"], "returned": "for NICs"}
    plan["network"] = {**plan["network"], "returned": "for networks"}
    own = filters["plan"]["contains"]
    plan.update({name: {**own[name], "returned": "for network filters"} for name in ("nwfilter", "guests")})
    for rows, name in ((plan, "action"), (plan, "effect"), (diff, "before_header"), (diff, "after_header")):
        others = [one["plan" if rows is plan else "diff"]["contains"][name] for one in (nics, filters)]
        rows[name] = {**rows[name], "description": [text for one in (rows[name], *others) for text in _texts(one)]}
    for name, entry in whole.items():
        if name == "network":
            returned["networks"] = _several("networks", entry)
            returned["ifaces"] = _nics(nics["ifaces"])
            returned["nwfilters"] = _several("network filters", filters["nwfilter"])
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


def _several(what: str, entry: Options) -> Options:
    """What is reported of several things, in place of the one."""
    about = f"The {what} after the task, in the order in which they change. In check mode, as they would be."
    kept = {key: entry[key] for key in ("returned", "contains")}
    return {**kept, "description": about, "type": "list", "elements": "dict"}


def _texts(entry: Options) -> list[str]:
    """A description as a list."""
    found = entry["description"]
    return list(found) if isinstance(found, list) else [str(found)]


def _nics(entry: Options) -> Options:
    """What is reported of NICs, each with its guest, and without an address, for which nobody waits."""
    domain = {"description": "The name of the guest.", "type": "str", "sample": "web"}
    contains = {name: inner for name, inner in entry["contains"].items() if name != "address"}
    return {**entry, "contains": {"domain": domain, **contains}}
