"""Stand in for pip's installer, which ansible-test would download: the pip that ../sanity/run puts beside it, or for
another Python than that pip's the one that Python brings, which takes twice as long."""

import subprocess
import sys
from pathlib import Path

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
beside = Path(__file__).resolve().with_name("pip").resolve()
pip = [str(beside)]
if f"python{sys.version_info[0]}.{sys.version_info[1]}" not in beside.parts:
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"])
    pip = ["-m", "pip"]
subprocess.check_call([sys.executable, *pip, "install", *arguments])
