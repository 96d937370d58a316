"""The hypervisors of an inventory: options that are wrong, hostile variables, where ssh jumps from."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import PlanError
from ansible_collections.virtfleet.network.plugins.plugin_utils._guests.sources import (
    Source,
    distinct,
    given,
    of_host,
)


@pytest.mark.parametrize(
    "one, source",
    [
        ("qemu:///system", Source("local", "qemu:///system")),
        (
            "qemu+ssh://root@hv1.example:2222/system",
            Source("hv1.example", "qemu+ssh://root@hv1.example:2222/system", "root@hv1.example:2222"),
        ),
        ("qemu+ssh://[fd00::1]/system", Source("fd00::1", "qemu+ssh://[fd00::1]/system", "[fd00::1]")),
        ("qemu+tls://hv1/system", Source("hv1", "qemu+tls://hv1/system")),
        (
            {"uri": "qemu+tls://hv1/system", "name": "one", "jump": "me@gate"},
            Source("one", "qemu+tls://hv1/system", "me@gate"),
        ),
        ({"uri": "qemu+ssh://hv1/system", "jump": ""}, Source("hv1", "qemu+ssh://hv1/system")),
    ],
)
def test_hypervisors_that_are_given(one: Any, source: Source) -> None:
    assert given([one]) == [source]


@pytest.mark.parametrize("one", [7, {"name": "hv1"}, {"uri": "test:///default", "url": "x"}, None, ["x"]])
def test_what_is_no_hypervisor_is_one_sentence(one: Any) -> None:
    with pytest.raises(PlanError, match=r"^Cannot read hypervisors\[0\]: "):
        given([one])


def test_names_are_of_one_hypervisor_each() -> None:
    with pytest.raises(PlanError, match="local is the name of several; give each a name"):
        distinct(given(["qemu:///system", "qemu:///session"]))


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ssh://root@-oProxyCommand=x/system",
        "qemu+ssh://$(id)@hv1/system",
        "qemu+ssh://a;b/system",
        "qemu+ssh://[fe80::1%x]/system",
        "qemu+ssh://[x/system",
        "qemu+ssh://hv1:x/system",
    ],
)
def test_nothing_that_a_shell_obeys_goes_to_ssh(uri: str) -> None:
    (source,) = given([{"uri": uri, "name": "hv1"}])
    assert source.wrong
    assert not source.jump


@pytest.mark.parametrize(
    "variables, uri",
    [
        ({}, "qemu+ssh://hv1/system?no_tty=1"),
        (
            {"ansible_host": "10.0.0.1", "ansible_user": "root", "ansible_port": 22},
            "qemu+ssh://root@10.0.0.1:22/system?no_tty=1",
        ),
        ({"ansible_host": "fd00::1"}, "qemu+ssh://[fd00::1]/system?no_tty=1"),
        ({"ansible_connection": "local"}, "qemu:///system"),
        ({"ansible_host": "x/?command=/bin/evil&"}, ""),
        ({"ansible_user": "x@y"}, ""),
    ],
)
def test_hosts_of_the_inventory(variables: dict[str, Any], uri: str) -> None:
    source = of_host("hv1", "", variables, lambda value: value)
    assert (source.name, source.uri) == ("hv1", uri)
    assert bool(source.wrong) == (not uri)


def test_a_template_that_fails_costs_this_hypervisor() -> None:
    def fail(_template: Any) -> Any:
        raise PlanError("'x' is undefined")

    assert of_host("hv1", "{{ x }}", {}, fail) == Source("hv1", "", wrong="'x' is undefined")
