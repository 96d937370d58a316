from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.counters import _dropping, counted

SAVED = """\
*filter
:INPUT DROP [3:180]
:FORWARD ACCEPT [5:300]
:mine - [0:0]
[1:60] -A INPUT -i lo -j ACCEPT
[2:120] -A FORWARD -i virbr0 -j DROP
[0:0] -A mine -p tcp -j REJECT --reject-with tcp-reset
COMMIT
"""


def test_rules_of_iptables_legacy_that_count():
    before = dict(_dropping(SAVED))
    assert before == {
        ("filter", "INPUT", "policy DROP"): 3,
        ("filter", "FORWARD", "-A FORWARD -i virbr0 -j DROP"): 2,
        ("filter", "mine", "-A mine -p tcp -j REJECT --reject-with tcp-reset"): 0,
    }
    after = dict(_dropping(SAVED.replace("[2:120]", "[3:180]")))
    (found,) = counted(4, before, after)
    assert found.text == "iptables-legacy -t filter -A FORWARD -i virbr0 -j DROP"
    assert (found.kind, found.family, found.table, found.chain) == ("counter", "ip", "filter", "FORWARD")
    assert counted(4, before, before) == []
