"""Connects this process to a Ray cluster, and disconnects it."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qa_engine.errors import ConfigurationError
from qa_engine.ingestion.cluster.errors import no_cluster, unusable_cluster
from qa_engine.models.cores import available_cores

logger = logging.getLogger("qa_engine.ingestion")

INSTALL = "pip install 'qa-engine[ray]'"
LOCAL_CLUSTER = "local"
CONNECT_SECONDS = 10.0
_AUTO = "auto"
_CLIENT = "ray://"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SETTINGS = {
    # Ray reports its use to its makers unless it is told not to.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Workers without a GPU keep the devices that the environment names.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def require_ray() -> None:
    """Checks that Ray is installed, without importing it.

    Raises:
        ConfigurationError: Ray is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigurationError(f"Reading files on a Ray cluster needs the extra for it: {INSTALL}.")


@contextmanager
def ray_connection(address: str) -> Iterator[None]:
    """A connection to a cluster. One that the program has made before is used, and stays.

    Args:
        address: as ``ray.init`` takes it; ``local`` starts a cluster on this machine.

    Raises:
        ConfigurationError: Ray is not installed, or the cluster has another version of Ray or Python.
        ServiceUnavailableError: no cluster answers at the address.
    """
    require_ray()
    import ray

    if ray.is_initialized():
        yield
        return
    with _environment(_SETTINGS), _quiet_logger("ray"):
        _connect(address)
        logger.info("connected to the Ray cluster at %s", address)
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Sets variables of the environment that are not set, which Ray reads nowhere else, and unsets them at the end."""
    added = [name for name in settings if name not in os.environ]
    os.environ.update({name: settings[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _quiet_logger(name: str) -> Iterator[None]:
    """Lets a logger report errors only, for the time of a connection."""
    ray_logger = logging.getLogger(name)
    level = ray_logger.level
    ray_logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray_logger.setLevel(level)


def _connect(address: str) -> None:
    """Calls ``ray.init``, after a sign of life of the cluster.

    Raises:
        ConfigurationError: the cluster has another version of Ray or Python.
        ServiceUnavailableError: no cluster answers.
    """
    import ray

    remote = address.startswith(_CLIENT)  # the cluster logs there, not here
    quiet: dict[str, Any] = {} if remote else {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == LOCAL_CLUSTER:
            ray.init(
                address=address,
                num_cpus=available_cores(),
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                **quiet,
            )
            return
        _probe(address)
        ray.init(address=address, **quiet)
    except (OSError, TimeoutError, SystemExit) as error:
        raise no_cluster(address, error) from error
    except (RuntimeError, ValueError) as error:
        raise unusable_cluster(address, error) from error


def _probe(address: str) -> None:
    """Waits for a sign of life within bounded time: ``ray.init`` waits for two minutes and then ends the process.

    Raises:
        OSError, TimeoutError: there is none.
        ValueError: it is no address.
    """
    import ray

    named = os.environ.get("RAY_ADDRESS", _AUTO) if address == _AUTO else address
    if named == _AUTO:
        return  # Ray looks for a cluster on this machine, which is quick
    host, _, port = named.removeprefix(_CLIENT).partition("/")[0].rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("it is neither auto, local, HOST:PORT nor ray://HOST:PORT.")
    host = host.strip("[]")
    if host in _LOOPBACK and not named.startswith(_CLIENT):
        host = ray.util.get_node_ip_address()  # as ray.init does
    with socket.create_connection((host, int(port)), CONNECT_SECONDS):
        pass
    if os.environ.get("RAY_USE_TLS", "0").lower() in {"1", "true"}:
        return
    try:
        import grpc
    except ImportError:
        return
    with grpc.insecure_channel(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}", options=[("grpc.enable_http_proxy", 0)]
    ) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=CONNECT_SECONDS)
        except grpc.FutureTimeoutError:
            raise TimeoutError("something else listens there") from None
