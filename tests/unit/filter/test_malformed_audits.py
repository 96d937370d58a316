"""Results that are no audits: each costs its own hypervisor only, in every form."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ansible_collections.virtfleet.network.plugins.filter import audit_report
from ansible_collections.virtfleet.network.plugins.filter.audit_as import FORMS, audit_as
from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from tests.deep import SEED, amount
from tests.unit import fleets

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(fleets.HOSTILE)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
AUDIT = fleets.result(1, 1, findings=[fleets.FINDING], rows=[{**fleets.ROW, "state": "differs", "network": "net0"}])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, by the keys that lead there."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


PLACES = [path for path in places(AUDIT) if path]


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """The result of an audit in which something is another value, or missing."""
    result = copy.deepcopy(AUDIT)
    *path, last = draw(st.sampled_from(PLACES))
    owner: Any = result
    for key in path:
        owner = owner[key]
    if draw(st.booleans()):
        owner[last] = draw(JSON)
    else:
        del owner[last]
    return result


def told(result: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The document of a fleet with this result, of which all forms can be made."""
    monkeypatch.setattr(audit_report, "draw", lambda _graphs: {})
    found = audit_document({"good": fleets.result(), "bad": result})
    for form in FORMS:
        audit_as(found, form).encode()
    audit_report.audit_report(found).encode()
    json.dumps(found)
    assert found["hosts"]["good"]["as_asked"]
    return found


@seed(SEED)
@settings(max_examples=amount(50, 20000), deadline=None, database=None)
@given(JSON | spoiled())
def test_any_result(result: Any) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        told(result, monkeypatch)


@pytest.mark.parametrize(
    "result",
    ["boom", None, 5, [], {**AUDIT, "rows": 5}, {**AUDIT, "rows": [{}]}, {**AUDIT, "findings": ["x"]}, {"rows": None}],
)
def test_it_is_said_which_hypervisor_it_was(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(result, monkeypatch)
    assert {name: found["summary"][name] for name in ("as_asked", "differ", "failed")} == {
        "as_asked": 1,
        "differ": 0,
        "failed": 1,
    }
    (line,) = [line for line in found["lines"] if line["host"] == "bad"]
    assert line["state"] == "failed"
    assert line["text"].startswith("its result is malformed (")


def test_results_that_are_no_dictionary() -> None:
    for wrong in ("a", 5, None):
        with pytest.raises(AnsibleFilterError, match="as a dictionary of results"):
            audit_document(wrong)
