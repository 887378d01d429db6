"""A Ray cluster of two nodes for tests, which are real processes of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest


def make_cluster(**head: Any) -> Any:
    """Two nodes with a processor each, whose workers find the modules of the tests; ``head``: options of the first one."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    node = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={**node, **head})
        cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
    return cluster


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[str]:
    """The address of a cluster."""
    nodes = make_cluster()
    yield nodes.address
    nodes.shutdown()


@pytest.fixture(scope="module")
def connected(ray_cluster: str) -> Iterator[str]:
    """The same, with this process connected to it once and for all."""
    import ray

    ray.init(ray_cluster, log_to_driver=False, logging_level="ERROR")
    yield ray_cluster
    ray.shutdown()
