"""Settings for all tests: how long hypothesis tries, and where it keeps what it found."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[1] / ".build/cache/hypothesis")
# No test fails because the machine is slow.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("developer", **PATIENT)
settings.register_profile("machine", **PATIENT, derandomize=True, print_blob=True)
# Where the same tests have run before, in another environment.
settings.register_profile("brief", **PATIENT, derandomize=True, print_blob=True, max_examples=10)
settings.register_profile("thorough", **PATIENT, max_examples=2000)
settings.load_profile("machine" if os.environ.get("CI") else "developer")
