"""What playbooks and recipes of the docs work out of what they are given, without a hypervisor."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import template as ansible_template
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.virtfleet.network.plugins.filter import nwfilter_variables as nwfilter_filter
from ansible_collections.virtfleet.network.plugins.filter.manageable import FilterModule, manageable
from ansible_collections.virtfleet.network.plugins.module_utils._schema.nwfilter import FilterDefinition
from ansible_collections.virtfleet.network.plugins.plugin_utils._playbooks.nwfilters import nwfilter_variables
from tests.tools.pages import files
from tests.unit.test_roles import HERE, ROOT, ansible

pytestmark = pytest.mark.plays

TRUST: Any = getattr(ansible_template, "trust_as_template", str)  # since ansible-core 2.19
ROWS = [
    {"mac": "52:54:00:00:50:0a", "id": "", "name": "web", "ip": "192.168.50.10"},
    {"mac": "", "id": "00:03:00:01", "name": "web", "ip": "fd00:50::10"},
]
CSV = "mac,id,name,ip\n52:54:00:00:50:0a,,web,192.168.50.10\n,00:03:00:01,web,fd00:50::10\n"


def worked_out(variables: dict[str, Any], wanted: str) -> Any:
    """What Ansible makes of a template with these variables, which are templates, too."""
    trusted = {name: TRUST(value) if "{{" in str(value) else value for name, value in variables.items()}
    return Templar(loader=DataLoader(), variables=trusted).template(TRUST(wanted))


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_file_of_reservations(bom: str, end: str, separator: str) -> None:
    (play,) = yaml.safe_load(files("docs/guides/reservations.md")["from_csv.yml"])
    text = play["vars"]["text"].replace("lookup('ansible.builtin.file', 'reservations.csv')", "file")
    file = bom + CSV.replace("\n", end).replace(",", separator) + end
    variables = {**play["vars"], "text": text, "file": file}
    wanted = play["tasks"][0]["virtfleet.network.virt_dhcp_host"]["hosts"].replace("}}", "| list }}")
    assert worked_out(variables, wanted) == ROWS


def test_networks_that_no_option_can_describe() -> None:
    def network(name: str, **spec: Any) -> dict[str, Any]:
        return {"name": name, "spec": {"name": name, **spec}}

    good = [network("lan", mtu={"size": 1400}), network("{{ 8 }}"), network("a b\u202e")]
    assert manageable([network("."), *good, network("..")]) == good
    assert set(FilterModule().filters()) == {"manageable"}


RULE = "<rule action='drop' direction='out' priority='500'><arp/></rule>"
ARP = {"match": True, "gratuitous": False}  # what libvirt assumes
REFERENCE = "<filterref filter='no-mail'/>"


def test_network_filters_as_variables() -> None:
    def known(name: str, *children: str, packaged: bool = False) -> dict[str, Any]:
        uuid = "<uuid>5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f12</uuid>"
        xml = f"<filter name='{name}' chain='root'>{''.join((uuid, *children))}</filter>"
        return {"name": name, "spec": FilterDefinition(xml).spec, "xml": xml, "packaged": packaged}

    whole = {"chain": "root", "priority": 0}
    reference, rule = {"filter": "no-mail"}, {"action": "drop", "direction": "out", "priority": 500, "arp": ARP}
    there = [known("a b", RULE), known("clean-traffic", packaged=True), known("own"), known("refs", REFERENCE, RULE)]
    assert nwfilter_variables(there) == [
        {"name": "own", **whole, "filterrefs": [], "rules": []},
        {"name": "refs", **whole, "filterrefs": [reference], "rules": [rule]},
    ]
    (other,) = nwfilter_variables([known("order", RULE, REFERENCE)])
    assert (other.keys(), "uuid" in other["xml"]) == ({"name", "xml"}, False)
    assert (RULE.replace("'", '"') + REFERENCE.replace("'", '"')) in re.sub(r">\s+<", "><", other["xml"])
    assert set(nwfilter_filter.FilterModule().filters()) == {"nwfilter_variables"}


# A hypervisor of libvirt's test driver: another program's metadata, and a network that no option can describe.
DRIVER = """<node><network><name>lan&#x202e;</name>
<uuid>5f2ba3a0-8dbd-4bb9-9a7c-1d3b9a4e2f11</uuid><metadata><x:x xmlns:x="urn:x">hunter2</x:x></metadata></network>
<network><name>..</name></network></node>"""


def test_a_network_that_cannot_be_kept_and_metadata(tmp_path: Path) -> None:
    """Adopted, kept, shown and restored: nothing is refused, and what others keep is in files of one's own only."""
    (tmp_path / "driver.xml").write_text(DRIVER)
    (tmp_path / "inventory").write_text("hv\n")
    variables = {"target": "hv", "target_uri": f"test://{tmp_path}/driver.xml", "adopt_to": str(tmp_path), **HERE}
    variables.update(backup_to=str(tmp_path), restore_from=str(tmp_path))
    names = [f"virtfleet.network.{name}" for name in ("adopt", "backup", "show", "restore")]
    more = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", "ANSIBLE_INVENTORY": str(tmp_path / "inventory")}
    given = ("--diff", "-i", str(tmp_path / "inventory"), "-e", json.dumps(variables))
    told = ansible(*names[:3], "-vvv", *given, **more)
    assert "hunter2" not in told
    assert "hunter2" not in ansible(names[3], *given)
    assert told.count("none that virt_topology takes: ..") == 2
    assert "lan\\\\u202e " in told  # in a list of JSON
    shown = told.partition("CUSTOM STATS")[2]
    assert ('"name": "lan' in shown, "metadata" in shown) == (True, False)
    for file in (tmp_path / "hv/networks.yml", tmp_path / "hv.json"):
        assert ("hunter2" in file.read_text(), oct(file.stat().st_mode & 0o777)) == (True, "0o600")


@pytest.mark.parametrize(
    "more,failed",
    [({}, False), ({"routed_network_router": "nobody"}, True)],
)
def test_a_route_where_tasks_run_elsewhere(more: dict[str, Any], failed: bool, tmp_path: Path) -> None:
    """The routes and the forwarding of this machine say nothing of the hypervisor, also where they are known."""
    facts = {"default_ipv4": {"address": "198.51.100.9"}}
    given = {"routed_network_name": "dmz", "routed_network_subnet": "10.9.0.0/24", "target_uri": "test:///default"}
    before = [{"ansible.builtin.set_fact": {"ansible_facts": facts}}]
    role = {"role": "virtfleet.network.routed_network"}
    play = {"hosts": "localhost", "gather_facts": False, "pre_tasks": before, "roles": [role]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    told = ansible(str(tmp_path / "play.yml"), "-e", json.dumps({**HERE, **given, **more}), rc=2 if failed else 0)
    told = re.sub(r"\s+", " ", told)
    assert "198.51.100.9" not in told
    if failed:
        assert "tasks do not run on localhost and cannot look at its addresses: set routed_network_next_hop to" in told
        assert "Network dmz" not in told  # before anything is changed
    else:
        assert "route replace 10.9.0.0/24 via an address of localhost" in told
        assert "Whether localhost forwards packets was not looked at" in told


@pytest.mark.parametrize("playbook", ["hypervisor", "host_bridge"])
def test_no_host_is_changed_in_the_place_of_another(playbook: str) -> None:
    (play,) = yaml.safe_load((ROOT / f"playbooks/{playbook}.yml").read_text())
    (first,) = play["pre_tasks"]
    assert first["ansible.builtin.assert"]["that"] == "target_uri | default('', true) == ''"
