"""``config`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import run


def test_config_masks_keys(tmp_path: Path) -> None:
    done = run("config", "--json", cwd=tmp_path, OPENAI_API_KEY="sk-secret-123")
    assert done.returncode == 0
    assert "sk-secret-123" not in done.stdout
    assert json.loads(done.stdout)["llm"]["api_key"]
