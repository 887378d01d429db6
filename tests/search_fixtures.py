"""Search servers that tests can ask for. Without Java, Maven or Maven Central those tests are skipped, and told why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from search_class_path import VERSIONS, UnavailableError
from search_server import SearchCluster

_EVERY_VERSION = [pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS]


@pytest.fixture(scope="session")
def search_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], SearchCluster]]:
    """Gives the one server of a version that the tests of a worker share; it starts when it is first asked for.

    Tests use indices of their own names, and change no setting of the cluster.
    """
    started: dict[str, SearchCluster] = {}
    with ExitStack() as stack:

        def server(version: str) -> SearchCluster:
            if version not in started:
                folder = tmp_path_factory.mktemp("search") / version
                started[version] = stack.enter_context(_started(version, folder))
            return started[version]

        yield server


@pytest.fixture(params=_EVERY_VERSION)
def search_server(
    request: pytest.FixtureRequest, search_servers: Callable[[str], SearchCluster]
) -> Iterator[SearchCluster]:
    """A server of each version; a test that fails shows what the server has logged meanwhile.

    ``@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)`` has one version alone. Tests that use
    this fixture are slow without a mark.
    """
    server = search_servers(request.param)
    log = server.nodes[0].log
    size = log.stat().st_size
    yield server
    print(server.nodes[0].tail(size))


@pytest.fixture
def search_cluster(tmp_path: Path) -> Iterator[Callable[..., SearchCluster]]:
    """Starts clusters that a test has for itself: ``search_cluster(version, nodes=3, settings={...})``."""
    clusters: list[SearchCluster] = []
    with ExitStack() as stack:

        def cluster(version: str, **options: Any) -> SearchCluster:
            folder = tmp_path / f"cluster-{len(clusters) + 1}"
            clusters.append(stack.enter_context(_started(version, folder, **options)))
            return clusters[-1]

        yield cluster
    for ended in clusters:
        for node in ended.nodes:
            print(f"{node.name}: {node.tail()}")


def _started(version: str, folder: Path, **options: Any) -> SearchCluster:
    cluster = SearchCluster(version, folder, **options)
    try:
        cluster.prepare()
    except UnavailableError as error:
        pytest.skip(f"no server of {version}: {error}")
    return cluster
