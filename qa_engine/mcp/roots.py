"""The folders below which a client may name files: everything else stays out of its reach, also whether it is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from qa_engine.documents.content_types import accepted_suffixes, description, is_accepted
from qa_engine.documents.formats import HEAD_BYTES, is_readable
from qa_engine.errors import InputError
from qa_engine.mcp.library import ToolError
from qa_engine.text.control_characters import show_controls_on_line
from qa_engine.text.one_line import is_text, one_line


@dataclass(frozen=True)
class Roots:
    """Folders below which files may be named.

    Attributes:
        folders: without links, each with the path that it was named by.
        max_bytes: of a file.
    """

    folders: Sequence[tuple[Path, Path]]
    max_bytes: int

    @classmethod
    def of(cls, folders: Iterable[Path], max_bytes: int) -> Roots:
        """Roots from the folders that a user has named.

        Raises:
            InputError: one of them is no folder.
        """
        found = []
        for folder in folders:
            try:
                resolved = folder.resolve(strict=True)
            except (OSError, RuntimeError) as error:
                reason = getattr(error, "strerror", None) or "it cannot be resolved"
                raise InputError(f"The folder {folder} of --root cannot be used: {reason}.") from error
            if not resolved.is_dir():
                raise InputError(f"{folder} of --root is no folder: name the folder that holds the files.")
            found.append((resolved, Path(os.path.abspath(folder))))  # noqa: PTH100 - links are kept on purpose
        return cls(found, max_bytes)

    def file(self, path: str) -> Path:
        """The file that a client has named, checked part by part.

        Whoever can change the folders themselves while this runs is trusted: it guards against clients, not against users.

        Args:
            path: absolute, or relative to one of the folders.

        Raises:
            ToolError: it is not below the folders, goes over a link, or is no document of a kind and a size that are read.
        """
        shown = show_controls_on_line(one_line(path, 200))
        if not is_text(path) or any(ord(one) < 32 or ord(one) == 127 for one in path):
            raise ToolError(f"The path {shown!r} holds control characters: name a file as it is called.")
        named = PurePath(path)
        if "://" in path or path.lower().startswith("file:"):
            raise ToolError(f"{shown!r} is an address: give the path of a file, without file://.")
        if ".." in named.parts or ".." in path.replace("\\", "/").split("/"):
            raise ToolError(f"The path {shown!r} holds '..': give it without.")
        for below, root in self._places(named):
            found = self._checked(root, below, shown)
            if found is not None:
                return found
        raise ToolError(
            f"{shown!r} is no file below the folders that the user has allowed (--root): give the path of a file below "
            "them, or ask the user to allow its folder."
        )

    def _places(self, named: PurePath) -> Iterable[tuple[PurePath, Path]]:
        """The path relative to each of the folders that it may be below."""
        for resolved, as_named in self.folders:
            if not named.is_absolute():
                yield named, resolved
                continue
            for folder in dict.fromkeys((resolved, as_named)):
                if named.is_relative_to(folder):
                    yield named.relative_to(folder), resolved

    def _checked(self, root: Path, below: PurePath, shown: str) -> Path | None:
        """The file below a folder; None if there is none.

        Raises:
            ToolError: there is something that may not be read.
        """
        current, mode = root, 0
        if not below.parts:
            return None
        for part in below.parts:
            if part.startswith("."):
                raise ToolError(f"{shown!r} is hidden, or in a hidden folder: such files are not read.")
            current = current / part
            try:
                mode = os.lstat(current).st_mode
            except (OSError, ValueError):
                return None
            if stat.S_ISLNK(mode):
                raise ToolError(f"{shown!r} is a link, or goes over one: give the path of the file itself.")
        if not stat.S_ISREG(mode):
            raise ToolError(f"{shown!r} is no regular file: name one file.")
        if not is_readable(current.name):
            endings = ", ".join(accepted_suffixes(ocr=True))
            raise ToolError(
                f"{shown!r} is of a type that is not read: files with these endings are: {endings}."
            )
        self._require_content(current, shown)
        return current

    def _require_content(self, path: Path, shown: str) -> None:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            with os.fdopen(os.open(path, flags), "rb") as file:
                status = os.fstat(file.fileno())
                head = file.read(HEAD_BYTES) if stat.S_ISREG(status.st_mode) else b""
        except OSError as error:
            raise ToolError(
                f"{shown!r} cannot be read: {error.strerror or 'the system refuses it'}."
            ) from error
        if status.st_size > self.max_bytes:
            raise ToolError(
                f"{shown!r} has {status.st_size:,} bytes, and {self.max_bytes:,} are read "
                "(documents.max_file_megabytes)."
            )
        if not is_accepted(path.name, head):
            raise ToolError(
                f"{shown!r} is {description(head)}, and not what its name says: such files are not read."
            )
