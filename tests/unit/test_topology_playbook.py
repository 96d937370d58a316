"""The playbook topology on libvirt's test driver: one table at the end of it, wherever it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_roles import HERE, ROOT, ansible

pytestmark = pytest.mark.plays

GOOD: dict[str, Any] = {
    **HERE,
    "target_uri": "test:///default",
    "topology_networks": [{"name": "web", "kind": "isolated"}],
}
HOSTS = {
    "hv1": GOOD,
    "hv2": {**GOOD, "topology_networks": [{"name": "web", "kind": "nat", "subnet": "10.0.0.0/33"}]},
    "hv3": {**GOOD, "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
    "hv4": GOOD,
}


@pytest.mark.parametrize(
    "may_fail,counts",
    [
        (50, "1 changed, 0 up to date, 1 failed, 1 unreachable, 1 not tried"),
        (70, "2 changed, 0 up to date, 1 failed, 1 unreachable, 0 not tried"),
    ],
)
def test_one_table_says_what_became_of_each(may_fail: int, counts: str, tmp_path: Path) -> None:
    """Of a batch of three, two fail; one that cannot be reached counts."""
    (tmp_path / "hosts.json").write_text(json.dumps({"hypervisors": {"hosts": HOSTS}}))
    options = {"target_serial": 3, "target_max_fail_percentage": may_fail}
    told = ansible("virtfleet.network.topology", "-i", str(tmp_path / "hosts.json"), "-e", json.dumps(options), rc=2)
    assert told.count("HYPERVISOR  STATE") == 1
    assert f"4 hypervisors: {counts}" in told
    assert "Connection refused" in told


NETWORK = {"name": "web", "kind": "isolated", "bridge": {"name": "virbr60"}, "mtu": {"size": 1400}}
OVERRIDE = '#jinja2: variable_start_string: "[%", variable_end_string: "%]"\n[% name %]'


@pytest.mark.parametrize(
    "networks",
    [
        pytest.param([NETWORK], id="nothing to evaluate"),
        pytest.param([{**NETWORK, "mtu": {"size": "{{ size }}"}, "uuid": "{{ omit }}"}], id="inside"),
        pytest.param([{**NETWORK, "name": "{% if size %}web{% endif %}"}], id="a statement"),
        pytest.param([{**NETWORK, "name": OVERRIDE}], id="delimiters of its own"),
        pytest.param("{{ others }}", id="all of it"),
    ],
)
def test_what_is_asked_for_is_evaluated(networks: Any, tmp_path: Path) -> None:
    """Where there is something to evaluate, networks do not go to the module as they stand in the variable."""
    more = {"name": "web", "size": 1400, "others": [NETWORK], "topology_networks": networks}
    (tmp_path / "hosts.json").write_text(json.dumps({"hypervisors": {"hosts": {"hv1": {**GOOD, **more}}}}))
    result = [
        {"ansible.builtin.copy": {"content": "{{ topology_result | to_json }}", "dest": str(tmp_path / "result")}}
    ]
    play = {"hosts": "hv1", "gather_facts": False, "roles": ["virtfleet.network.topology"], "post_tasks": result}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    ansible(str(tmp_path / "play.yml"), "-i", str(tmp_path / "hosts.json"))
    [network] = json.loads((tmp_path / "result").read_text())["networks"]
    assert (network["name"], network["spec"]["mtu"]) == ("web", {"size": 1400})


def test_networks_nics_and_filters_are_named(tmp_path: Path) -> None:
    """In the table, and in what is handed on."""
    plan: list[dict[str, Any]] = [
        {"nwfilter": "apart", "guests": ["mail"]},
        *({"network": name} for name in ("web", "back", "web")),
        {"guest": "shop"},
    ]
    result = {"changed": True, "restart_required": True, "plan": plan}
    hosts = {"hv1": {"topology_result": result}, "hv2": {"topology_result": {**result, "changed": False, "plan": []}}}
    (tmp_path / "hosts.json").write_text(json.dumps({"hypervisors": {"hosts": hosts}}))
    (play,) = yaml.safe_load((ROOT / "playbooks/topology.yml").read_text())
    shown = {"table": "{{ _topology_table }}", "told": "{{ _topology_told }}"}
    play["tasks"] = [{"ansible.builtin.copy": {"content": "{{ shown | to_json }}", "dest": str(tmp_path / "shown")}}]
    play["tasks"][0].update(run_once=True, connection="local", vars={**HERE, "shown": shown})
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "templates").symlink_to(ROOT / "playbooks/templates")
    ansible(str(tmp_path / "play.yml"), "-i", str(tmp_path / "hosts.json"))
    found = json.loads((tmp_path / "shown").read_text())
    assert found["table"].splitlines()[1:3] == [
        "hv1         changed     networks back web, NICs of shop, filters apart, restart required",
        "hv2         up to date  restart required",
    ]
    rest = {"restart_required": True}
    assert found["told"] == {
        "hv1": {**rest, "changed": True, "networks": ["back", "web"], "guests": ["shop"], "nwfilters": ["apart"]},
        "hv2": {**rest, "changed": False, "networks": [], "guests": [], "nwfilters": []},
    }
