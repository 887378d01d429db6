"""How vectors are written: in a folder in turns with other processes, or on a server with repeated requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.errors import StorageError
from qa_engine.index.disk.atomic_file import share_files
from qa_engine.index.vectors.chroma_folder import abandon, writing_turn
from qa_engine.index.vectors.runtime import runtime

if TYPE_CHECKING:
    from tenacity import RetryCallState

logger = logging.getLogger("qa_engine.index")
ATTEMPTS = 4
"""Times that a server is asked to store or delete something before a run gives up."""
_REQUEST_BYTES = 16_000_000
"""Size of a request that stores nodes on a server, which takes 40 MB. Large ones cost it less: see docs/ray.md."""
_SMALL_REQUEST_BYTES = 900_000
"""The same, after a larger one has failed: nginx before a server takes 1 MB unless told otherwise."""


class FolderBackend:
    """Writes into a folder, whose users take turns, until a write fails. The folder is None if nobody else uses it.

    After a failed write Chroma 1.5 may wait for ever in the next one (a full disk, seen once in some ten runs).

    Attributes:
        location: where the vectors are, as messages say it.
        request_bytes: most bytes of nodes to store at once; None because their size does not matter here.
    """

    request_bytes: int | None = None

    def __init__(self, folder: Path | None) -> None:
        self.location = f"in {folder}" if folder is not None else "in the folder of the collection"
        self._folder = folder
        self._failure: StorageError | None = None

    def require_usable(self) -> None:
        """Raises `StorageError` in a process where Chroma cannot work; see `ChromaRuntime`."""
        runtime.require_usable()

    def takes_smaller_requests(self, error: Exception, size: int) -> bool:
        """Nothing is sent anywhere."""
        return False

    def write(self, action: Callable[[], object]) -> None:
        """Stores or deletes something.

        Raises:
            StorageError: Chroma refuses it, or has refused a write before.
        """
        self.require_usable()
        if self._failure is not None:
            raise StorageError(str(self._failure)) from self._failure
        try:
            with writing_turn(self._folder) if self._folder else nullcontext(), storage_errors(self.location):
                action()
                if self._folder is not None:
                    share_files(self._folder)
        except StorageError as error:
            self._failure = error
            if self._folder is not None:
                abandon(self._folder)
            raise


class ServerBackend:
    """Writes on a server, several times if need be, which does no harm. Attributes as for `FolderBackend`."""

    def __init__(self, url: str) -> None:
        self.request_bytes: int | None = _REQUEST_BYTES
        self.location = f"on the Chroma server at {url}"

    def require_usable(self) -> None:
        """A server can be asked from everywhere."""

    def takes_smaller_requests(self, error: Exception, size: int) -> bool:
        """Whether a request of a size that failed is to be sent again in parts, because its size may be why.

        From then on ``request_bytes`` is smaller.
        """
        from qa_engine.index.vectors.chroma_server import may_be_too_large

        if size <= _SMALL_REQUEST_BYTES or not may_be_too_large(error):
            return False
        self.request_bytes = _SMALL_REQUEST_BYTES
        logger.warning("smaller requests from now on, to write %s: %s", self.location, error)
        return True

    def write(self, action: Callable[[], object]) -> None:
        """As for `FolderBackend`, or raises `ServiceUnavailableError` if the server does not answer."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

        from qa_engine.index.vectors.chroma_server import may_pass

        retrying = Retrying(
            retry=retry_if_exception(may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(0.5),
            before_sleep=self._log_retry,
            reraise=True,
        )
        with storage_errors(self.location):
            retrying(action)

    def _log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        logger.warning("attempt %d to write %s failed: %s", state.attempt_number, self.location, error)


VectorBackend = FolderBackend | ServerBackend
"""How the vectors are written: what differs between a folder and a server."""


class ClosedCollection:
    """Stands in for the Chroma collection of a store that was closed."""

    def __init__(self, location: str) -> None:
        self._location = location

    def __getattr__(self, name: str) -> object:
        raise StorageError(
            f"The vectors {self._location} cannot be used: they were closed, open the collection again."
        )


@contextmanager
def storage_errors(location: str) -> Iterator[None]:
    """Chroma's errors, which are of many types, as one of ours; those of the way to a server are ours already.

    Raises:
        StorageError: the vectors are gone, or cannot be read or written.
    """
    from chromadb.errors import ChromaError, NotFoundError

    try:
        yield
    except NotFoundError as error:
        raise StorageError(
            f"The vectors are no longer {location} ({error}): bring them back, or run qa-engine ingest on the files "
            "into a new collection."
        ) from error
    except (ChromaError, OSError) as error:
        raise StorageError(
            f"The vectors {location} cannot be read or written ({error}): check permissions and free space there, "
            "then run the same command again."
        ) from error
