"""Replicas of a catalog: whatever is done to it, each of them comes to hold the same rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from memory_search_engine import Cluster, MemorySearchEngine

from qa_engine.config import Bm25Config
from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import (
    CollectionNotFoundError,
    IndexLockedError,
    QAEngineError,
    ServiceUnavailableError,
    StorageError,
)
from qa_engine.index.records import DocumentParts, FileRecord, StoredSentence
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.registry import Registry
from qa_engine.index.search_engine.state import state_log
from qa_engine.index.search_engine.state.lease import Lease, held_lease
from qa_engine.index.search_engine.state.replica_files import (
    drop_former_replicas,
    reader_replica,
    writer_replica,
)
from qa_engine.index.search_engine.state.state_log import LogPosition, StateLog

TABLES = ["meta", "documents", "files", "former_files", "rebuilt", "visible", "abandoned", "sqlite_sequence"]


class Crash(BaseException):
    """The process is gone."""


def contents(catalog: SharedCatalog) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the file of a catalog."""
    with closing(sqlite3.connect(catalog.path)) as connection:
        return {
            table: sorted(
                (row for row in connection.execute(f"SELECT rowid, * FROM {table}") if "format" not in row),
                key=repr,
            )
            if table == "former_files"
            else sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
            for table in TABLES
        }


