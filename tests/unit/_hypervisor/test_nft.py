import struct

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.nft import Drop, Traces

MAC = b"\x02\x76\x66\x01\x02\x03"
DROPS, JUMPS = 0, -3


def attribute(kind, data):
    whole = struct.pack("HH", 4 + len(data), kind) + data
    return whole + b"\0" * (-len(whole) % 4)


def message(family, number, *attributes):
    body = struct.pack("BBH", family, 0, 0) + attribute(6, struct.pack("!I", number)) + b"".join(attributes)
    return struct.pack("IHHII", 16 + len(body), 10 << 8 | 17, 0, 0, 0) + body


def rule(chain, verdict, handle=7, table="filter"):
    nested = attribute(5, attribute(1, struct.pack("!i", verdict)))
    names = attribute(1, table.encode() + b"\0") + attribute(2, chain.encode() + b"\0")
    return names + attribute(3, struct.pack("!Q", handle)) + attribute(4, struct.pack("!I", 3)) + nested


def policy(chain, verdict):
    names = attribute(1, b"filter\0") + attribute(2, chain.encode() + b"\0")
    return names + attribute(4, struct.pack("!I", 1)) + attribute(16, struct.pack("!I", verdict))


HEADER = attribute(7, b"\xff" * 6 + MAC)
CASES = {
    "a rule": ([message(2, 1, HEADER, rule("FORWARD", DROPS))], [Drop("ip", "filter", "FORWARD", 7)]),
    "behind the message with the packet": (
        [message(7, 1, HEADER, rule("stop", JUMPS)), message(7, 1, rule("on", DROPS, 9))],
        [Drop("bridge", "filter", "on", 9)],
    ),
    "a policy": ([message(10, 1, HEADER, policy("INPUT", 0))], [Drop("ip6", "filter", "INPUT", 0)]),
    "a policy that accepts": ([message(10, 1, HEADER, policy("INPUT", 1))], []),
    "a rule that accepts": ([message(1, 1, HEADER, rule("FORWARD", 1))], []),
    "another's packet": ([message(2, 1, HEADER, rule("a", 1)), message(2, 2, rule("FORWARD", DROPS))], []),
    "our own table": ([message(1, 1, HEADER, rule("outside", DROPS, table="ours"))], []),
    "twice": ([message(5, 1, HEADER, rule("in", DROPS))] * 2, [Drop("netdev", "filter", "in", 7)]),
}


@pytest.mark.parametrize("messages, drops", CASES.values(), ids=CASES)
def test_drops_of_traced_packets(messages, drops, monkeypatch):
    monkeypatch.setattr(Traces, "_messages", lambda _self: iter(messages))
    assert Traces().drops([MAC], "ours") == drops
