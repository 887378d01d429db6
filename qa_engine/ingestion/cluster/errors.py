"""Errors of Ray, as errors that say what to do."""

from __future__ import annotations

from qa_engine.errors import ConfigurationError, DocumentError, QAEngineError, ServiceUnavailableError
from qa_engine.text.one_line import first_line


def no_cluster(address: str, error: BaseException) -> ServiceUnavailableError:
    """The error for an address at which no cluster answers."""
    return ServiceUnavailableError(
        f"No Ray cluster answers at {address} ({first_line(error) or type(error).__name__}): start one with "
        "ray start --head, or give its address with --ray."
    )


def unusable_cluster(address: str, error: BaseException) -> ConfigurationError:
    """The error for a cluster of other versions, or for something that is no address."""
    return ConfigurationError(
        f"The Ray cluster at {address} cannot be used: {first_line(error)} Give the address as ray.init takes it, and "
        "the same versions of Ray and Python to all machines."
    )


def unsendable_model(model: object, error: BaseException) -> ConfigurationError:
    """The error for an embedding model of the caller that cannot be pickled."""
    return ConfigurationError(
        f"The embedding model {type(model).__name__} cannot be sent to Ray workers ({error}): "
        "name one in the configuration, or run without Ray."
    )


def file_given_up(name: str, tries: int, error: BaseException) -> DocumentError:
    """The error for a file on which worker after worker failed."""
    return DocumentError(
        "crashed", f"{name} was given up after {tries} Ray workers failed on it ({reason(error)})."
    )


def sentences_given_up(address: str, tries: int, error: BaseException) -> ServiceUnavailableError:
    """The error for sentences on which worker after worker failed."""
    return ServiceUnavailableError(
        f"The Ray cluster at {address} failed {tries} times to embed the same sentences "
        f"({reason(error)}): check its nodes, then run the same command again."
    )


def raise_if_permanent(error: Exception) -> None:
    """Raises what another worker would fail with as well.

    Args:
        error: the error of Ray, with the error of the worker as its ``cause``.

    Raises:
        QAEngineError: the error of the worker, or one about a worker without qa_engine.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, QAEngineError):
        raise cause from None
    if isinstance(cause, ImportError) or "No module named" in str(error):
        raise ConfigurationError(
            f"A Ray worker lacks a package ({first_line(cause or error)}): install qa-engine, of the same version "
            "as here, into the Python of every node."
        ) from error


def reason(error: BaseException) -> str:
    """A short reason why a worker failed."""
    cause = getattr(error, "cause", None)
    return first_line(cause or error)[:200].rstrip(".") or type(error).__name__
