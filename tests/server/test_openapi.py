"""Every response is one that the OpenAPI document describes, whatever a client sends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from served import served

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,missing_required_header"
)
HOOKS = """
import schemathesis

@schemathesis.serializer("application/pdf")
def pdf(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
"""
PARAMETERS = """
[parameters]
collection = "papers"
file_id = "{file_id}"
citation_id = "{citation_id}"
answer_id = "{answer_id}"
conversation_id = "{conversation_id}"
number = 1
question_id = "{question_id}"
feedback_id = "feedback-1"

[[operations]]
include-method = "DELETE"
parameters.collection = "new"
parameters.answer_id = "another-answer"
parameters.conversation_id = "another"
parameters.question_id = "another"
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_response_is_documented(storage: Path, tmp_path: Path) -> None:
    shutil.copytree(storage, tmp_path / "storage")
    # A key that is made on the way must not close the server.
    with served(tmp_path / "storage", "papers", "西湖", no_auth=True) as server:
        answer = server.client.post(
            "/api/v1/ask", json={"question": "How many parameters does Llama 2 have?"}
        )
        (file,) = server.client.get("/api/v1/collections/papers/files").json()["data"]
        conversation = server.client.post("/api/v1/conversations", json={}).json()
        expected = {"question": "How many?", "collections": ["papers"], "expected": {"unanswerable": True}}
        question = server.client.post("/api/v1/evaluation/questions", json=expected).json()
        feedback = f"/api/v1/answers/{answer.json()['answer_id']}/feedback"
        server.client.post(feedback, json={"rating": "up"}).raise_for_status()
        known = {
            "question_id": question["id"],
            "answer_id": answer.json()["answer_id"],
            "citation_id": answer.json()["citations"][0]["id"],
            "file_id": file["file_id"],
            "conversation_id": conversation["id"],
        }
        (tmp_path / "schemathesis.toml").write_text(PARAMETERS.format_map(known), encoding="utf-8")
        (tmp_path / "hooks.py").write_text(HOOKS, encoding="utf-8")
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
        options = ["--checks", CHECKS, "--max-examples", "40", "--seed", "7", "--no-color"]
        done = subprocess.run(
            [*command, *options],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=850,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-30000:] + done.stderr[-2000:]
    assert "API Operations" in done.stdout
