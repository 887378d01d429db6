"""What the package imports is declared, and what it declares is what a default installation needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMESPACES = {
    "opentelemetry": "opentelemetry-sdk",
    "openinference": "openinference-instrumentation-llama-index",
}
"""Packages into which several distributions install modules, and the declared one that brings what we import."""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(requirements: list[str]) -> set[str]:
    return {_canonical(Requirement(requirement).name) for requirement in requirements}


def _imports(path: Path) -> set[str]:
    """The dotted names of the modules that a file imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def _distribution(module: str, known: dict[str, list[str]]) -> str | None:
    """The distribution that declares a module; None for the standard library and for ourselves."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in {"qa_engine", "__future__"}:
        return None
    if top == "llama_index":
        parts = module.split(".")
        return (
            "llama-index-core" if parts[1] == "core" else _canonical("-".join(["llama-index", *parts[1:4]]))
        )
    if top in NAMESPACES:
        return NAMESPACES[top]
    return _canonical(known[top][0]) if top in known else _canonical(top)


def _undeclared(files: list[Path], declared: set[str]) -> dict[str, str]:
    known = packages_distributions()
    missing = {}
    for file in files:
        for module in _imports(file):
            distribution = _distribution(module, known)
            if distribution is not None and not any(
                distribution == name or (module.startswith("llama_index.") and distribution.startswith(name))
                for name in declared
            ):
                missing[f"{file.relative_to(ROOT)}: {module}"] = distribution
    return missing


def test_every_import_is_declared() -> None:
    extras = [name for name in PROJECT["optional-dependencies"] if name not in {"dev", "bench"}]
    declared = _declared(PROJECT["dependencies"]).union(
        *(_declared(PROJECT["optional-dependencies"][extra]) for extra in extras)
    )
    optional_parts = {"cv2": "rapidocr", "grpc": "ray"}  # come with what the extra names
    missing = {
        where: distribution
        for where, distribution in _undeclared(sorted((ROOT / "qa_engine").rglob("*.py")), declared).items()
        if optional_parts.get(where.rpartition(" ")[2].partition(".")[0]) not in declared
    }
    assert missing == {}


def test_an_import_that_is_not_declared_is_found() -> None:
    file = ROOT / "qa_engine" / "config" / "__init__.py"
    file = file if file.exists() else ROOT / "qa_engine" / "config.py"
    assert _undeclared([file, *(ROOT / "qa_engine" / "config").glob("*.py")], {"pydantic"}) != {}


def test_no_version_is_pinned() -> None:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    requirements = [one for group in groups for one in group]
    assert [one for one in requirements if "==" in one or "~=" in one] == []


@pytest.mark.parametrize("heavy", ["torch", "sentence-transformers", "transformers", "scipy"])
def test_default_installation_has_no_heavy_package(heavy: str, installed_by_default: set[str]) -> None:
    assert heavy not in installed_by_default
    assert "chromadb" in installed_by_default
