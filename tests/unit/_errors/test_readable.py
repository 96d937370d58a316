"""Text that quotes hostile values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.module_utils._errors.readable import readable, unfit
from tests.hostile import VALUES, is_one_sentence


@pytest.mark.parametrize("value", [value for value in VALUES if value.strip()], ids=ascii)
def test_a_quoted_value_leaves_a_sentence(value):
    assert is_one_sentence(readable(f"Cannot look up network {value}: there is none; see {value!r}"))


def test_ordinary_text_stays_as_it_is():
    text = "Cannot define network 'größe': no; try 'ä'"
    assert readable(text) == text


def test_what_a_terminal_hides_is_written_out():
    assert readable("a\u202eb\x1b[31m\x7f\u2028c\nd") == r"a\u202eb\x1b[31m\x7f c d"


def test_a_long_word_keeps_its_ends():
    assert readable(f"a {'x' * 100}{'y' * 900} b") == f"a {'x' * 60}...(1000 characters)...{'y' * 20} b"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text_without_nul_and_halves_is_fit(text):
    assert list(unfit({"a": [{"b": text}]})) == []


def test_each_place_is_named():
    params = {"a": "\0", "b": [{"c": "x"}, {"c": "\ud800"}], "d": None, "e": 1}
    assert [problem.split()[0] for problem in unfit(params)] == ["a", "b[1].c"]
