"""Write what is made of the table and of the list of modules: doc fragments, results, roles, the action group, and a
part of the docs.

Words for people come from descriptions.yml; everything that the table knows is said by it.

    python tests/tools/generate.py            write the files
    python tests/tools/generate.py --check    only say which of them are not as they should be
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / ".build")]  # in the second one the checkout is a collection

from ansible_collections.virtfleet.network.plugins.module_utils._entries import lists as _entries
from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import entry_options
from ansible_collections.virtfleet.network.plugins.module_utils._network.short_options import short_options
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._task.networks import CHANGE, CONNECTION, STOP
from ansible_collections.virtfleet.network.plugins.module_utils._task.nics import iface_options
from ansible_collections.virtfleet.network.plugins.module_utils._task.nwfilters import nwfilter_options
from ansible_collections.virtfleet.network.plugins.module_utils._task.topology import topology_options
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import argument_spec
from tests.tools import guide_docs, interface_docs, page_docs, topology_docs
from tests.tools.option_docs import Descriptions, Entries, Options, flat, kinds, options_of, short_docs
from tests.tools.page_docs import MARK
from tests.tools.role_docs import Roles, plain_specs
from tests.tools.yaml_style import dump

COLLECTION, GROUP = "virtfleet.network", "network"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py"))
RETURN = '\nRETURN = r"""\n'
FRAGMENT = '''\
# {mark} from descriptions.yml and {source}: do not edit.
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """{summary}"""

    DOCUMENTATION = r"""
{documentation}"""
'''
ACTION_GROUP = {
    "description": f"Use C(group/{COLLECTION}.{GROUP}) in C(module_defaults) to set its options once for all modules.",
    "support": "full",
    "membership": [f"{COLLECTION}.{GROUP}"],
}
# The one place of it: the fragment comes before Ansible's own, which would win.
PLATFORM = {"platforms": "posix", "support": "full"}


def fragment(source: str, summary: str, options: Options, more: Options) -> str:
    """A doc fragment's file."""
    documentation = dump({"options": options, **more})
    return FRAGMENT.format(mark=MARK, source=source, summary=summary, documentation=documentation)


def runtime(old: str) -> str:
    """meta/runtime.yml with every module in the action group."""
    version = yaml.safe_load(old)["requires_ansible"]
    return (
        f"---\n# {MARK}, but for requires_ansible: do not edit.\n"
        f'requires_ansible: "{version}"\n{dump({"action_groups": {GROUP: MODULES}})}'
    )


def whole(block: str, module: str = "virt_network") -> Options:
    """A block of a module's documentation."""
    found: Options = yaml.safe_load(old_text(f"plugins/modules/{module}.py").partition(block)[2].partition('"""')[0])
    return found


def returned(old: str, name: str, result: Callable[[Options], Options]) -> str:
    """A module with its RETURN made of virt_network's."""
    before, rest = page_docs.split(old, name, RETURN)
    _old, end, after = rest.partition('"""')
    made = f"# {MARK} from virt_network's and tests/tools/descriptions.yml: do not edit.\n{dump(result(whole(RETURN)))}"
    return f"{before}{made}{end}{after}"


def topology_returned(networks: Options) -> Options:
    """What virt_topology returns."""
    return topology_docs.result(networks, whole(RETURN, "virt_iface"), whole(RETURN, "virt_nwfilter"))


def old_text(name: str) -> str:
    """A file of the project as it is, empty when there is none yet."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


Texts = dict[str, Descriptions]


def options_of_networks(data: Options, texts: Texts) -> dict[str, str]:
    """The doc fragments of what all modules have, of networks, and of many of them."""
    table = argument_spec(NETWORK)
    typed = {name: spec for name, spec in table.items() if name != "name"}
    whole_form = options_of(NETWORK, typed, texts["network_options"])
    network = {**short_docs(short_options(table), texts["short_form"], texts["network_options"]), **whole_form}
    own, nics = whole('DOCUMENTATION = r"""')["options"], (texts["iface"], texts["interface_options"])
    parts = topology_docs.Parts(network, own, nics, texts["nwfilter"])
    many = topology_docs.options(topology_options(), texts["topology"], parts)
    source = "plugins/module_utils/_schema/network.py"
    return {
        "plugins/doc_fragments/connection.py": fragment(
            "plugins/module_utils/_task/networks.py",
            "What every module has: the connection to libvirt.",
            flat(CONNECTION, texts["connection"]),
            {"attributes": {"action_group": ACTION_GROUP, "platform": PLATFORM}, **data["connection"]},
        ),
        "plugins/doc_fragments/change.py": fragment(
            "plugins/module_utils/_task/networks.py",
            "What every module that changes something has.",
            flat(CHANGE, texts["change"]),
            data["change"],
        ),
        "plugins/doc_fragments/stop.py": fragment(
            "plugins/module_utils/_task/networks.py",
            "What modules have that stop and delete networks.",
            flat(STOP, texts["stop"]),
            data["stop"],
        ),
        "plugins/doc_fragments/network_options.py": fragment(
            source, "The options of a network's definition.", network, data["network_options"]
        ),
        "plugins/doc_fragments/topology_options.py": fragment(
            source, "The options of virt_topology.", many, data["topology"]
        ),
    }


