"""What writes the documentation: every option has a description, and files are as generated."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._entries import lists as _entries
from ansible_collections.virtfleet.network.plugins.module_utils._xml.branches import Element
from ansible_collections.virtfleet.network.plugins.module_utils._xml.leaves import Attr
from tests.tools import generate, interface_docs, option_docs, page_docs
from tests.unit.documentation import ROOT
from tests.unit.entry_cases import KINDS as ENTRIES


def test_generator_wants_a_description_of_every_option() -> None:
    rows = (Element("thing", Attr("name"), Attr("size")),)
    texts = option_docs.Descriptions(
        "things", {"thing": ["A thing."], "thing.name": ["Its name."], "thing.color": ["Red."]}
    )
    option_docs.options_of(rows, {"thing": {"type": "dict", "options": {"name": {}, "size": {}}}}, texts)
    assert [problem.partition(": ")[2] for problem in texts.problems()] == [
        "things: no description of thing.size",
        "things: there is no option thing.color",
    ]


def test_generator_describes_a_shared_row_once() -> None:
    shared = Attr("size")
    rows = (Element("thing", shared), Element("other", shared))
    spec = {"type": "dict", "options": {"size": {"type": "str"}}}
    texts = option_docs.Descriptions("things", {"thing": ["A thing."], "thing.size": ["Big."], "other": ["Another."]})
    options = option_docs.options_of(rows, {"thing": spec, "other": spec}, texts)
    assert options["other"]["suboptions"]["size"]["description"] == ["Big."]
    assert list(texts.problems()) == []


def test_generator_leads_to_options_of_another_module() -> None:
    texts = ["With O(bridge.name).", "As O(name).", "In O(ips[].dhcp.hosts[].mac=x)."]
    options = {"name": {"description": texts, "type": "str"}}
    assert option_docs.elsewhere(options)["name"]["description"] == [
        "With O(virtfleet.network.virt_network#module:bridge.name).",
        "As O(name).",
        "In O(virtfleet.network.virt_network#module:ips[].dhcp.hosts[].mac=x).",
    ]


@pytest.mark.parametrize(
    "kind,sentence",
    [
        (_entries.DNS_TXT, "by O(txts[].name)."),
        (_entries.DHCP_RANGE, "by O(ranges[].start) and O(ranges[].end) together."),
        (
            _entries.DHCP_HOST,
            "by the first of O(hosts[].mac), O(hosts[].id), O(hosts[].name) and O(hosts[].ip) that is given.",
        ),
    ],
)
def test_generator_says_what_tells_entries(kind: _entries.Collection, sentence: str) -> None:
    assert option_docs.identity(kind) == f"Entries are matched {sentence}"


def test_generator_knows_the_modules_for_entries() -> None:
    kinds = option_docs.kinds(ROOT / "plugins/modules", vars(_entries))
    assert set(kinds) == {f"virt_{name}" for name in ENTRIES}
    assert kinds["virt_dns_srv"] is _entries.DNS_SRV


def test_generator_keeps_the_order_of_a_table_and_adds_what_is_new() -> None:
    mark = f"<!-- {page_docs.MARK} from here: do not edit. -->"
    page = (
        f"# Page\n\n{mark}\n\n| name | what |\n| --- | --- |\n| `b` | old |\n| `gone` | old |\n| `a` | old |\n\nText\n"
    )
    made = page_docs.with_table(page, "page.md", "here", {"a": ["A", ""], "b": ["B", "2"], "c": ["C", ""]})
    assert made.partition("| --- | --- |\n")[2] == "| `b` | B | 2 |\n| `a` | A | |\n| `c` | C | |\n\nText\n"


@pytest.mark.parametrize("text,missing", [("# Page", "<!-- "), ("DOCUMENTATION = 1", "RETURN = ")])
def test_generator_says_which_line_a_file_lacks(text: str, missing: str) -> None:
    with pytest.raises(SystemExit, match=f"^file has no line .*{missing}"):
        page_docs.by_hand(text, "file") if missing == "<!-- " else generate.returned(text, "file", dict)


def test_generator_wants_words_of_every_module_for_entries() -> None:
    texts = option_docs.Descriptions("entries", {})
    with pytest.raises(SystemExit, match=r"entries[.]modules: no words of virt_dns_txt"):
        option_docs.Entries({"modules": {}}, texts, texts).result("virt_dns_txt", {})


def test_generator_wants_a_description_of_every_option_of_a_nic() -> None:
    texts = option_docs.Descriptions("interface_options", {"mac": ["The MAC address, as O(mac.address=x)."]})
    page = interface_docs.page("# Options", texts)
    assert "\n\n## `mac`\n\nThe MAC address, as `mac.address=x`.\n\n| option |" in page
    assert "interface_options: no description of mac.address" in " ".join(texts.problems())


def test_generator_leaves_nothing_to_do() -> None:
    assert generate.main(["--check"]) == 0
