"""Every response is one that the OpenAPI document describes, whatever a client sends."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from served import served

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,unsupported_method,missing_required_header"
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_response_is_documented(storage: Path, tmp_path: Path) -> None:
    shutil.copytree(storage, tmp_path / "storage")
    with served(tmp_path / "storage", "papers", "西湖") as server:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
        options = ["--checks", CHECKS, "--max-examples", "40", "--seed", "7", "--no-color"]
        done = subprocess.run(
            [*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=850, check=False
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
