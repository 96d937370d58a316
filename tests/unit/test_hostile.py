"""Hostile strings in every string option of every module: refused with one sentence, or kept exactly."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import read_xml
from tests.deep import sampled
from tests.hostile import HARM, VALUES, is_one_sentence
from tests.unit.hostile_tasks import BASES, argument_spec, strings, tasks, value_at, with_value
from tests.unit.run_module import driver_of_tests, run_module

pytestmark = pytest.mark.deep

# A uri may name another host, which libvirt would contact.
PLACES = [(module, place) for module in BASES for place in strings(argument_spec(module)) if place != ("uri",)]
# libvirt's test driver keeps no options of dnsmasq.
NOT_KEPT = (("backup_dir",), ("xml",), ("dnsmasq_options", "[]"))
KEPT = [place for module, place in PLACES if module == "virt_network" and place not in NOT_KEPT]
WORDS = ("msg", "problems", "warnings", "unchecked")


@pytest.fixture(autouse=True)
def driver():
    with driver_of_tests() as gateway:
        yield gateway


def run(module, check, task):
    """The result of a task, all of whose words can be read."""
    result = run_module(module, check, **task)
    for name in WORDS:
        texts = [result[name]] if isinstance(result.get(name), str) else result.get(name, [])
        # Where something has imported Ansible's controller, warnings are its dictionaries.
        assert all(is_one_sentence(str(text)) for text in texts), (task, texts)
    return result


def cases(module, place, size):
    # Halves of surrogate pairs get no further than Ansible's own reading of options, here or in its newer releases.
    whole = [value for value in VALUES if not any("\ud800" <= char <= "\udfff" for char in value)]
    every = [(task, value) for task in tasks(module, place) for value in whole]
    return [(with_value(task, place, value), value) for task, value in sampled(every, size, (module, place))]


def name(part):
    return part if isinstance(part, str) else ".".join(part)


@pytest.mark.parametrize("module, place", sampled(PLACES, 300), ids=name)
def test_a_module_answers_with_a_sentence_or_a_result(module, place):
    for task, _value in cases(module, place, 1):
        result = run(module, True, task)
        assert result.get("failed") or "changed" in result
    assert not HARM.exists()


@pytest.mark.parametrize("place", sampled(KEPT, 60), ids=name)
def test_what_check_mode_takes_is_kept(place, driver):
    """Letter by letter, or as another spelling of the same, which does not change the network again."""
    for task, value in cases("virt_network", place, 2):
        if "dnsmasq_options" in task or run("virt_network", True, task).get("failed"):
            continue
        made = run("virt_network", False, task)
        assert not made.get("failed"), (value, made)
        again = run("virt_network", False, task)
        assert (again.get("failed"), again.get("changed")) == (None, False), (value, again)
        spelled = value_at(made["network"]["spec"], place)
        if isinstance(spelled, str) and spelled == value:
            root = read_xml(driver.observe(task["name"]).saved.text)
            assert value in {text for one in root.iter() for text in (one.text, *one.attrib.values())}
        run("virt_network", False, {"name": task["name"], "state": "absent"})
