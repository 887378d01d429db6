"""Parsed files in batches: how many make one, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.errors import DocumentError
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.reading import batches as reading
from qa_engine.ingestion.reading.batches import FileBatch, batched

MANY = 1_000_000
Parsed = dict[Path, ParsedPdf]


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    folder = tmp_path_factory.mktemp("pdf")
    paths = [chinese_pdf(folder / "a.pdf"), english_pdf(folder / "b.pdf"), english_pdf(folder / "c.pdf")]
    return {path: read_pdf(path) for path in paths}


def shapes(read: Iterator[tuple[Path, ParsedPdf | DocumentError]], **limits: int) -> list[object]:
    """The names of the files of each batch; of a file that could not be read, the reason."""

    def shape(item: FileBatch | UnreadFile) -> object:
        return (
            [file.path.name for file, _, _ in item.files] if isinstance(item, FileBatch) else item[1].reason
        )

    return [shape(item) for item in batches(read, **limits)]


def batches(
    read: Iterator[tuple[Path, ParsedPdf | DocumentError]], max_chars: int = MANY, max_files: int = MANY
) -> list[FileBatch | UnreadFile]:
    items = list(read)
    files = [
        FileChange(path, FileRecord(str(path), path.name, 1, 0, 0, "", "", f"of {path.name}"), "added")
        for path, _ in items
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MAX_BATCH_CHARS", max_chars)
        patch.setattr(reading, "MAX_BATCH_FILES", max_files)
        return list(batched(items, files))


def test_files_come_together_until_there_are_enough(parsed: Parsed) -> None:
    assert shapes(iter(parsed.items())) == [["a.pdf", "b.pdf", "c.pdf"]]
    assert shapes(iter(parsed.items()), max_files=2) == [["a.pdf", "b.pdf"], ["c.pdf"]]
    assert shapes(iter(parsed.items()), max_chars=1) == [["a.pdf"], ["b.pdf"], ["c.pdf"]]


def test_nothing_read_is_no_batch() -> None:
    assert shapes(iter([])) == []


def test_file_that_cannot_be_read_does_not_wait_for_its_batch(parsed: Parsed) -> None:
    first, *others = parsed.items()
    broken = (Path("broken.pdf"), DocumentError("damaged", "broken"))
    assert shapes(iter([first, broken, *others])) == ["damaged", ["a.pdf", "b.pdf", "c.pdf"]]


def test_sentences_of_a_batch_are_those_of_its_files_in_order(parsed: Parsed) -> None:
    [batch] = batches(iter(parsed.items()))
    assert isinstance(batch, FileBatch)
    assert batch.chars == sum(len(pdf.text) for pdf in parsed.values())
    assert not batch.nodes
    nodes = batch.split(SentenceNodeParser().get_nodes_from_documents)
    assert nodes == batch.nodes
    assert list(dict.fromkeys(node.ref_doc_id for node in nodes)) == ["of a.pdf", "of b.pdf", "of c.pdf"]
