"""virt_network_info tells everything of every form of network, and what it tells can be given back."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from .plays import info, network
from .stage import Stage, succeeded

pytestmark = pytest.mark.lab
