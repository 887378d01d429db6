"""What is stored of a file that was read, and what a run says about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from llama_index.core.schema import BaseNode

from qa_engine.documents.blocks import Span
from qa_engine.documents.parsed_pdf import LeftOut, ParsedPdf
from qa_engine.documents.sentences.node_parser import SECTION
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.index.vectors.chroma_rows import stored_sentence
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.report import needs_ocr
from qa_engine.ingestion.writing.stored_nodes import bm25_text
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import tokenize


class StoredFile(NamedTuple):
    """A file that was committed.

    Attributes:
        file: what was to be read.
        record: its record in the catalog.
        seconds: its share of the time.
        warnings: a sentence about each thing that needs attention.
        left_out: what was not read of it.
    """

    file: FileChange
    record: FileRecord
    seconds: float
    warnings: Sequence[str]
    left_out: Sequence[LeftOut]


class StoringPipeline(Protocol):
    """Reads files and stores them."""

    def run(self, files: Sequence[FileChange]) -> Iterator[StoredFile | UnreadFile]:
        """The outcome for each file, as soon as it is committed or has failed. No two may have the same content.

        Ends early, and leaves what is half stored to `StoredNodes.delete_unfinished`, once the progress says so.
        """


def completed_record(
    record: FileRecord, parsed: ParsedPdf, nodes: Sequence[BaseNode], ocr: bool
) -> FileRecord:
    """The record of a file with the numbers of its content.

    Args:
        record, parsed, nodes: the file, its text and its sentences.
        ocr: whether pages without text are recognised in this run.
    """
    return replace(
        record,
        pages=len(parsed.pages),
        nodes=len(nodes),
        chinese_nodes=sum(is_chinese(node.get_content()) for node in nodes),
        awaits_ocr=0 if ocr else sum(map(needs_ocr, parsed.pages)),
    )


def document_parts(parsed: ParsedPdf, nodes: Sequence[BaseNode], spans: Sequence[Span]) -> DocumentParts:
    """What is kept of the content of a file besides numbers and vectors.

    Args:
        parsed, nodes: its text and its sentences.
        spans: the places of its lines.
    """
    sentences = [stored_sentence(node) for node in nodes]
    terms = [tokenize(bm25_text(sentence)) for sentence in sentences]
    sections = dict.fromkeys(node.metadata[SECTION] for node in nodes if node.metadata.get(SECTION))
    return DocumentParts(spans, terms, parsed.tables, list(sections), sentences)
