"""The glue: which connection, which policy, what Ansible gets."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import gateway as _gateway
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.secrets import secrets_of
from ansible_collections.virtfleet.network.plugins.module_utils._task import networks as _module
from ansible_collections.virtfleet.network.plugins.module_utils._values.outcome import Plan
from ansible_collections.virtfleet.network.plugins.module_utils._values.steps import Define, Item, Start, Stop
from ansible_collections.virtfleet.network.plugins.module_utils._xml import codec as _codec
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.case_files import desired_of, host_of, spec_of
from tests.unit.run_module import run_module


class Replaced:
    """Stands in for the connection; remembers how it was made and closed."""

    def __init__(self, monkeypatch, case):
        self.host, self.made, self.closed = host_of(case), [], 0
        monkeypatch.setattr(_module, "Gateway", self._make)

    def _make(self, uri, readonly, _seconds):
        self.made.append((uri, readonly))
        self.host.close = self._close
        return self.host

    def _close(self):
        self.closed += 1


@pytest.fixture
def lan(monkeypatch):
    """A running network with a guest behind a replaced connection."""
    return Replaced(monkeypatch, {"observed": {"saved": "lan", "live": "same", "guests": ["vm1"]}})


DOMAIN = {"name": "lan", "domain": {"name": "lan.example"}}


@pytest.mark.parametrize("check", [True, False])
def test_check_mode_uses_the_read_only_connection(lan, check):
    result = run_module("virt_network", check, uri="qemu:///session", **DOMAIN)
    assert lan.made == [("qemu:///session", check)]
    assert lan.closed == 1
    assert bool(lan.host.calls) is not check
    assert result["restart_required"] is True
    assert len(result["warnings"]) == 1
    assert "running guests use it: vm1; restart=replug moves their NICs" in str(result["warnings"][0])


@pytest.mark.usefixtures("lan")
def test_the_policy_is_the_users():
    assert run_module("virt_network", restart="never", **DOMAIN).get("warnings", []) == []
    replugged = run_module("virt_network", restart="replug", **DOMAIN)
    assert [step["action"] for step in replugged["plan"]] == ["park", "stop", "start", "return"]
    assert replugged["cost"] == {**replugged["cost"], "calls": 6, "restart": True}
    assert "force=true" in run_module("virt_network", name="lan", active=False)["msg"]
    assert run_module("virt_network", name="lan", active=False, force=True)["changed"] is True


def test_a_restart_on_purpose_is_one(lan):
    assert run_module("virt_network", True, name="lan", state="restarted")["changed"] is True
    assert lan.host.calls == []
    assert run_module("virt_network", name="lan", state="restarted")["network"]["state"] == "present"
    for contradiction in ({"restart": "never"}, {"active": False}):
        message = run_module("virt_network", name="lan", state="restarted", **contradiction)["msg"]
        assert "exclude each other" in message, message


def test_the_patience_is_the_users(lan):
    run_module("virt_network", lock_timeout=7.5, **DOMAIN)
    assert lan.host.locked == [(["lan"], 7.5)]


def test_errors_close_the_connection(lan):
    lan.host.fail_at = 0
    failed = run_module("virt_network", **DOMAIN)
    assert failed["failed"] is True
    assert failed["msg"].endswith("(code 38); network 'lan' was not changed")
    assert lan.closed == 1


def test_the_uri_may_come_from_the_environment(lan, monkeypatch):
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu:///session")
    run_module("virt_network", name="lan", uri=None)
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI")
    run_module("virt_network", name="lan", uri=None)
    assert lan.made == [("qemu:///session", False), ("qemu:///system", False)]


@pytest.mark.parametrize("password", ["hunter2", "hunter2%40x", "a:hunter2"])
def test_a_password_of_the_uri_is_not_told(password):
    failed = run_module("virt_network_info", uri=f"nothing+ssh://me:{password}@192.0.2.1/system?socket=/run/x")
    assert failed["msg"].startswith(
        "Cannot connect to nothing+ssh://me:********@192.0.2.1/system?socket=/run/x: libvirt says "
    )
    assert "hunter2" not in str(failed)


@pytest.mark.parametrize(
    "uri",
    [
        "nothing+ssh://me@192.0.2.1/system?password=hunter2",
        "nothing+ssh://me@192.0.2.1/system?no_verify=1&p%61ssword=hunter2",
        "nothing+ssh://me@192.0.2.1/system?name=nothing%2Bssh://me:hunter2@h/system",
        "nothing+ssh://me:hun/hunter2@192.0.2.1/system",
        "nothing+ssh://me:a?hunter2#b@192.0.2.1/system",
        "nothing+ssh//me:hunter2@192.0.2.1/system",
        "nothing+ssh:me:hunter2@192.0.2.1",
        "://:hunter2@",
        "nothing+ssh://me:'hunter2\\\"@192.0.2.1/system",
        "nothing+ssh://me:[hunter2@192.0.2.1:x/system",
        "nothing+ssh://me:%zz hunter2 é@192.0.2.1/system",
    ],
)
@pytest.mark.parametrize("more", [{}, {"nothing": 1}])
def test_no_secret_of_a_uri_is_told(uri, more, capfd):
    """Whether libvirt can read the URI or not, and also where the task is refused before it is read."""
    failed = run_module("virt_network_info", uri=uri, **more)
    assert "hunter2" not in str(failed) + "".join(capfd.readouterr())
    assert failed["failed"]


def test_a_user_and_a_host_are_told():
    assert secrets_of("qemu+ssh://root@hv1/system?keyfile=/root/key&no_verify=1&socket=/run/x") == set()


@pytest.mark.parametrize(
    "where,name,library", [(_gateway, "HAS_LIBVIRT", "libvirt-python"), (_codec, "HAS_LXML", "lxml")]
)
@pytest.mark.parametrize("module", ["virt_network", "virt_network_info"])
def test_a_missing_library_is_named_as_ansible_names_it(monkeypatch, where, name, library, module):
    monkeypatch.setattr(where, name, False)
    failed = run_module(module, **({"name": "n"} if module == "virt_network" else {}))
    assert failed["msg"].startswith(f"Failed to import the required Python library ({library}) on ")


def test_options_are_of_the_table_and_a_few_more():
    options = _module.network_options()
    assert {"name", "state", "active", "autostart", "xml", "forward", "ips", "dnsmasq_options"} <= options.keys()
    assert options["name"] == {"type": "str", "required": True}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_parameters_make_the_wanted_network(state):
    params = {"name": "lan", "state": state, "active": False, "autostart": True, "mtu": {"size": 1400}, "ips": None}
    wanted = _module.desired_network(params)
    case = {"desired": {"state": state, "active": False, "mtu": {"size": 1400}}}
    assert wanted == desired_of(case)._replace(spec=spec_of({"name": "lan", "mtu": {"size": 1400}}))


def test_what_a_plan_costs():
    restarted = (Item("active", True, False, "restart"),)
    plans = [Plan("n", steps) for steps in ((Define("n", (), ABSENT), Stop("n", restarted)), (Start("n", restarted),))]
    assert _module.cost(plans, 0.12345) == {"calls": 3, "restart": True, "seconds": 0.123}
    assert _module.cost([Plan("n", (Start("n"),))], 0)["restart"] is False
