"""The files of a collection a part at a time, in an order; and one of them by its id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from qa_engine.index.files.queries import FILES, FileCondition, FileQueries, read_record
from qa_engine.index.records import FileRecord, file_id

FileOrder = Literal["name", "-name", "ingested_at", "-ingested_at", "pages", "-pages", "size", "-size"]
"""What files are ordered by; with a minus sign, the other way round. Files that are equal in it are ordered by id."""
FILE_ORDERS: tuple[FileOrder, ...] = get_args(FileOrder)
_COLUMNS = {
    "name": "files.file_name",
    "ingested_at": "files.ingested_at",
    "pages": "documents.pages",
    "size": "files.size",
}


def order_value(record: FileRecord, order: FileOrder) -> str | int:
    """What an order compares of a file."""
    values: dict[str, str | int] = {
        "name": record.file_name,
        "ingested_at": record.ingested_at,
        "pages": record.pages,
        "size": record.size,
    }
    return values[order.removeprefix("-")]


class FileListing(FileQueries):
    """The part of the catalog that lists files."""

    def _set_up(self) -> None:
        super()._set_up()
        self._connection.create_function("file_id", 1, file_id, deterministic=True)

    def file_at(self, path: str) -> FileRecord | None:
        """The file with this recorded path, or None."""
        return next(iter(self._records("files.path = ?", (path,))), None)

    def file_with_id(self, identifier: str) -> FileRecord | None:
        """The file with this `FileRecord.file_id`, or None. Looks at the path of every file."""
        return next(iter(self._records("file_id(files.path) = ?", (identifier,))), None)

    def files_after(
        self,
        limit: int,
        order: FileOrder = "name",
        after: tuple[str | int, str] | None = None,
        where: FileCondition | None = None,
    ) -> list[FileRecord]:
        """The next files in an order.

        Args:
            limit: how many, at most.
            order: see `FileOrder`.
            after: `order_value` and id of the last file that is known already, which need not be there any more; None begins
                with the first file.
            where: what they have to satisfy.
        """
        column = _COLUMNS[order.removeprefix("-")]
        direction, sign = ("DESC", "<") if order.startswith("-") else ("ASC", ">")
        condition = where or FileCondition("1")
        values: list[str | int | float] = [*condition.values]
        text = condition.sql
        if after is not None:
            text = f"{text} AND ({column}, file_id(files.path)) {sign} (?, ?)"
            values.extend(after)
        ordered = f"ORDER BY {column} {direction}, file_id(files.path) {direction} LIMIT ?"
        return self._records(f"{text} {ordered}", (*values, limit))

    def _records(self, condition: str, values: Iterable[str | int | float]) -> list[FileRecord]:
        return [read_record(row) for row in self._rows(f"{FILES} WHERE {condition}", tuple(values))]
