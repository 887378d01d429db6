"""Connects this process to a Ray cluster, and disconnects it."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from qa_engine.config.masking import masked_url
from qa_engine.errors import ConfigurationError, ServiceUnavailableError
from qa_engine.models.runtime.cores import available_cores
from qa_engine.text.one_line import first_line

logger = logging.getLogger("qa_engine.ingestion")

INSTALL = "pip install 'qa-engine[ray]'"
LOCAL_CLUSTER = "local"
CONNECT_SECONDS = 10.0
_AUTO = "auto"
_CLIENT = "ray://"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SETTINGS = {  # variables of the environment, which Ray reads nowhere else; only for the time of a connection
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
        ConfigurationError: the cluster has another version of Ray or Python.
        ServiceUnavailableError: no cluster answers at the address.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    with ExitStack() as stack:
        for name in _SETTINGS.keys() - os.environ.keys():
            os.environ[name] = _SETTINGS[name]
            stack.callback(os.environ.pop, name, None)
        ray_logger = logging.getLogger("ray")
        stack.callback(ray_logger.setLevel, ray_logger.level)
        ray_logger.setLevel(logging.ERROR)
        _connect(address)
        stack.callback(ray.shutdown)
        logger.info("connected to the Ray cluster at %s", masked_url(address))
        yield


def _connect(address: str) -> None:
    """Calls ``ray.init``, after a sign of life of the cluster; raises as `ray_connection`."""
    import ray

    remote = address.startswith(_CLIENT)  # the cluster logs there, not here
    quiet: dict[str, Any] = {} if remote else {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == LOCAL_CLUSTER:
            here = {"num_cpus": available_cores(), "_node_ip_address": "127.0.0.1"}
            ray.init(address=address, include_dashboard=False, **here, **quiet)
        else:
            _probe(address)
            ray.init(address=address, **quiet)
    except (OSError, SystemExit) as error:
        raise ServiceUnavailableError(
            f"No Ray cluster answers at {masked_url(address)} ({first_line(error) or type(error).__name__}): start one with "
            "ray start --head, or give its address with --ray."
        ) from error
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"The Ray cluster at {masked_url(address)} cannot be used: {first_line(error)} Give the address as "
            "ray.init takes it, and the same versions of Ray and Python to all machines."
        ) from error


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
