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
    checked = run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache))
    assert checked.returncode == 0
    assert "MDBG" in checked.stdout
    assert "CC BY-SA 4.0" in checked.stdout
    (table,) = cache.glob("cc-cedict-*.sqlite3")
    table.write_bytes(table.read_bytes()[:500_000])
    damaged = run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache))
    assert damaged.returncode == 3
    assert "qa-engine models prepare --force" in damaged.stderr
    assert "Traceback" not in damaged.stderr
    table.unlink()
    assert run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache)).returncode == 3
    shutil.rmtree(cache)
