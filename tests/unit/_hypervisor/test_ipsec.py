"""The kernel's policies of IPsec, from the words of ip xfrm."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor import ipsec as _ipsec

SUBNET = {"src": "10.1.0.0/24", "dst": "0.0.0.0/0", "dir": "fwd", "priority": "5", "ptype": "main"}
TUNNEL = "src 192.0.2.1 dst 192.0.2.2 esp"
LISTED = (
    "src 10.1.0.0/24 dst 0.0.0.0/0 proto tcp dport 443 \n\tdir fwd priority 5 ptype main \n"
    "\ttmpl src 192.0.2.1 dst 192.0.2.2\n\t\tproto esp reqid 1 mode tunnel\n"
    "src 10.1.0.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 5 ptype main \n"
    "src ::/0 dst ::/0 \n\tsocket in priority 0 ptype main \n"
    "src 10.1.0.9/32 dst 0.0.0.0/0 \n\tdir out action block priority 0 ptype main \n\tif_id 0x3\n"
    "src 10.1.0.0/24 dst 10.2.0.0/24 \n\tdir out priority 6 ptype main \n"
    "\ttmpl src 192.0.2.1 dst 192.0.2.2\n\t\tproto esp reqid 1 mode tunnel\n"
    "src 10.1.0.0/24 dst 10.3.0.0/24 \n\tdir in priority 7 ptype main \n"
    "\ttmpl src 192.0.2.1 dst 192.0.2.2\n\t\tproto comp reqid 1 mode tunnel\n\t\tlevel use \n"
)
STATES = "src 192.0.2.1 dst 192.0.2.2\n\tproto esp spi 0x00000007 reqid 1 mode tunnel\n"


def printed(monkeypatch, states="", defaults=""):
    """The policies, where ip prints this."""
    answers = {("policy",): LISTED, ("policy", "getdefault"): defaults, ("state", "list", "nokeys"): states}
    monkeypatch.setattr(_ipsec, "_printed", lambda *words: answers[words])
    return _ipsec.policies()


@pytest.mark.parametrize("states, tunnel", [("", TUNNEL), (STATES, "")])
def test_they_are_in_the_order_in_which_they_decide(monkeypatch, states, tunnel):
    first, *others = printed(monkeypatch, states)
    assert (first["src"], first["if_id"]) == ("10.1.0.9/32", "0x3")
    out = {**SUBNET, "dst": "10.2.0.0/24", "dir": "out", "priority": "6", "tmpl": tunnel}
    assert others == [
        {**SUBNET, "action": "block"},
        {**SUBNET, "proto": "tcp", "dport": "443", "tmpl": TUNNEL},
        out,
        {**SUBNET, "dst": "10.3.0.0/24", "dir": "in", "priority": "7"},  # a tunnel that nobody needs
    ]


def test_the_default_comes_last(monkeypatch):
    *_others, four, six = printed(monkeypatch, defaults="Default policies:\n in:  accept\n fwd: block\n out: accept\n")
    assert four == {"src": "0.0.0.0/0", "dst": "0.0.0.0/0", "dir": "fwd", "action": "block", "default": "fwd"}
    assert six == {**four, "src": "::/0", "dst": "::/0"}


def test_where_ip_knows_none_there_are_none(monkeypatch):
    monkeypatch.setattr(_ipsec._command, "PATH", "")
    monkeypatch.setattr(_ipsec._host, "IP", "/nowhere")
    assert _ipsec.policies() == []
