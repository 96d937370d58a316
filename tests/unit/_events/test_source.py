"""The source as ansible-rulebook runs it, with libvirt's test driver."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from tests.listener import listening, said

URI = "test:///default"
NEVER = 3600
WEB = "<network><name>web</name><bridge name='vf-web'/></network>"
NODE = "<node><network><name>other</name><bridge name='vf-other'/></network></node>"


def test_what_happens_is_told(tmp_path: Path) -> None:
    (tmp_path / "node.xml").write_text(NODE)
    hypervisors = [URI, {"name": "hv2", "uri": f"test://{tmp_path}/node.xml"}]
    conn = libvirt.open(URI)
    with listening(hypervisors=hypervisors, interval=NEVER) as heard:
        found = [heard.until(what="reachable")[0]["hypervisor"] for _hypervisor in hypervisors]
        assert sorted(found) == ["hv2", "local"]
        network = conn.networkDefineXML(WEB)
        network.create()
        told = heard.until(what="started")
        network.destroy()
        network.undefine()
        told += heard.until(what="removed")
        domain = conn.lookupByName("test")
        domain.destroy()
        told += heard.until(what="stopped")
        domain.create()
    names = ["defined", "started", "stopped", "removed"]
    assert said(told) == [*(("network", "web", what) for what in names), ("guest", "test", "stopped")]
    assert {event["hypervisor"] for event in told} == {"local"}
    conn.close()


def test_what_is_wrong_ends_it() -> None:
    with pytest.raises(Exception, match="takes hypervisors, watch"), listening(hypervisor=URI) as heard:
        heard.rest(0.1)
