"""Network filters of the fake hypervisor: they are defined and forgotten as libvirt does."""

from __future__ import annotations

import uuid

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError, MeanwhileError
from ansible_collections.virtfleet.network.plugins.module_utils._schema.nwfilter import PRIORITIES, FilterDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.nwfilters import DefineFilter, ObservedFilter
from tests.unit.fake_libvirt.base import (
    INVALID,
    OPERATION_FAILED,
    RefusedError,
    read,
    refuse_unless,
    write,
)
from tests.unit.fake_libvirt.nics import FakeNics

NO_NWFILTER, INVALID_ARGUMENT = 61, 8


class FakeFilters(FakeNics):
    """Keeps filters beside networks; one of them is there from the beginning."""

    def __init__(self, **more):
        super().__init__(**more)
        self.filters_there = {}
        self.put_nwfilter("<filter name='clean-traffic'/>")

    def put_nwfilter(self, xml):
        """Makes a filter be there as given."""
        root = self._as_kept(read(xml))
        self.filters_there[root.get("name")] = root

    def state_of_filters(self):
        """Everything that a failed change must leave as it was."""
        return {name: write(root) for name, root in self.filters_there.items()}

    def nwfilters(self):
        """All filters."""
        return [self.observe_nwfilter(name) for name in sorted(self.filters_there)]

    def packaged_nwfilters(self):
        """As libvirt's package has them."""
        return {"clean-traffic": FilterDefinition("<filter name='clean-traffic'/>")}

    def observe_nwfilter(self, name):
        """A filter as it is."""
        root = self.filters_there.get(name)
        return ObservedFilter(name) if root is None else ObservedFilter(name, FilterDefinition(write(root)))

    def apply_nwfilter(self, step):
        """Carries out a step; the filter must be locked for it."""
        assert f"nwfilter/{step.nwfilter}" in self.held, f"{step} without the lock of its filter"
        self.calls.append(step)
        failing = self.fail_at is not None and len(self.calls) - 1 == self.fail_at
        if failing and not self.after_effect:
            raise self.error()
        try:
            if isinstance(step, DefineFilter):
                self._define_nwfilter(step)
            else:
                self._undefine_nwfilter(step.nwfilter)
        except RefusedError as error:
            raise LibvirtError(f"Cannot apply {step}", str(error), error.code) from None
        if failing:
            raise self.error()

    def _define_nwfilter(self, step):
        if step.base and self.observe_nwfilter(step.nwfilter).definition != step.base:
            raise MeanwhileError("Cannot define it")
        root = self._as_kept(read(step.definition.text))
        there = self.filters_there.get(root.get("name"))
        same = there is None or there.findtext("uuid") == root.findtext("uuid")
        refuse_unless(same, OPERATION_FAILED, "filter already exists with uuid")
        self.filters_there[root.get("name")] = root

    def _undefine_nwfilter(self, name):
        refuse_unless(name in self.filters_there, NO_NWFILTER, "no nwfilter with matching name")
        users = [nic for kept in self.guests_there.values() for nic in kept["live"] or ()]
        used = any(nic.find(f"filterref[@filter='{name}']") is not None for nic in users)
        refuse_unless(not used, INVALID, "nwfilter is in use")
        del self.filters_there[name]

    def _as_kept(self, root):
        """virNWFilterDefParseXML, and what virNWFilterDefFormat writes of it."""
        chain = root.get("chain", "root")
        priority = root.get("priority") if "chain" in root.attrib else None
        named = next((name for name in PRIORITIES if chain.startswith(name)), "")
        priority = str(PRIORITIES.get(named, 0)) if priority is None else priority
        made = etree.Element("filter", name=root.get("name"), chain=chain)
        if priority != "0":
            made.set("priority", priority)
        etree.SubElement(made, "uuid").text = root.findtext("uuid") or str(uuid.uuid4())
        for child in root.iterchildren("filterref", "rule"):
            made.append(child)
            if child.tag == "rule":
                for name in ("action", "direction"):
                    refuse_unless(child.get(name), INVALID_ARGUMENT, f"rule node requires {name} attribute")
                child.set("priority", child.get("priority", "500"))
        return made
