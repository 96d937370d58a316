"""Sphinx's settings for the docs site: `make docs`."""

from __future__ import annotations

import re
from typing import Any

REPOSITORY = "https://github.com/virtfleet/virtfleet.network/blob/main"

project = "virtfleet.network"
copyright = "The virtfleet.network authors"  # noqa: A001
html_title = project
html_theme = "furo"
html_copy_source = False
extensions = ["myst_parser", "sphinx_antsibull_ext"]
highlight_language = "YAML+Jinja"
default_role = "any"
myst_heading_anchors = 4
# What antsibull-docs refers to in the documentation of ansible-core: its inventory would need the network.
nitpick_ignore_regex = [
    ("std:ref", "ansible_configuration_settings|common_return_values"),
    ("std:envvar", r"ANSIBLE_CACHE_PLUGIN(_\w+)?"),
]

# The index as the repository has it, and all pages in the site's navigation.
TREES = """
```{toctree}
:caption: Guides
:hidden:
:glob:
guides/*
```

```{toctree}
:caption: Reference
:hidden:
:glob:
reference/*
Modules, plugins and roles <collection/index>
```

```{toctree}
:caption: Development
:hidden:
:glob:
development/*
```
"""


def complete_page(_app: Any, name: str, source: list[str]) -> None:
    """Let links out of docs lead to the repository; give the index its navigation. The theme has a page's contents."""
    if name.startswith("collection/"):
        source[0] = re.sub(r"^\.\. contents::\n(  +:.*\n)+", "", source[0], flags=re.MULTILINE)
        return
    outside = r"\]\(" + "../" * (name.count("/") + 1) + r"(?=\w)"
    source[0] = re.sub(outside, f"]({REPOSITORY}/", source[0]) + (TREES if name == "index" else "")


def setup(app: Any) -> None:
    """Sphinx calls it."""
    app.connect("source-read", complete_page)