def options_of_nics(data: Options, texts: Texts) -> dict[str, str]:
    """The doc fragment of the NICs of guests."""
    options = interface_docs.iface_docs(iface_options(), texts["iface"], texts["interface_options"])
    source = "plugins/module_utils/_schema/interface.py"
    text = fragment(source, "The options of virt_iface.", options, data["iface"])
    return {"plugins/doc_fragments/iface_options.py": text}


def options_of_nwfilters(data: Options, texts: Texts) -> dict[str, str]:
    """The doc fragment of network filters."""
    specs = {**nwfilter_options(), "lock_timeout": CHANGE["lock_timeout"]}
    options, source = topology_docs.filter_docs(specs, texts["nwfilter"]), "plugins/module_utils/_schema/nwfilter.py"
    text = fragment(source, "The options of virt_nwfilter.", options, data["nwfilter"])
    return {"plugins/doc_fragments/nwfilter_options.py": text}


def options_of_entries(data: Options, texts: Texts) -> dict[str, str]:
    """The doc fragments and results of the modules for the entries of a list."""
    entries = Entries(data["entries"], texts["entries"], texts["network_options"])
    files = {}
    for module, kind in kinds(ROOT / "plugins/modules", vars(_entries)).items():
        files[f"plugins/doc_fragments/{module.removeprefix('virt_')}_options.py"] = fragment(
            "plugins/module_utils/_schema/network.py",
            f"The options of {module}.",
            entries.options(module, kind, entry_options(kind)),
            entries.more(module, kind),
        )
        name = f"plugins/modules/{module}.py"
        files[name] = returned(old_text(name), name, partial(entries.result, module))
    return files


def roles(data: Options, texts: Texts) -> dict[str, str]:
    """What the roles for networks take, work out and do."""
    sections = ((STOP, "stop"), (CHANGE, "change"), (CONNECTION, "connection"))
    shared = {name: entry for specs, title in sections for name, entry in flat(specs, texts[title]).items()}
    made = Roles(data["roles"]["roles"], texts, shared, whole('DOCUMENTATION = r"""')["options"])
    files, place = made.files(MARK), "meta/argument_specs.yml"
    paths = (path.parents[1].name for path in ROOT.glob(f"roles/*/{place}"))
    names = {role: f"roles/{role}/{place}" for role in {*paths, *data["roles"]["roles"]}}
    return {**files, **plain_specs({role: files.get(name) or old_text(name) for role, name in names.items()})}


def guides(_data: Options, _texts: Texts) -> dict[str, str]:
    """The links from modules and plugins to pages."""
    repository = yaml.safe_load(old_text("galaxy.yml"))["repository"]
    return {guide_docs.FRAGMENT: guide_docs.fragment(old_text(guide_docs.INDEX), repository, MARK)}


def pages(texts: Texts) -> dict[str, str]:
    """What people and the generator write together: pages of the documentation, and what is in them."""
    documentation = {name: whole('DOCUMENTATION = r"""', name) for name in MODULES}
    tested = yaml.safe_load(old_text("tests/tools/tested.yml"))
    lists, topology = kinds(ROOT / "plugins/modules", vars(_entries)), "plugins/modules/virt_topology.py"
    rewritten: dict[str, Callable[[str], str]] = {
        "meta/runtime.yml": runtime,
        page_docs.README: partial(page_docs.readme, documentation=documentation, tested=tested),
        page_docs.BEHAVIOUR: partial(page_docs.behaviour, kinds=lists),
        page_docs.DIAGNOSIS: page_docs.diagnosis,
        page_docs.FAULTS: page_docs.faults,
        page_docs.INTERFACE_OPTIONS: partial(page_docs.interface_options, texts=texts["interface_options"]),
        topology: partial(returned, name=topology, result=topology_returned),
    }
    return {name: rewrite(old_text(name)) for name, rewrite in rewritten.items()}


MAKERS = (options_of_networks, options_of_nics, options_of_nwfilters, options_of_entries, roles, guides)


def generate() -> tuple[dict[str, str], list[str]]:
    """Every generated file's text by its path, and what is wrong with the descriptions."""
    data = yaml.safe_load((ROOT / "tests/tools/descriptions.yml").read_text(encoding="utf-8"))
    texts = {title: Descriptions(title, section.pop("options", {})) for title, section in data.items()}
    made = [one(data, texts) for one in MAKERS]
    files = {name: text for some in (*made, pages(texts)) for name, text in some.items()}
    return files, [problem for section in texts.values() for problem in section.problems()]


def main(arguments: list[str]) -> int:
    """Write the files, or with --check only compare; returns the exit status."""
    files, problems = generate()
    for name, text in files.items():
        path = ROOT / name
        if old_text(name) == text:
            continue
        if "--check" in arguments:
            problems.append(f"{name} is not what would be generated: run `make generate`")
        elif not problems:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    print(*(problems or [f"{len(files)} files are as generated"]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
