"""The errors of the package, each named for what the caller does about it.

Every error is one clear sentence with the offending value and the way out. ``exit_code`` is the exit
status of the commands: 2 for wrong usage or configuration, 3 for a service, model or index that is
not available right now.
"""

from __future__ import annotations


class QAEngineError(Exception):
    """Base of all errors raised on purpose by this package."""

    exit_code = 1


class InputError(QAEngineError):
    """What was passed in cannot be used: correct the argument."""

    exit_code = 2


class ConfigurationError(QAEngineError):
    """A setting is unknown, out of range or contradicts the index: correct the configuration."""

    exit_code = 2


class AuthenticationFailedError(ConfigurationError):
    """A service refused the API key or token: correct it."""


class CollectionNotFoundError(InputError):
    """The collection does not exist in this storage: ingest first, or pick one that exists."""


class ModelUnavailableError(QAEngineError):
    """A model is not there and cannot be loaded: install, prepare or choose another."""

    exit_code = 3


class ServiceUnavailableError(QAEngineError):
    """A service did not answer, in time or at all: check the address, then try again."""

    exit_code = 3


class IndexUnavailableError(ServiceUnavailableError):
    """The server with the vectors, or the search engine, did not answer: check its address, then try again."""


class StorageError(QAEngineError):
    """The index on disk cannot be read or written: mend permissions or space, or wait for the writer."""

    exit_code = 3


class IndexLockedError(StorageError):
    """Another process is writing to the collection: wait for it, or stop it."""


class DocumentError(QAEngineError):
    """One file cannot be read. The run goes on without it.

    Args:
        reason: stable name of the cause: ``locked``, ``damaged``, ``empty``, ``no_text``, ``garbled``,
            ``too_large``, ``timeout``, ``crashed``, ``unreadable``, ``changed``, ``not_pdf``, ``unsupported`` or
            ``metadata``.
        message: one sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[DocumentError], tuple[str, str]]:
        return type(self), (self.reason, str(self))
