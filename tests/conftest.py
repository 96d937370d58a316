"""Settings for all tests: how long hypothesis tries, and where it keeps what it found."""

import os
from pathlib import Path

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[1] / ".build/cache/hypothesis")
settings.register_profile("developer", deadline=None)
settings.register_profile("machine", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("machine" if os.environ.get("CI") else "developer")
