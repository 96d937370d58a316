"""Runs a module in this process, against libvirt's test driver or whatever else its connection is replaced by."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway

MODULES = "ansible_collections.virtfleet.network.plugins.modules"
URI = "test:///default"


def run_module(module, check=False, /, **params):
    """The result of a module as Ansible gets it."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"uri": URI, **params, "_ansible_check_mode": check}}
    warnings._global_warnings.clear()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as output:
        patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # since ansible-core 2.19
        # Where a test has imported what only the controller has, warnings would be the controller's.
        if internal := sys.modules.get("ansible.module_utils._internal"):  # since ansible-core 2.19
            patch.setattr(internal, "is_controller", False)
        with pytest.raises(SystemExit):
            importlib.import_module(f"{MODULES}.{module}").main()
    return json.loads(output.getvalue())


@contextlib.contextmanager
def driver_of_tests():
    """Keeps the test driver's networks alive, and away from the next test."""
    gateway = Gateway(URI, readonly=False)
    try:
        yield gateway
    finally:
        for network in gateway._conn.listAllNetworks():
            persistent = network.isPersistent()
            if network.name() != "default" and network.isActive():
                network.destroy()
            if network.name() != "default" and persistent:
                network.undefine()
        gateway.close()
