"""The libraries that the page brings along are what the list says, unchanged, and nothing else."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

VENDOR = files("qa_engine.server.web") / "static" / "vendor"
LISTED = json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8"))


def test_list_is_true() -> None:
    for entry in LISTED:
        content = (VENDOR / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
        assert entry["version"] in entry["source"]
        assert entry["licence"] in {"MIT", "Apache-2.0"}


def test_list_is_complete() -> None:
    listed = {entry[key] for entry in LISTED for key in ("file", "licence_file")}
    assert {entry.name for entry in VENDOR.iterdir()} == listed | {"vendored.json"}
