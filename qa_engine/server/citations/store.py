"""What was cited, kept for some time: a link in an answer still tells what it was about when the file has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from qa_engine.answering.answer import Citation
from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.server.database import ServerDatabase

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS citations (
        id TEXT NOT NULL, collection TEXT NOT NULL, file TEXT NOT NULL, page INTEGER NOT NULL,
        page_end INTEGER NOT NULL, page_label TEXT NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL,
        boxes TEXT NOT NULL, sent_at REAL NOT NULL, PRIMARY KEY (id, collection))
    """,
    "CREATE INDEX IF NOT EXISTS citations_by_time ON citations (sent_at)",
)
_DAY = 86_400


@dataclass(frozen=True)
class CitationFacts:
    """What there is to tell of a citation without its file; see `Citation` for what the attributes hold."""

    id: str
    collection: str
    file: str
    page: int
    page_end: int
    page_label: str
    section: str
    text: str
    boxes: list[PageBox]

    def to_dict(self) -> dict[str, Any]:
        """The ``citation`` of a problem object."""
        return {**asdict(self), "boxes": [box._asdict() for box in self.boxes]}


_COLUMNS = [column.name for column in fields(CitationFacts)]


class CitationStore:
    """The table of citations. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, database: ServerDatabase, days: float) -> None:
        """
        Args:
            database: of the server.
            days: how long a citation is kept after it was sent last; 0 keeps none.
        """
        self._database = database
        self._seconds = days * _DAY
        database.create(*_TABLES)

    def remember(self, citations: Iterable[Citation]) -> None:
        """Keeps citations that are being sent, all or none, and drops those whose time is over.

        Args:
            citations: of an answer; those without an id or a collection cannot be asked for, and are left out.

        Raises:
            StorageError: the database cannot be written.
        """
        now = time.time()
        rows = [
            {
                **{name: getattr(one, name) for name in _COLUMNS},
                "boxes": json.dumps([(box.page, box.x0, box.y0, box.x1, box.y1) for box in one.boxes]),
                "sent_at": now,
            }
            for one in citations
            if one.id and one.collection and self._seconds > 0
        ]
        values = ", ".join(f":{name}" for name in (*_COLUMNS, "sent_at"))
        with self._database.transaction(durable=False) as connection:
            connection.execute("DELETE FROM citations WHERE sent_at < ?", (now - self._seconds,))
            connection.executemany(f"INSERT OR REPLACE INTO citations VALUES ({values})", rows)

    def find(self, identifier: str) -> list[CitationFacts]:
        """The citations with an id that were sent, the last one first: collections may share a document.

        Raises:
            StorageError: the database cannot be read.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM citations WHERE id = ? AND sent_at >= ? "
                "ORDER BY sent_at DESC, collection",
                (identifier, time.time() - self._seconds),
            ).fetchall()
        return [
            CitationFacts(**{**row, "boxes": [PageBox(*box) for box in json.loads(row["boxes"])]})
            for row in rows
        ]

    def forget(self, collection: str) -> None:
        """Drops the citations of a collection, such as one that is deleted.

        Raises:
            StorageError: the database cannot be written.
        """
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM citations WHERE collection = ?", (collection,))
