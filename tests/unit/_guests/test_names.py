"""What guests are called in an inventory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.virtfleet.network.plugins.plugin_utils._guests.names import group_name, inventory_names

UUID, OTHER = "0f0b1c60-6d3f-4d0e-9f55-2f6f6e1f0c11", "0f0b1c60-0000-4d0e-9f55-2f6f6e1f0c11"


def guest(name: str, hypervisor: str = "hv1", uuid: str = UUID) -> dict[str, Any]:
    return {"name": name, "hypervisor": hypervisor, "uuid": uuid}


def names(*guests: dict[str, Any], taken: tuple[str, ...] = (), full: bool = False) -> list[str]:
    found = inventory_names(guests, taken, full)
    return [found[place] for place in range(len(guests))]


@pytest.mark.parametrize("name", ["web", "Web_1", "10", "web-2.example.org"])
def test_a_plain_name_is_kept(name: str) -> None:
    assert names(guest(name)) == [name]


@pytest.mark.parametrize("name", ["all", "ungrouped", "localhost", "127.0.0.1"])
def test_a_name_that_ansible_means_otherwise_gets_its_hypervisor(name: str) -> None:
    assert names(guest(name)) == [f"{name}.hv1"]


@pytest.mark.parametrize(
    "name, shown",
    [
        ("a b", "a_b"),
        ("../../etc", "_._.._etc"),
        ("{{ 1 }}", "___1___"),
        ("a\x1b[2Jb", "a__2Jb"),
        ("\u202eweb", "_web"),
        ("-oProxyCommand=x", "_oProxyCommand_x"),
        ("a:b,c", "a_b_c"),
        ("wéb", "w_b"),
        ("", ""),
    ],
)
def test_other_characters_go_and_the_uuid_follows(name: str, shown: str) -> None:
    assert names(guest(name)) == [f"{shown}-0f0b1c60"]


def test_a_name_that_several_have_is_nobodys() -> None:
    assert names(guest("web"), guest("web", "hv2"), guest("db")) == ["web.hv1", "web.hv2", "db"]
    assert names(guest("a b"), guest("a_b")) == ["a_b-0f0b1c60", "a_b"]


def test_a_name_that_is_there_already_stays_with_its_owner() -> None:
    assert names(guest("web"), taken=("web",)) == ["web.hv1"]
    assert names(guest("web"), taken=("web", "web.hv1")) == ["web.hv1-0f0b1c60"]
    assert names(guest("web"), guest("web.hv1"), taken=("web",)) == ["web.hv1-0f0b1c60", "web.hv1"]


def test_full_names_do_not_depend_on_others() -> None:
    assert names(guest("web"), guest("db", "hv2"), full=True) == ["web.hv1", "db.hv2"]


def test_the_last_form_tells_all_apart() -> None:
    several = [guest(name, uuid=uuid) for name in ("a b", "a*b", "a c") for uuid in (UUID, OTHER)]
    assert len(set(names(*several))) == 6


@pytest.mark.parametrize("value", ["all", "a b", "{{ x }}", "../x", "", "\u202e"])
def test_groups_are_words(value: str) -> None:
    name = group_name("network", value)
    assert name.startswith("network_")
    assert name.isidentifier()
    assert name.isascii()