class Machines:
    """A cluster, and any number of machines with a storage of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cluster = Cluster()
        self._opened: list[SharedCatalog] = []
        self._leases: list[Lease] = []
        self.registry = Registry(MemorySearchEngine(self.cluster))
        self.collection = self.registry.create("reports", Bm25Config())

    def log(self) -> StateLog:
        found = self.registry.find("reports")
        assert found is not None
        return StateLog(self.registry, found)

    def reader(self, machine: str) -> SharedCatalog:
        log = self.log()
        (self.root / machine).mkdir(exist_ok=True)
        self._opened.append(SharedCatalog(reader_replica(self.root / machine, log.collection.mark), log))
        return self._opened[-1]

    def writer(self, file: Path) -> SharedCatalog:
        """Takes over from whoever holds the lease."""
        log = self.log()
        file.parent.mkdir(exist_ok=True)
        lease = Lease(self.registry, log.collection)
        state = self.cluster.index(self.registry.state).documents
        state.pop(f"{log.collection.mark}:lease", None)
        lease.acquire(0)
        self._leases.append(lease)
        self._opened.append(SharedCatalog(file, log, lease=lease))
        return self._opened[-1]

    def close(self) -> None:
        for catalog in self._opened:
            catalog.close()
        for lease in self._leases:
            lease.release()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    yield made
    made.close()


def record(path: str, document_id: str, nodes: int = 2) -> FileRecord:
    return FileRecord(
        path, Path(path).name, 1, 2, 3, f"sha-{document_id}", "p", document_id, "now", nodes=nodes
    )


def parts(document_id: str, nodes: int, name: str = "a.pdf") -> DocumentParts:
    sentences = [
        StoredSentence(node_id(document_id, number), f"Text {number}.", {"file_name": name, "page": 1}, 0, 7)
        for number in range(nodes)
    ]
    return DocumentParts([], [["text"]] * nodes, [], [], sentences)


def store(catalog: SharedCatalog, path: str, document_id: str, nodes: int = 2) -> None:
    catalog.begin(document_id, nodes)
    catalog.commit(record(path, document_id, nodes), parts(document_id, nodes, Path(path).name))


class History(RuleBasedStateMachine):
    """Whatever a catalog is told to do, with crashes and take-overs between, all replicas end up equal."""

    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="qa-replicas-"))
        self.machines = Machines(self.root)
        self.writers = 0
        self.numbers: dict[int, str] = {}
        self.readers = [self.machines.reader("near"), self.machines.reader("near")]
        self.take_over(from_reader=False)

    def teardown(self) -> None:
        if hasattr(self, "machines"):
            self.machines.close()
            shutil.rmtree(self.root)

    @rule(from_reader=st.booleans())
    def take_over(self, from_reader: bool) -> None:
        """Another process goes on, with or without what readers of its machine have."""
        self.writers += 1
        file = self.root / f"writer-{self.writers}.sqlite"
        if from_reader:
            shutil.copy(self.readers[0].path, file)
        self.writer = self.machines.writer(file)

    @rule(document=st.integers(0, 5), nodes=st.integers(0, 3))
    def begin(self, document: int, nodes: int) -> None:
        if self.writer.document(f"d{document}") is None:
            self.writer.begin(f"d{document}", nodes)

    @rule(document=st.integers(0, 5), path=st.integers(0, 4))
    def commit(self, document: int, path: int) -> None:
        name = f"d{document}"
        states = dict(self.writer.unfinished("writing"))
        if name in states:
            self.writer.commit(record(f"/f{path}.pdf", name, states[name]), parts(name, states[name]))

    @rule(path=st.integers(0, 4), other=st.integers(0, 4))
    def move(self, path: int, other: int) -> None:
        found = self.writer.file_at(f"/f{path}.pdf")
        if found is not None:
            with self.writer.together():
                self.writer.link(record(f"/f{other}.pdf", found.document_id, found.nodes))
                if other != path:
                    self.writer.remove(found.path)

    @rule(path=st.integers(0, 4))
    def remove(self, path: int) -> None:
        self.writer.remove(f"/f{path}.pdf")

    @rule(state=st.sampled_from(["writing", "stale"]))
    def clean(self, state: str) -> None:
        for document_id, _ in self.writer.unfinished(state):
            self.writer.forget(document_id)

    @rule(shorten=st.booleans())
    def give_up(self, shorten: bool) -> None:
        """A document with the highest number goes, and the log may forget that it ever was."""
        self.clean("writing")
        self.writer.begin("d8", 1)
        self.writer.forget("d8")
        self.publish(shorten)

    @rule()
    def forget_abandoned(self) -> None:
        self.writer.forget_abandoned(self.writer.abandoned())

    @rule(key=st.sampled_from(["a", "b"]), value=st.sampled_from(["1", "2", "年报"]))
    def note(self, key: str, value: str) -> None:
        self.writer.set_meta(**{key: value})
        self.writer.set_identity("d1", DocumentIdentity(title=value))

    @rule(done=st.booleans())
    def rebuild(self, done: bool) -> None:
        if done:
            self.writer.forget_rebuilt()
        else:
            self.writer.mark_rebuilt(list(self.writer.live_documents()))

    @rule()
    def fail_inside(self) -> None:
        """An error in the middle takes back everything."""
        with suppress(ZeroDivisionError), self.writer.together():
            self.writer.begin("never", 1)
            self.writer.remove("/f0.pdf")
            raise ZeroDivisionError

    @rule(shorten=st.booleans())
    def publish(self, shorten: bool) -> None:
        before = state_log._LONG
        state_log._LONG = 0 if shorten else before
        try:
            self.writer.publish()
        finally:
            state_log._LONG = before

    @rule(at=st.integers(0, 6), when=st.sampled_from(["before", "after"]), shorten=st.booleans())
    def crash(self, at: int, when: str, shorten: bool) -> None:
        """The process dies between two requests, with the change in the log or without; another one goes on."""
        self._failing(Crash, at, when, shorten)
        self.take_over(from_reader=False)

    @rule(at=st.integers(0, 6), when=st.sampled_from(["before", "after"]), shorten=st.booleans())
    def lose_answers(self, at: int, when: str, shorten: bool) -> None:
        """The cluster goes away, before or after it has done what it was asked; the same process tries to go on."""
        self._failing(lambda: ServiceUnavailableError("away"), at, when, shorten)
        with suppress(QAEngineError):
            self.writer.set_meta(more="1")
        self.take_over(from_reader=False)

    def _failing(self, error: Callable[[], BaseException], at: int, when: str, shorten: bool) -> None:
        left = at

        def fault(method: str, path: str) -> str | None:
            nonlocal left
            left -= 1
            return when if left == -1 else None

        self.machines.cluster.fault, self.machines.cluster.error = fault, error
        before = state_log._LONG
        state_log._LONG = 0 if shorten else before
        try:
            with suppress(Crash, QAEngineError):
                with self.writer.together():
                    self.writer.begin("d9", 1)
                    self.writer.remove("/f1.pdf")
                self.writer.publish()
        finally:
            self.machines.cluster.fault = lambda method, path: None
            state_log._LONG = before

    @rule(reader=st.integers(0, 1))
    def follow(self, reader: int) -> None:
        self.readers[reader].synchronise()

    @rule()
    def lose_the_replica(self) -> None:
        """Whoever wants the space deletes it; the processes that have it open go on."""
        self.readers[0].path.unlink()

    @invariant()
    def replicas_are_equal(self) -> None:
        if not hasattr(self, "writer"):
            return
        expected = contents(self.writer)
        for reader in [*self.readers, self.machines.reader(f"far-{self.writers}")]:
            reader.synchronise()
            assert contents(reader) == expected
        for document_id, number in self.writer.numbers([f"d{n}" for n in range(10)]).items():
            assert self.numbers.setdefault(number, document_id) == document_id


@pytest.mark.parametrize("examples", [30, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.timeout(1800)
def test_replicas_are_equal_whatever_happens(examples: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        History,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_second_writer_takes_over_and_the_first_can_change_nothing(machines: Machines) -> None:
    first = machines.writer(machines.root / "first.sqlite")
    first.begin("d1", 2)
    second = machines.writer(machines.root / "second.sqlite")
    with pytest.raises(IndexLockedError, match="took over"):
        first.commit(record("/a.pdf", "d1"), parts("d1", 2))
    with pytest.raises(IndexLockedError):
        first.publish()
    assert second.unfinished() == [("d1", 2)]
    assert second.files() == {}


def test_the_last_change_of_an_earlier_writer_may_arrive_late(machines: Machines) -> None:
    """The request was on its way when the next writer had read the log."""
    machines.writer(machines.root / "first.sqlite")
    late = StateLog(machines.registry, machines.log().collection)
    news = late.news(LogPosition(0, ""))
    position = news.entries[-1].position
    arrived = False

    def arrives(method: str, path: str) -> str | None:
        nonlocal arrived
        if "/_create/" in path and not arrived:
            arrived = True
            late.append(position, [("meta", "late", ["1"])])
        return None

    machines.cluster.fault = arrives
    second = machines.writer(machines.root / "second.sqlite")
    assert second.meta("late") == "1"


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_an_answer_was_lost_the_writer_writes_nothing_more(machines: Machines, when: str) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    machines.cluster.fault = lambda method, path: when if "/_create/" in path else None
    with pytest.raises(ServiceUnavailableError):
        writer.set_meta(a="1")
    machines.cluster.fault = lambda method, path: None
    with pytest.raises(ServiceUnavailableError):
        writer.set_meta(b="1")
    reader = machines.reader("near")
    assert (reader.meta("a"), reader.meta("b")) == ("1" if when == "after" else None, None)
    next_writer = machines.writer(machines.root / "next.sqlite")
    next_writer.set_meta(b="2")
    reader.synchronise()
    assert contents(reader) == contents(next_writer)


def test_a_crash_between_the_log_and_the_file_leaves_the_change(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    machines.cluster.error = Crash
    machines.cluster.fault = lambda method, path: "after" if "/_create/" in path else None
    with pytest.raises(Crash):
        writer.begin("d1", 2)
    machines.cluster.fault = lambda method, path: None
    assert writer.unfinished() == []
    with pytest.raises(StorageError, match="cut off"):
        writer.begin("d2", 2)
    assert machines.reader("near").unfinished() == [("d1", 2)]


def test_what_is_raised_inside_takes_back_everything_and_reaches_no_log(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    before = contents(writer)
    with pytest.raises(ZeroDivisionError), writer.together():
        writer.begin("d1", 2)
        with writer.together():
            writer.set_meta(a="1")
        raise ZeroDivisionError
    assert contents(writer) == before
    writer.set_meta(b="1")
    reader = machines.reader("near")
    assert (reader.meta("a"), reader.meta("b"), reader.unfinished()) == (None, "1", [])


def test_no_number_is_given_twice_though_the_log_forgot_the_document(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    writer.begin("d2", 1)
    given = writer.numbers(["d2"])["d2"]
    writer.forget("d2")
    monkeypatch.setattr(state_log, "_LONG", 0)
    writer.publish()
    other = machines.writer(machines.root / "other.sqlite")
    other.begin("d3", 1)
    assert other.numbers(["d3"])["d3"] == given + 1


def test_what_was_given_up_is_deleted_once_more_and_seen_by_nobody(machines: Machines) -> None:
    first = machines.writer(machines.root / "first.sqlite")
    first.begin("d1", 2)
    number = first.numbers(["d1"])["d1"]
    second = machines.writer(machines.root / "second.sqlite")
    second.forget("d1")
    store(second, "/b.pdf", "d2")
    second.publish()
    # The first writer was only stopped, and stores what it was about to store.
    first.sentence_index.put(number, parts("d1", 2).sentences, [["text"]] * 2, first.field, 1)
    assert number not in [shown for shown, _ in machines.reader("near").published_state().documents.values()]
    sentences = machines.cluster.index(machines.collection.sentences).documents
    assert {f"{number}-0", f"{number}-1"} < sentences.keys()
    assert second.abandoned(before=0) == []
    second.forget_abandoned(second.abandoned())
    assert {name.partition("-")[0] for name in sentences} == {str(second.numbers(["d2"])["d2"])}
    assert machines.reader("near").abandoned() == []


def test_a_reader_behind_the_beginning_of_the_log_begins_anew(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = machines.reader("near")
    writer = machines.writer(machines.root / "w.sqlite")
    monkeypatch.setattr(state_log, "_LONG", 0)
    monkeypatch.setattr(state_log, "_ROWS_EACH", 3)
    for number in range(5):
        store(writer, f"/{number}.pdf", f"d{number}")
    writer.publish()
    assert writer.log.collection.base.parts > 3
    writer.set_meta(later="1")
    reader.synchronise()
    assert contents(reader) == contents(writer)
    state = machines.cluster.index(machines.registry.state).documents
    assert [name.split(":")[1] for name in state if ":change:" in name] == ["change"]


def test_shortening_that_was_cut_off_is_made_good_by_the_next(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_log, "_LONG", 0)
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    machines.cluster.error = Crash
    machines.cluster.fault = lambda method, path: "before" if "_delete_by_query" in path else None
    with pytest.raises(Crash):
        writer.publish()
    machines.cluster.fault = lambda method, path: None
    assert contents(machines.reader("near")) == contents(writer)
    other = machines.writer(machines.root / "other.sqlite")
    for number in range(5):
        store(other, f"/{number}.pdf", f"e{number}")
    other.publish()
    state = machines.cluster.index(machines.registry.state).documents
    kinds = [document.source["kind"] for document in state.values()]
    assert sorted(kinds) == ["base", "collection", "lease"]
    assert contents(machines.reader("far")) == contents(other)


def test_a_stopped_writer_that_shortens_the_log_after_another_does_nothing(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machines.writer(machines.root / "first.sqlite")
    store(first, "/a.pdf", "d1")
    monkeypatch.setattr(state_log, "_LONG", 0)
    second = machines.writer(machines.root / "second.sqlite")
    second.publish()
    base = machines.log().collection.base
    first.compact()
    assert machines.log().collection.base == base
    assert contents(machines.reader("near")) == contents(second)


def test_a_restored_snapshot_is_noticed(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is shorter than a replica says, and then as long, with other changes."""
    monkeypatch.setattr(state_log, "_MISSING_SECONDS", 0)
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    writer.publish()
    state = machines.cluster.index(machines.registry.state).documents
    snapshot = dict(state)
    store(writer, "/lost.pdf", "d2")
    reader = machines.reader("near")
    assert "/lost.pdf" in reader.files()
    state.clear()
    state.update(snapshot)
    reader.synchronise()
    assert list(reader.files()) == ["/a.pdf"]
    other = machines.writer(machines.root / "other.sqlite")
    for number in range(9):
        store(other, f"/{number}.pdf", f"e{number}")
    reader.synchronise()
    assert contents(reader) == contents(other)


