"""The filter interface_xml as templates use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.virtfleet.network.plugins.filter import interface_xml

ROOT = Path(__file__).parents[3]
PLAY = {
    "hosts": "localhost",
    "gather_facts": False,
    "vars": {"size": 1400, "nics": [{"source": {"network": "lan"}, "mtu": {"size": "{{ size }}"}}]},
    "tasks": [{"ansible.builtin.debug": {"msg": "{{ nics | virtfleet.network.interface_xml | indent(2) }}"}}],
}


def test_a_template_finds_it(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(json.dumps([PLAY]))
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(tmp_path / "play.yml")]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    text = '<interface type="network">\n    <source network="lan"/>\n    <mtu size="1400"/>\n  </interface>'
    assert json.dumps(text) in done.stdout


@pytest.mark.parametrize("nics", [{"type": "bridge"}, [{"type": "bridge"}], "br0", None])
def test_errors_are_ansibles(nics: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"virtfleet\.network\.interface_xml: Cannot write <interface>: "):
        interface_xml.interface_xml(nics)


def test_lxml_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface_xml, "HAS_LXML", False)
    with pytest.raises(AnsibleFilterError, match=r"the controller's Python .* lacks the library lxml"):
        interface_xml.interface_xml([])
