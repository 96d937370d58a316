"""In place of galaxy.ansible.com, which no test asks: a server with the collection, built from this checkout."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COLLECTION = "/api/v3/collections/virtfleet/network/"
VERSIONS = f"{COLLECTION}versions/"


def answers(tarball: Path) -> dict[str, bytes]:
    """Return what the server says to the paths that ansible-galaxy asks for when it installs the collection."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    content = tarball.read_bytes()
    release = {
        "version": version,
        "href": f"{VERSIONS}{version}/",
        "namespace": {"name": "virtfleet"},
        "collection": {"name": "network"},
        "artifact": {"sha256": hashlib.sha256(content).hexdigest()},
        "download_url": "/download/collection.tar.gz",
        "metadata": {"dependencies": {}},
    }
    said = {
        "/api/": {"available_versions": {"v3": "v3/"}},
        COLLECTION: {"namespace": "virtfleet", "name": "network", "created_at": "", "updated_at": ""},
        VERSIONS: {"data": [release], "links": {"next": None}},
        release["href"]: release,
    }
    return {**{path: json.dumps(what).encode() for path, what in said.items()}, "/download/collection.tar.gz": content}


@contextmanager
def galaxy(folder: Path) -> Iterator[str]:
    """Build the collection in a folder and serve it during a `with`; the value is the server's URL."""
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    known = answers(*folder.glob("*.tar.gz"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = known.get(self.path.partition("?")[0])
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(answer or b"")

        def log_message(self, *_words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/"
        finally:
            server.shutdown()
