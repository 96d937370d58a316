"""Events as plain data that does no harm."""

from __future__ import annotations

import datetime as dt
import json

import jinja2
import pytest

from ansible_collections.virtfleet.network.plugins.plugin_utils._events.event import Happening, Teller

HOSTILE = ("{{ lookup('pipe', 'id') }}", "{% for x in y %}", "{#x", "{{{ 1 }}}", "a\n\x1b[2J", "\u202eb", "\udc80")


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_an_event_is_a_template_or_obeyed_by_a_terminal(name: str) -> None:
    event = Teller("hv1", "qemu:///system").event(Happening("network", "started", name, {"reason": name}))
    for text in (event["name"], event["reason"]):
        assert text.isprintable()
        assert jinja2.Environment(autoescape=True).from_string(text).render() == text
    assert json.loads(json.dumps(event)) == event


def test_plain_names_stay_and_times_have_a_zone() -> None:
    event = Teller("hv1", "qemu:///system").event(Happening("network", "started", "lan {1} 50%", {"active": True}))
    assert (event["kind"], event["what"], event["name"], event["active"]) == ("network", "started", "lan {1} 50%", True)
    assert (event["hypervisor"], event["uri"], event["meta"]) == ("hv1", "qemu:///system", {"hosts": "hv1"})
    assert dt.datetime.fromisoformat(event["time"]).tzinfo == dt.timezone.utc


def test_secrets_of_a_uri_are_nowhere() -> None:
    uri = "qemu+tcp://admin:s3cr3t@hv1/system?token=t0k3n&no_tty=1"
    event = Teller("hv1", uri).event(
        Happening("hypervisor", "unreachable", "hv1", {"reason": f"Cannot connect to {uri}"})
    )
    assert "s3cr3t" not in json.dumps(event)
    assert "t0k3n" not in json.dumps(event)
    assert event["uri"] == "qemu+tcp://admin:********@hv1/system?token=********&no_tty=1"
