"""Citations that were sent: kept for their time, and all of an answer or none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qa_engine.answering.answer import Box, Citation
from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.server.citations.store import CitationStore
from qa_engine.server.database import ServerDatabase

FIRST = Citation(
    1,
    "年报.pdf",
    3,
    4,
    "营业收入增长了。",
    [Box(3, 1.5, 2, 3, 4), Box(4, 5, 6, 7, 8)],
    section="经营情况 › 收入",
    page_label="1",
    id="d1-0000002..3",
    collection="年报",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ServerDatabase]:
    with closing(ServerDatabase(tmp_path / "server.sqlite3")) as opened:
        yield opened


def test_citation_comes_back_as_it_was_sent(database: ServerDatabase) -> None:
    store = CitationStore(database, 1)
    store.remember([FIRST])
    (found,) = CitationStore(database, 1).find(FIRST.id)
    assert (found.id, found.collection, found.file) == (FIRST.id, FIRST.collection, FIRST.file)
    assert (found.page, found.page_end, found.page_label) == (3, 4, "1")
    assert (found.section, found.text) == (FIRST.section, FIRST.text)
    assert found.boxes == [PageBox(3, 1.5, 2, 3, 4), PageBox(4, 5, 6, 7, 8)]
    assert found.to_dict()["boxes"][0] == {"page": 3, "x0": 1.5, "y0": 2, "x1": 3, "y1": 4}


def test_unknown_id_is_none(database: ServerDatabase) -> None:
    store = CitationStore(database, 1)
    store.remember([FIRST])
    assert store.find("d1-0000002") == []


def test_collections_that_share_a_document_have_a_citation_each(
    database: ServerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, now = CitationStore(database, 1), time.time()
    for seconds, collection in enumerate(("a", "b")):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: now + seconds)
        store.remember([Citation(1, "x.pdf", 1, 1, collection, id="d-0000001", collection=collection)])
    assert [found.collection for found in store.find("d-0000001")] == ["b", "a"]
    store.forget("b")
    assert [found.collection for found in store.find("d-0000001")] == ["a"]


@pytest.mark.parametrize("missing", ["id", "collection"])
def test_citation_that_cannot_be_asked_for_is_left_out(missing: str, database: ServerDatabase) -> None:
    store = CitationStore(database, 1)
    names = {"id": "d-0000001", "collection": "a"} | {missing: ""}
    store.remember([Citation(1, "x.pdf", 1, 1, "text", **names), FIRST])
    assert store.find("d-0000001") == store.find("") == []
    assert store.find(FIRST.id)


def test_citation_is_kept_for_its_time_after_it_was_sent_last(
    database: ServerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, day, now = CitationStore(database, 2), 86_400, time.time()
    other = Citation(1, "x.pdf", 1, 1, "text", id="d-0000001", collection="a")
    store.remember([FIRST, other])
    monkeypatch.setattr(time, "time", lambda: now + 1.5 * day)
    store.remember([FIRST])
    monkeypatch.setattr(time, "time", lambda: now + 2.5 * day)
    assert store.find(FIRST.id)
    assert store.find(other.id) == []
    store.remember([])
    with database.transaction() as connection:
        assert connection.execute("SELECT id FROM citations").fetchall()[0]["id"] == FIRST.id


def test_nothing_is_kept_for_no_days(database: ServerDatabase) -> None:
    store = CitationStore(database, 0)
    store.remember([FIRST])
    assert store.find(FIRST.id) == []


def test_what_was_remembered_outlives_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from qa_engine.answering.answer import Citation\n"
        "from qa_engine.server.citations.store import CitationStore\n"
        "from qa_engine.server.database import ServerDatabase\n"
        "store = CitationStore(ServerDatabase(Path(sys.argv[1])), 1)\n"
        "store.remember([Citation(1, 'x', 1, 1, 'text', id='d-0000001', collection='a')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "server.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == -signal.SIGKILL
    with closing(ServerDatabase(path)) as database:
        assert CitationStore(database, 1).find("d-0000001")
