"""Links from modules and plugins to pages for people: what the index of docs says of each page, as a doc fragment."""

from __future__ import annotations

import re

from tests.tools.yaml_style import dump

INDEX, FRAGMENT = "docs/README.md", "plugins/doc_fragments/guides.py"
# - [Title](guides/page.md): what is in it, also on more lines
PAGE = re.compile(r"^- \[([^]]+)\]\(((?:guides|reference)/([\w-]+)\.md)\): (.+(?:\n  .+)*)", re.MULTILINE)
FILE = '''\
# {mark} from {index}: do not edit.
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Pages for people. Who names C(virtfleet.network.guides.audit) links to C(docs/guides/audit.md)."""
'''


def fragment(index: str, repository: str, mark: str) -> str:
    """The doc fragment, with a section for each page of the index. Ansible takes none without options."""
    text = FILE.format(mark=mark, index=INDEX)
    for title, path, name, what in PAGE.findall(index):
        words = " ".join(what.split())
        link = f"{repository}/blob/main/docs/{path}"
        entry = {"name": title, "description": f"{words[0].upper()}{words[1:]}.", "link": link}
        text += f'\n    {name.upper().replace("-", "_")} = r"""\n{dump({"options": {}, "seealso": [entry]})}"""\n'
    return text
