"""The wheel with its hard dependencies alone: ingest, ask and doctor work, and torch is not there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUESTION = "工作满十年的员工每年有几天年假？"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("qa_engine-*.whl")
    return built


def test_wheel_has_all_files_of_the_package(wheel: Path) -> None:
    """Templates and styles of the server among them."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = [
        path for path in (ROOT / "qa_engine").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {path.relative_to(ROOT).as_posix() for path in files} <= packed
    assert "qa_engine/server/citations/templates/citation.css" in packed


def _environment(folder: Path) -> Path:
    """An empty virtual environment; the folder of its packages."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    return packages


def _link_distributions(names: set[str], packages: Path) -> None:
    """Puts installed distributions into another environment, as links: nothing is downloaded or copied.

    A folder that only distributions of these names have files in is one link, with its bytecode.
    """
    installed = {one.metadata["Name"]: one for one in distributions()}
    owners: dict[str, set[str]] = {}
    for name, one in installed.items():
        for top in {file.parts[0] for file in one.files or []}:
            owners.setdefault(top, set()).add(re.sub(r"[-_.]+", "-", name).lower())
    for name in sorted(names):
        found = distribution(name)
        for file in found.files or []:
            if file.parts[0] in {"..", "__pycache__"} or file.suffix == ".pyc":
                continue
            linked = Path(file.parts[0]) if owners[file.parts[0]] <= names else Path(file)
            target = packages / linked
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(Path(str(found.locate_file(linked))).resolve())


def _check(python: Path, folder: Path) -> None:
    """Ingests the example PDFs, asks, and runs the doctor, as a user does who installed the wheel."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "QA_ENGINE_CACHE": os.environ.get("QA_ENGINE_CACHE", ""),
    }
    environment = {key: value for key, value in environment.items() if value}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(python), *arguments], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for heavy in ("torch", "sentence_transformers", "transformers", "scipy"):
        done = subprocess.run([str(python), "-c", f"import {heavy}"], env=environment, capture_output=True)
        assert done.returncode == 1, heavy
    report = json.loads(run("-m", "qa_engine", "ingest", str(ROOT / "examples"), "--json"))
    assert report["files"]["failed"] == 0
    assert report["files"]["added"] > 0
    answer = json.loads(run("-m", "qa_engine", "ask", QUESTION, "--json"))
    assert not answer["refused"]
    assert answer["citations"][0]["file"] == "员工手册.pdf"
    run("-m", "qa_engine", "doctor")


@pytest.mark.timeout(300)
def test_wheel_works_with_its_hard_dependencies_alone(
    wheel: Path, installed_by_default: set[str], tmp_path: Path, local_model: Path
) -> None:
    packages = _environment(tmp_path / "venv")
    _link_distributions(installed_by_default, packages)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(packages)], check=True)
    _check(tmp_path / "venv" / "bin" / "python", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_wheel_installed_from_the_package_index(wheel: Path, tmp_path: Path, local_model: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*command, str(wheel)], check=True)
    size = sum(file.stat().st_size for file in (tmp_path / "venv").rglob("*") if file.is_file())
    assert size <= 800_000_000
    _check(python, tmp_path)