@pytest.mark.parametrize("damage", [b"", b"this is no database at all" * 400, None])
def test_a_damaged_replica_is_made_anew(machines: Machines, damage: bytes | None) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    for number in range(200):
        store(writer, f"/{number}.pdf", f"d{number}")
    reader = machines.reader("near")
    if damage is None:  # in the middle, which is found when that is read
        with reader.path.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * (reader.path.stat().st_size - 8192))
    else:
        reader.path.write_bytes(damage)
    for _ in range(2):
        with suppress(StorageError):
            opened = machines.reader("near")
            assert len(opened.files()) == 200
    opened = machines.reader("near")
    reader.synchronise()
    assert contents(opened) == contents(reader) == contents(writer)


def test_two_processes_of_a_machine_apply_the_same_changes_once(machines: Machines) -> None:
    one, other = machines.reader("near"), machines.reader("near")
    assert one.path == other.path
    writer = machines.writer(machines.root / "w.sqlite")
    with one._guarded():
        news = one.log.news(LogPosition(0, ""))
    store(writer, "/a.pdf", "d1")
    writer.remove("/a.pdf")
    other.synchronise()
    one._follow(news.entries)
    one.synchronise()
    assert contents(one) == contents(writer)
    assert len(contents(one)["former_files"]) == 1


