# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes a page of an audit."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_report
short_description: Make a page of the audit of a fleet
version_added: 1.0.0
description:
  - >-
    Takes a document of P(virtfleet.network.audit_document#filter) and makes one HTML file of it that needs nothing
    from anywhere else. It has an overview, a picture of each hypervisor with what is wrong marked in it, and tables
    that sort and filter.
  - >-
    Of more than 100 hypervisors, pictures and long tables come packed in the page, and are made when somebody opens
    them, by a browser of 2023 or newer.
  - >-
    The pictures are laid out by C(dot) of Graphviz. Where the controller has none, the page has the same in words, and
    says so.
  - >-
    Names come from hypervisors, and may be anything. They are escaped, unprintable characters are written as their
    numbers, and the page itself forbids the browser every script but its own, and every request.
author:
  - virtfleet maintainers (@virtfleet)
requirements:
  - Graphviz on the controller, for the pictures
options:
  _input:
    description: The document, or its JSON.
    type: raw
    required: true
seealso:
  - plugin: virtfleet.network.audit_as
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write a page about a fleet
  ansible.builtin.copy:
    content: "{{ audit_results | virtfleet.network.audit_document | virtfleet.network.audit_report }}"
    dest: report.html
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
  sample: "<!DOCTYPE html>\n"
"""

import base64
import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..plugin_utils._reports.document import given
from ..plugin_utils._reports.drawing import dot, outline, picture
from ..plugin_utils._reports.graphviz import draw
from ..plugin_utils._reports.report import cards, tables
from ..plugin_utils._reports.words import numbers, printable

# Of more of them, a browser shows at once what says how the fleet is, and the rest when somebody opens it.
MOST_HOSTS = 100
MOST_ROWS = 2000
TEMPLATES = Path(__file__).resolve().parents[2] / "playbooks/templates/report"


def audit_report(audited: Any) -> str:
    """The filter."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    document = given(audited)
    own = {name: (TEMPLATES / f"report.{name}").read_text(encoding="utf-8") for name in ("css", "js")}
    pictures = {name: picture(host) for name, host in document["hosts"].items()}
    page = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else printable(value),
    )
    page.filters.update(utc=_utc, sha256=_sha256, packed=_packed)
    page.globals.update(most_hosts=MOST_HOSTS, most_rows=MOST_ROWS)
    # Only this collection's own texts, and what is left of dot's, are no names to be escaped.
    page.filters["own"] = Markup
    hosts = zip(cards(document), document["hosts"].values(), map(outline, pictures.values()))
    return page.get_template("report.html.j2").render(
        numbers=numbers(document),
        times=sorted({host["audited"] for host in document["hosts"].values()} - {""}),
        hosts=sorted(hosts, key=lambda one: one[0].place),
        svgs=draw({name: dot(name, drawn) for name, drawn in pictures.items()}),
        tables=tables(document),
        css=own["css"],
        js=own["js"],
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


def _utc(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC") if seconds else "never"
    except (OSError, OverflowError, TypeError, ValueError):
        return str(seconds)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"audit_report": audit_report}
