"""The LlamaIndex pipeline that the sentences of a few documents go through: announcement, embedding, store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import BaseNode, TransformComponent
from llama_index.core.vector_stores.types import BasePydanticVectorStore

from qa_engine.config import Config
from qa_engine.index.token_store import TokenStore
from qa_engine.ingestion.context_embedding import ContextEmbedding
from qa_engine.ingestion.model_passes import EmbeddedSentences
from qa_engine.ingestion.report import StageClock


class NodeAnnouncement(TransformComponent):
    """Tells the catalog which nodes are about to be stored, so that a crash leaves no node unknown to it."""

    announce: Callable[[str, int], None]

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        for document_id, count in Counter(node.ref_doc_id or "" for node in nodes).items():
            self.announce(document_id, count)
        return nodes


def build_pipeline(
    config: Config,
    embed_model: BaseEmbedding,
    vector_store: BasePydanticVectorStore,
    announce: Callable[[str, int], None],
    report: Callable[[int, int], None] | None = None,
    token_store: TokenStore | None = None,
    clock: StageClock | None = None,
    embedded: Callable[[Sequence[BaseNode]], Iterable[EmbeddedSentences]] | None = None,
) -> IngestionPipeline:
    """The pipeline for the sentences of a few documents a run.

    Args:
        config: how much context a sentence gets.
        embed_model: makes the vectors.
        vector_store: takes the nodes.
        announce: is told the document and the number of its nodes before the first is stored.
        report: is told how many sentences of a document are embedded, and of how many.
        token_store: takes the token vectors of the sentences; None keeps none.
        clock: measures the stages.
        embedded: gives what was embedded elsewhere.

    The cache of `IngestionPipeline` is off: its key covers a whole batch and not the splitter; the catalog knows which
    files are unchanged. It has no vector store of its own either: it would keep the vectors of all nodes until the end.
    """
    return IngestionPipeline(
        transformations=[
            NodeAnnouncement(announce=announce),
            ContextEmbedding(
                embed_model=embed_model,
                pass_chars=config.embedding.pass_chars,
                context_sentences=config.embedding.context_sentences,
                report=report,
                token_store=token_store,
                vector_store=vector_store,
                clock=clock or StageClock(),
                embedded=embedded,
            ),
        ],
        disable_cache=True,
    )
