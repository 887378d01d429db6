"""The files themselves, compared with what was read of them: nobody gets another version than the one that was cited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import (
    FileState,
    content_path,
    file_digest,
    file_stamp,
    is_document,
    stamp_of,
)
from qa_engine.server.problems import ProblemError

_MAX_DIGESTS = 10_000

_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Original:
    """A file that has the content that was read.

    Attributes:
        path: where it is; not to be told to clients.
        stamp: see `file_stamp`; as long as it is the same, so is the content.
        record: what is known of it.
    """

    path: Path
    stamp: _Stamp
    record: FileRecord

    def require_same(self) -> None:
        """Checks that the file is still the same, such as after a page of it was drawn.

        Raises:
            ProblemError: ``gone`` if it is not.
        """
        try:
            same = file_stamp(self.path) == self.stamp
        except OSError:
            same = False
        if not same:
            raise gone(self.record)


class Originals:
    """Finds the files of a storage. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, storage: Path, shared: bool = False) -> None:
        """
        Args:
            storage: the folder of the index, which files that were uploaded to this server are in.
            shared: whether collections have files of other machines.
        """
        self._storage = storage
        self._shared = shared
        self._digests: dict[tuple[Path, _Stamp], str] = {}

    def find(self, record: FileRecord) -> Original:
        """The file of a record. Its content is compared only if its size is the same and its times are not.

        Raises:
            ProblemError: ``gone`` if it has another content, or is not there any more; ``elsewhere`` if it is not there and
                may be on another machine; ``not_found`` if there never was a file; ``storage_unavailable`` if it cannot be
                read.
        """
        if is_document(record.path):
            raise ProblemError("not_found", f"{record.file_name!r} is a text without a file.")
        path = content_path(record, self._storage)
        try:
            stamp = file_stamp(path)
            if stamp != stamp_of(record) and not self._has_content(path, stamp, record):
                raise gone(record)
        except (FileNotFoundError, NotADirectoryError):
            raise (elsewhere(record) if self._shared else gone(record)) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ProblemError(
                "storage_unavailable", f"{record.file_name!r} cannot be read: {reason}."
            ) from error
        return Original(path, stamp, record)

    def state(self, record: FileRecord) -> FileState:
        """As `file_state`, but a content is compared once as long as the times of the file stay the same."""
        if is_document(record.path):
            return "unchanged"
        path = content_path(record, self._storage)
        try:
            stamp = file_stamp(path)
            same = stamp == stamp_of(record) or self._has_content(path, stamp, record)
        except (FileNotFoundError, NotADirectoryError):
            return "elsewhere" if self._shared else "gone"
        except OSError:
            return "unreadable"
        return "unchanged" if same else "changed"

    def _has_content(self, path: Path, stamp: _Stamp, record: FileRecord) -> bool:
        if stamp[0] != record.size:
            return False
        digest = self._digests.get((path, stamp))
        if digest is None:
            digest = file_digest(path)
            if len(self._digests) >= _MAX_DIGESTS:
                self._digests.clear()
            self._digests[path, stamp] = digest
        return digest == record.sha256


def elsewhere(record: FileRecord) -> ProblemError:
    """The problem of a file that is not on this machine, of a collection that several machines write to."""
    return ProblemError("elsewhere", f"{record.file_name!r} is not on the machine of this server.")


def gone(record: FileRecord) -> ProblemError:
    """The problem of a file that is no longer what was read."""
    return ProblemError(
        "gone",
        f"{record.file_name!r} was changed or removed after it was read.",
        "Put the file back, or ingest it again and ask again.",
    )
