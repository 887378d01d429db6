"""``models`` as a user runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

from command_line import run


def test_models_are_prepared_into_the_named_cache_and_checked(tmp_path: Path) -> None:
    cache = tmp_path / "缓存 folder"
    missing = run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache))
    assert missing.returncode == 3
    assert "qa-engine models prepare" in missing.stderr
    made = run("models", "prepare", cwd=tmp_path, QA_ENGINE_CACHE=str(cache))
    assert made.returncode == 0
    assert str(cache) in made.stdout
    assert run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache)).returncode == 0
    shutil.rmtree(cache)