def test_a_collection_that_was_made_again_shares_nothing_with_the_former(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    reader = machines.reader("near")
    machines.registry.remove(machines.collection)
    with pytest.raises(CollectionNotFoundError):
        reader.synchronise()
    machines.registry.create("reports", Bm25Config())
    anew = machines.reader("near")
    assert anew.files() == {}
    assert list(reader.files()) == ["/a.pdf"]  # a question that is under way
    with pytest.raises(CollectionNotFoundError):
        reader.synchronise()
    drop_former_replicas(anew.path.parent, machines.log().collection.mark)
    assert [file.name for file in anew.path.parent.glob("*.sqlite")] == [anew.path.name]


def test_leftovers_of_killed_writers_go_and_files_in_use_stay(machines: Machines, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "writer-0123.sqlite").write_bytes(b"x")
    (folder / "writer-0123.sqlite-journal").write_bytes(b"x")
    with writer_replica(folder, "0" * 12) as used:
        used.write_bytes(b"in use")
        assert not list(folder.glob("writer-0123*"))
        with writer_replica(folder, "0" * 12) as second:
            assert second != used
        assert used.exists()
    assert list(folder.iterdir()) == []


def test_long_writing_keeps_no_reader_of_the_machine_waiting(machines: Machines, tmp_path: Path) -> None:
    reader = machines.reader("near")
    with writer_replica(reader.path.parent, machines.collection.mark) as file:
        writer = machines.writer(file)
        with writer.together():
            writer.begin("d1", 1)
            reader.synchronise()
            assert machines.reader("near").unfinished() == []
        reader.synchronise()
        assert reader.unfinished() == [("d1", 1)]


def test_a_batch_is_one_entry_of_the_log(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    before = len([path for _, path in machines.cluster.requests if "/_create/" in path])
    with writer.together():
        for number in range(9):
            writer.begin(f"d{number}", 1)
    with writer.together():
        for number in range(9):
            writer.commit(record(f"/{number}.pdf", f"d{number}", 1), parts(f"d{number}", 1))
    writer.set_meta(name="reports")
    writer.set_meta(name="reports")
    after = len([path for _, path in machines.cluster.requests if "/_create/" in path])
    assert after - before == 3


def test_a_forked_child_can_read_and_not_write(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    child = os.fork()
    if child == 0:
        try:
            found = list(writer.files()) == ["/a.pdf"]
            try:
                writer.set_meta(a="1")
            except StorageError as error:
                found = found and "for reading" in str(error)
            os._exit(0 if found else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    writer.set_meta(b="1")


def test_the_lease_is_given_back_also_after_an_error(machines: Machines) -> None:
    with pytest.raises(ZeroDivisionError), held_lease(machines.registry, machines.collection, 0):
        raise ZeroDivisionError
    with held_lease(machines.registry, machines.collection, 0):
        pass


def test_what_is_missing_or_changed_in_the_search_engine_is_told(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    for number in range(4):
        store(writer, f"/{number}.pdf", f"d{number}")
    writer.publish()
    reader = machines.reader("near")
    every = {node_id(f"d{number}", ordinal) for number in range(4) for ordinal in range(2)}
    assert (reader.sentence_ids(), reader.damaged()) == (every, (set(), set(), 0))
    numbers = writer.numbers(["d1", "d2", "d3"])
    sentences = machines.cluster.index(machines.collection.sentences).documents
    contents_of = machines.cluster.index(machines.collection.documents).documents
    sentences[f"{numbers['d1']}-0"].source["text"] = "Another text."
    del sentences[f"{numbers['d2']}-1"]
    del contents_of[str(numbers["d3"])]
    assert reader.damaged() == ({"d1", "d2", "d3"}, set(), 0)
    writer.sentence_index.refresh()
    assert reader.sentence_ids() == every - {node_id("d2", 1)}


def test_a_checksum_that_is_missing_is_made_from_what_is_stored(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    before = writer.meta("document_checksum d1")
    with writer._transaction() as connection:
        connection.execute("DELETE FROM meta WHERE key = 'document_checksum d1'")
    assert writer.damaged() == (set(), set(), 1)
    writer.seal()
    assert writer.meta("document_checksum d1") == before
    assert writer.damaged() == (set(), set(), 0)


def test_a_copy_of_the_index_that_lags_behind_is_no_reason_to_begin_anew(machines: Machines) -> None:
    """Copies answer in turn: one has shown a change that another one does not have yet."""
    writer = machines.writer(machines.root / "w.sqlite")
    reader = machines.reader("near")
    store(writer, "/a.pdf", "d1")
    reader.synchronise()
    state = machines.cluster.index(machines.registry.state).documents
    last = max(name for name in state if ":change:" in name)
    lagging = state.pop(last)
    reader.synchronise()
    assert list(reader.files()) == ["/a.pdf"]
    state[last] = lagging
    writer.set_meta(a="1")
    reader.synchronise()
    assert contents(reader) == contents(writer)


def test_a_writer_waits_until_a_copy_that_lags_behind_has_caught_up(machines: Machines) -> None:
    first = machines.writer(machines.root / "first.sqlite")
    store(first, "/a.pdf", "d1")
    shutil.copy(first.path, machines.root / "second.sqlite")
    state = machines.cluster.index(machines.registry.state).documents
    last = max(name for name in state if ":change:" in name)
    lagging = state.pop(last)
    asked = 0

    def catches_up(method: str, path: str) -> str | None:
        nonlocal asked
        asked += path.endswith("_mget")
        if asked == 3:
            state[last] = lagging
        return None

    machines.cluster.fault = catches_up
    second = machines.writer(machines.root / "second.sqlite")
    assert list(second.files()) == ["/a.pdf"]
    assert contents(machines.reader("near")) == contents(second)


def test_a_replica_that_is_made_anew_is_never_seen_empty(machines: Machines) -> None:
    writer = machines.writer(machines.root / "w.sqlite")
    store(writer, "/a.pdf", "d1")
    reader = machines.reader("near")
    seen = []

    def looks(method: str, path: str) -> str | None:
        seen.append(len(reader.files()))
        return None

    machines.cluster.fault = looks
    reader._begin_anew(LogPosition(*reader._rows("SELECT number, token FROM replica")[0]))
    assert seen
    assert set(seen) == {1}
    assert contents(reader) == contents(writer)
