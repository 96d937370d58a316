"""A way to see plays that a test can read: one line of JSON for each result of a task, in order."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: stdout
short_description: One line of JSON for each result
description:
  - For tests that read the results of a play.
  - E(RESULTS_LOOK) may hold a command, as a list in JSON, that runs here after each task; what it prints stands with
    the task's result.
"""


class CallbackModule(CallbackBase):
    """Prints what every task returned, whatever became of it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "results"

    def v2_runner_on_ok(self, result: Any) -> None:
        self._tell(result)

    def v2_runner_on_failed(self, result: Any, **_how: Any) -> None:
        self._tell(result, failed=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._tell(result, unreachable=True)

    def _tell(self, result: Any, **more: bool) -> None:
        told = {"host": result.host.get_name(), **result.result, **more}
        if look := json.loads(os.environ.get("RESULTS_LOOK", "[]")):
            # ansible-core 2.21 has no standard input, and nsenter (util-linux 2.41) enters nothing without one.
            done = subprocess.run(look, stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True)
            told["look"] = done.stdout
        print(json.dumps(told, default=str), flush=True)
