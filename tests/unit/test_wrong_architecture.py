"""What the checks of the architecture find in wrong files, and that right ones pass."""

from __future__ import annotations

import pytest

from .test_architecture import CHECKS, Source

COMPLEXITY = "C901"
PLUGINS_NAME = "ansible_collections.virtfleet.network.plugins"
LONG = "\n".join(["def long():", '    """Say why."""', *["    pass"] * 38])
XML, PLAN = "module_utils/_xml/codec", "module_utils/_network/plan"
GATEWAY, RUN = "module_utils/_hypervisor/gateway", "module_utils/_converge/conductor"
TASK, FILTER, MODULE = "module_utils/_task/networks", "filter/a_filter", "modules/virt_thing"
REPORT = "plugin_utils/_reports/report"


@pytest.mark.parametrize(
    "path,text,problem",
    [
        ("module_utils/_errors/errors", "from .._xml.fields import Attr", "must not import _xml.fields"),
        ("module_utils/_schema/network", "from .._values.steps import Stop", "must not import _values"),
        (PLAN, "from .._hypervisor.gateway import Gateway", "must not import _hypervisor"),
        (PLAN, "from .._nics import plan", "must not import _nics"),
        (PLAN, "def plan():\n    '''Lazily.'''\n    from .._task.task import run", "must not import _task"),
        (GATEWAY, "from .._network.plan import plan", "must not import _network"),
        (RUN, "from .._hypervisor.gateway import Gateway", "must not import _hypervisor"),
        (XML, f"from {PLUGINS_NAME}.module_utils._xml.fields import Attr", "as a relative import"),
        (XML, f"import {PLUGINS_NAME}.module_utils._xml.fields", "as a relative import"),
        (XML, "from ansible_collections.community.libvirt.plugins.module_utils._x import y", "as a relative import"),
        (PLAN, "import libvirt", "does without libvirt"),
        (RUN, "try:\n    import libvirt\nexcept ImportError:\n    libvirt = None", "does without libvirt"),
        (PLAN, "from ansible.module_utils.basic import env_fallback", "does without ansible"),
        (PLAN, "import os.path", "does without os"),
        (PLAN, "from datetime import datetime", "does without datetime"),
        (PLAN, "import yaml", "does without yaml"),
        (PLAN, "assert True", "plugins do neither"),
        (TASK, "print(1)", "plugins do neither"),
        (PLAN, "open('/etc/hosts')", "does without open"),
        (PLAN, "from uuid import uuid4", "does without uuid4"),
        (PLAN, "import uuid\nNEW = uuid.uuid4()", "does without uuid4"),
        (RUN, "import time", "does without time"),
        (GATEWAY, "import subprocess\nsubprocess.run(['true'])", "only _hypervisor/command starts commands"),
        (GATEWAY, "import requests", "does without requests"),
        (GATEWAY, "import libvirt", "is not guarded"),
        (XML, "from lxml import etree", "is not guarded"),
        (XML, "try:\n    from lxml import etree\nexcept OSError:\n    etree = None", "is not guarded"),
        (RUN, "def run(module):\n    '''Run.'''\n    module.exit_json()", "only _task says exit_json"),
        (RUN, "def run(check_mode):\n    '''Run.'''", "only _task says check_mode"),
        (TASK, "A = 1 if m.check_mode else 2\nif not m.check_mode:\n    A = 3", "more than one decision"),
        (PLAN, "\n" * 300, "a file has under 300"),
        (PLAN, LONG, "a function has under 40"),
        (PLAN, "def wide(a, b, /, c, d, e, f):\n    '''Say why.'''", "6 positional parameters"),
        (PLAN, f"pass  # noqa: E501, {COMPLEXITY}", "no exceptions"),
        (PLAN, "def public():\n    pass", "public has no docstring"),
        (PLAN, "class Thing:\n    '''A thing.'''\n    def use(self):\n        pass", "use has no docstring"),
        (MODULE, "from ..module_utils._xml.codec import parse", "must not import _xml.codec"),
        (MODULE, "from ansible.module_utils.basic import AnsibleModule", "does without ansible"),
        (MODULE, "import libvirt", "does without libvirt"),
        (MODULE, "DOCUMENTATION = '''\n'''\n" + "A = 1\n" * 20, "20 code lines"),
        (FILTER, "from ..module_utils._hypervisor.gateway import Gateway", "must not import _hypervisor"),
        (FILTER, "from lxml import etree", "does without lxml"),
        (FILTER, "def filters(self):\n    pass", "filters has no docstring"),
        (REPORT, "from ...module_utils._task.task import run", "must not import _task.task"),
        (REPORT, "from ...module_utils._network.plan import plan", "must not import _network"),
    ],
)
def test_wrong_files_are_found(path, text, problem):
    source = Source(path, text)
    assert problem in " ".join(found for check in CHECKS for found in check(source))


@pytest.mark.parametrize(
    "path,text",
    [
        (XML, "try:\n    from lxml import etree\nexcept ImportError:\n    etree = None\nfrom .fields import A"),
        (XML, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lxml import etree"),
        (XML, "from . import fields"),
        (PLAN, "import re\nWORD = re.compile('open').pattern"),
        (PLAN, "import re\nfrom .._errors.errors import InvalidNetwork\nfrom .._values.steps import Define"),
        (
            GATEWAY,
            "import os\ndef connect():\n    '''Connect.'''\n    import libvirt\nfrom .._values.steps import Stop",
        ),
        (RUN, "def run():\n    'Run.'\n    from .transaction import transact\nfrom .._values.resource import World"),
        (PLAN, "class A:\n    'A.'\n    def fits(self, a, b, c, d, e, *, f):\n        'Say why.'"),
        (MODULE, "from ..module_utils import _python\nfrom ..module_utils._task.networks import run_network"),
        (TASK, "from ansible.module_utils.basic import AnsibleModule\nfrom .._converge.conductor import converge"),
        (
            FILTER,
            "from ansible.errors import AnsibleFilterError\nfrom ..module_utils._nics.interface_spec import render",
        ),
        (REPORT, "from ...module_utils._hypervisor import command"),
    ],
)
def test_right_files_pass(path, text):
    assert [found for check in CHECKS for found in check(Source(path, text))] == []


def test_documentation_does_not_count_as_code():
    text = '"""Why."""\nDOCUMENTATION = """\n' + "line\n" * 500 + '"""\n# comment\n\nfrom ..x import run\n'
    assert Source(MODULE, text).code_lines() == 1
