"""The lexical index of a collection: built from stored terms, kept as bm25s files, searched by terms."""

from __future__ import annotations

import json
import shutil
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa_engine.documents.node_parser import node_id
from qa_engine.errors import StorageError
from qa_engine.index.analyser import ANALYSER_VERSION

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class DocumentTerms:
    """The terms of the sentences of one document, in order."""

    document_id: str
    sentences: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Bm25Hit:
    """A sentence and its BM25 score, above 0."""

    node_id: str
    score: float


class Bm25Index:
    """BM25 (Lucene's variant, in bm25s) over sentences. Holds ids, not texts."""

    def __init__(self, retriever: Any, document_ids: list[str], first_rows: np.ndarray) -> None:
        self._retriever = retriever
        self._document_ids = document_ids
        self._first_rows = first_rows

    @classmethod
    def build(
        cls, documents: Sequence[DocumentTerms], k1: float, b: float, context_sentences: int
    ) -> Bm25Index:
        """An index over all sentences of the documents.

        Args:
            documents: may be empty, and may hold empty sentences.
            k1: saturation of the term frequency.
            b: strength of the normalisation by length.
            context_sentences: neighbours on each side whose terms count for a sentence as well.
        """
        rows: list[list[int]] = []
        vocabulary: dict[str, int] = {}
        first_rows = [0]
        for document in documents:
            coded = [
                [vocabulary.setdefault(term, len(vocabulary)) for term in sentence]
                for sentence in document.sentences
            ]
            for index in range(len(coded)):
                window = coded[max(0, index - context_sentences) : index + context_sentences + 1]
                rows.append([term for sentence in window for term in sentence])
            first_rows.append(len(rows))
        retriever = None
        if vocabulary:
            import bm25s

            retriever = bm25s.BM25(k1=k1, b=b, method="lucene")
            retriever.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        return cls(
            retriever, [document.document_id for document in documents], np.array(first_rows, np.int64)
        )

    def __len__(self) -> int:
        return int(self._first_rows[-1])

    def rows_of(self, document_ids: Container[str]) -> np.ndarray:
        """A mask of the sentences: those of the documents are True."""
        wanted = [document_id in document_ids for document_id in self._document_ids]
        return np.repeat(np.array(wanted, bool), np.diff(self._first_rows))

    def search(self, terms: Sequence[str], top_k: int, rows: np.ndarray | None = None) -> list[Bm25Hit]:
        """The best sentences, best first; none with a score of 0, so possibly fewer than ``top_k``.

        Args:
            terms: of the question.
            top_k: most sentences to return.
            rows: a mask of the sentences to search, see `rows_of`; None searches all.
        """
        if self._retriever is None:
            return []
        known = [term for term in terms if term in self._retriever.vocab_dict]
        if not known:
            return []
        scores = self._retriever.get_scores(known)
        if rows is not None:
            scores = np.where(rows, scores, 0)
        count = min(top_k, len(scores))
        best = np.argpartition(-scores, count - 1)[:count]
        best = best[np.lexsort((best, -scores[best]))]
        return [Bm25Hit(self._node_id(int(row)), float(scores[row])) for row in best if scores[row] > 0]

    def matched(self, terms: Sequence[str]) -> list[str]:
        """Those of the terms that occur in the collection."""
        if self._retriever is None:
            return []
        return [term for term in dict.fromkeys(terms) if term in self._retriever.vocab_dict]

    def coverage(self, terms: Sequence[str]) -> float:
        """The share of the distinct terms, 0 to 1, that occur in the collection: how much this index can say."""
        distinct = set(terms)
        return len(self.matched(terms)) / len(distinct) if distinct else 0.0

    def _node_id(self, row: int) -> str:
        document = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        return node_id(self._document_ids[document], row - int(self._first_rows[document]))

    def save(self, folder: Path) -> None:
        """Writes the index into a folder that does not exist; it appears complete or not at all."""
        scratch = folder.with_name(f"{folder.name}.writing")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        if self._retriever is not None:
            self._retriever.save(str(scratch), show_progress=False)
        manifest = {
            "analyser": ANALYSER_VERSION,
            "documents": self._document_ids,
            "first_rows": self._first_rows.tolist(),
            "empty": self._retriever is None,
        }
        (scratch / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)

    @classmethod
    def load(cls, folder: Path) -> Bm25Index:
        """Opens a saved index, memory-mapped.

        Raises:
            StorageError: it is missing, damaged, or made by another analyser.
        """
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            if manifest["analyser"] != ANALYSER_VERSION:
                raise StorageError(
                    f"The BM25 index in {folder} was made by the analyser {manifest['analyser']}, this is "
                    f"{ANALYSER_VERSION}: run qa-engine ingest once more on its files."
                )
            retriever = None
            if not manifest["empty"]:
                import bm25s

                retriever = bm25s.BM25.load(str(folder), mmap=True, load_corpus=False)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise StorageError(
                f"The BM25 index in {folder} cannot be opened ({error}): run qa-engine ingest once more on its files."
            ) from error
        return cls(retriever, manifest["documents"], np.array(manifest["first_rows"], np.int64))
