# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of guests: those of one or many hypervisors as hosts, with the addresses where they are reached."""

from __future__ import annotations

DOCUMENTATION = r"""
name: guests
short_description: Guests of libvirt hypervisors as hosts, with their addresses
version_added: 1.0.0
description:
  - >-
    Makes a host of each guest of one or many hypervisors, with the address where it is reached, and with its NICs,
    their networks, addresses and what is wrong with their connection as variables.
  - >-
    Hypervisors are read side by side, over libvirt's read-only connection, which needs no privileges. One that cannot
    be reached, or does not answer, costs its own guests only, and a warning.
  - >-
    A guest keeps its name when it consists of letters, digits, underscores, dots and dashes, and begins with a
    letter, digit or underscore. Otherwise these characters become underscores, and the first eight characters of its
    uuid follow. When several guests have the same name, or a host or group of the inventory has it already, or
    Ansible means something else by it (like C(localhost)), a dot and the name of the hypervisor follow.
    RV(ignore:virt_name) is its name in libvirt in any case.
  - >-
    A guest without a known address gets an C(ansible_host) that leads nowhere, so that Ansible does not log in to
    another machine of the same name.
  - What libvirt and guests say is never evaluated as a template.
author:
  - virtfleet maintainers (@virtfleet)
requirements:
  - libvirt-python and lxml, on the controller
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - virtfleet.network.guides.guests
notes:
  - The name of an inventory file ends in C(guests.yml) or C(guests.yaml).
  - >-
    Each host has the variables C(virt_name), C(virt_uuid), C(virt_state), C(virt_hypervisor), C(virt_uri),
    C(virt_address), C(virt_metadata) and C(virt_nics). C(docs/guides/guests.md) describes them.
  - >-
    The cache keeps what each hypervisor answers. One that did not answer is asked again the next time, and only that
    one.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [virtfleet.network.guests]
  hypervisors:
    description:
      - >-
        The hypervisors, each a URI of libvirt, or a dictionary with C(uri), C(name) and C(jump). The name stands in
        groups and variables; it is the host of the URI when it is not given, and C(local) when there is none.
      - >-
        C(jump) is where ssh jumps from with O(proxy_jump), as C(user@host:port). When it is not given, it is that of
        the URI.
    type: list
    elements: raw
    default: []
  hosts:
    description:
      - Hosts and groups of earlier sources of the inventory that are hypervisors, too.
      - Ansible reads the files of a folder in the order of their names.
    type: list
    elements: str
    default: []
  uri:
    description:
      - The URI of each of O(hosts), as a template with the variables of that host.
      - >-
        When it is not set, it is that of C(qemu+ssh) with C(ansible_user), C(ansible_host) and C(ansible_port), or
        C(qemu:///system) where C(ansible_connection) is C(local).
    type: str
    default: ''
  address_from:
    description:
      - >-
        Who is asked for addresses, the first choice first. Leases and reservations are the hypervisor's. An agent and
        the neighbour table have what the guest itself says.
      - >-
        V(agent) needs a connection that may write, since libvirt asks agents for nobody else. Nothing is written. All
        other sources are read over a read-only connection.
      - V(neighbour) is the hypervisor's own table of IPv4 neighbours.
    type: list
    elements: str
    choices: [lease, reservation, agent, neighbour]
    default: [lease, reservation, neighbour]
  families:
    description: The families of addresses for C(ansible_host), the first choice first.
    type: list
    elements: str
    choices: [ipv4, ipv6]
    default: [ipv4, ipv6]
  networks:
    description:
      - The networks with the addresses for C(ansible_host), the first choice first; it goes before O(families) and
        O(address_from).
      - When it is empty, any, in the order of the guest's NICs.
    type: list
    elements: str
    default: []
  group_by:
    description:
      - >-
        The groups to make, each with this word and an underscore before the value, like C(hypervisor_hv1),
        C(network_default), C(state_running). In their names, other characters than letters, digits and underscores
        are underscores.
      - >-
        V(metadata) makes a group of each text in the guest's metadata, like C(metadata_role_web) of
        C(<app:role>web</app:role>).
    type: list
    elements: str
    choices: [hypervisor, network, state, metadata]
    default: [hypervisor, network, state]
  full_names:
    description:
      - >-
        Whether each guest has its hypervisor's name behind its own, and not only one whose name is not unique. Then
        the name of a guest does not depend on which other hypervisors answer.
    type: bool
    default: false
  proxy_jump:
    description:
      - >-
        Whether Ansible jumps through the hypervisor (C(ProxyJump) of ssh) to guests whose address is in a NAT or
        isolated network. This sets C(ansible_ssh_common_args).
    type: bool
    default: false
  timeout:
    description: How many seconds libvirt on a hypervisor may take for an answer.
    type: float
    default: 20
  parallel:
    description: How many hypervisors are read at once.
    type: int
    default: 50
"""

EXAMPLES = r"""
# guests.yml: all guests of two hypervisors
plugin: virtfleet.network.guests
hypervisors:
  - qemu+ssh://root@hv1.example/system
  - qemu+ssh://root@hv2.example/system

# 20_guests.yml: the guests of the hypervisors in 10_hypervisors.yml beside it
# plugin: virtfleet.network.guests
# hosts: [hypervisors]
# proxy_jump: true
# families: [ipv6, ipv4]
# keyed_groups:
#   - key: virt_metadata.role
#     prefix: role
"""

from functools import reduce
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

from ..module_utils._errors.errors import NetworkError, PlanError
from ..plugin_utils._guests.hosts import Host, choices_of, hosts
from ..plugin_utils._guests.reading import Reading, read
from ..plugin_utils._guests.sources import Source, chosen, distinct, given, of_host


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    """What Ansible looks for."""

    NAME = "virtfleet.network.guests"

    def verify_file(self, path: str) -> bool:
        """Whether a file is for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(("guests.yml", "guests.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Adds the guests to the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        store, key = self._cache if self.get_option("cache") else {}, self.get_cache_key(path)
        try:
            earlier = map(self._source, chosen(self.get_option("hosts"), inventory))
            sources = distinct([*given(self.get_option("hypervisors")), *earlier])
            answers = read(sources, store.get(key, {}) if cache else {}, Reading.of(self.get_option))
            for warning in answers.warnings:
                self.display.warning(warning)
            choices, taken = choices_of(self.get_option), {*inventory.hosts, *inventory.groups}
            for host in hosts(answers.guests, sources, choices, taken):
                self._add(host)
        except NetworkError as error:
            raise AnsibleParserError(str(error)) from None
        store.update({key: answers.kept} if answers.new else {})

    def _source(self, host: Any) -> Source:
        """A host of an earlier source, which is a hypervisor."""
        groups, files = host.get_groups(), getattr(self.inventory, "processed_sources", [])
        of_files = [get_vars_from_inventory_sources(self.loader, files, one, "all") for one in (groups, [host])]
        variables = reduce(combine_vars, (get_group_vars(groups), of_files[0], host.get_vars(), of_files[1]))
        self.templar.available_variables = variables
        return of_host(host.name, self.get_option("uri"), variables, self._evaluate)

    def _evaluate(self, template: Any) -> Any:
        try:
            return self.templar.template(template)
        except AnsibleError as error:
            raise PlanError(str(error)) from None

    def _add(self, host: Host) -> None:
        """Adds a host with its variables and groups; nothing of it is a template."""
        name, variables, strict = host.name, wrap_var(host.variables), self.get_option("strict")
        self.inventory.add_host(name)
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        for group in host.groups:
            self.inventory.add_child(self.inventory.add_group(group), name)
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)
