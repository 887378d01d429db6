"""Reads and embeds the files of a run on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import EmbeddingConfig
from qa_engine.ingestion.embedding_windows import (
    EmbeddedSentences,
    embed_windows,
    embedding_windows,
    sliced,
)
from qa_engine.ingestion.files.diff import FileToRead, UnreadFile
from qa_engine.ingestion.reading.batches import FileBatch, Parsed, SplitDocuments, batched
from qa_engine.ingestion.reading.prefetch import BatchPrefetcher, EmbeddingPrefetcher
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec


class Parser(Protocol):
    """Parses files: `ParsingPool` in processes, a reader of the caller in this one."""

    def parse(self, paths: Sequence[Path], stopped: Callable[[], bool]) -> Iterable[Parsed]:
        """Each file with its text, or the reason why it has none.

        Args:
            paths: the files.
            stopped: once it returns true, nobody waits for further files.
        """


class LocalReader:
    """A `FileReader` that parses and embeds beside the writing, in threads."""

    def __init__(
        self,
        parser: Parser,
        split: SplitDocuments,
        embed_model: BaseEmbedding,
        config: EmbeddingConfig,
        codec: TokenCodec | None,
    ) -> None:
        """
        Args:
            parser: parses files.
            split: splits their texts into nodes.
            embed_model: makes the vectors.
            config: how much context a sentence gets.
            codec: of the token vectors; None stores none.
        """
        self._parser = parser
        self._split = split
        self._embed_model = embed_model
        self._config = config
        # A model of the caller may not stand being used from two threads.
        threads = 2 if isinstance(embed_model, LocalEmbedding) else 1
        self._embedding = EmbeddingPrefetcher(
            partial(embed_windows, embed_model=embed_model, codec=codec), threads
        )
        self._batches = BatchPrefetcher(self._prepare)

    def __enter__(self) -> LocalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batches(self, files: Sequence[FileToRead]) -> Iterator[FileBatch | UnreadFile]:
        """See `FileReader`. Reading begins at once."""
        parsed = self._parser.parse([file.path for file in files], self._batches.stopped)
        return self._batches.prefetch(batched(parsed, {file.path: file for file in files}))

    def embedded(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        """See `FileReader`."""
        return self._embedding.embedded(nodes)

    def close(self) -> None:
        """Ends the threads."""
        self._batches.stop()
        self._embedding.stop()

    def _prepare(self, batch: FileBatch) -> None:
        nodes = batch.split(self._split)
        context = self._config.pass_chars, self._config.context_sentences
        self._embedding.start(nodes, sliced(embedding_windows(nodes, self._embed_model, *context)))
