"""Which distributions a default installation consists of."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed_by_default() -> set[str]:
    """The canonical names of the distributions that the hard dependencies bring, directly and indirectly."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = {key: str(value) for key, value in default_environment().items()}
    waiting = [Requirement(one) for one in project["dependencies"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    names: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        try:
            required = distribution(requirement.name).requires or []
        except PackageNotFoundError:
            continue
        names.add(name)
        for text in required:
            further = Requirement(text)
            extras = requirement.extras or {""}
            if further.marker is None or any(
                further.marker.evaluate({**environment, "extra": extra}) for extra in extras
            ):
                waiting.append(further)
    return names
