"""The body of a retrieval, and passages as the records that Dify reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from qa_engine.index.documents.citations import cited_range
from qa_engine.server.asking.requests import Name, SearchRequest
from qa_engine.server.clients.dify.conditions import MetadataCondition, filters_of
from qa_engine.server.clients.openai.sources import source_title


class RetrievalSetting(BaseModel):
    """How much is wanted.

    Attributes:
        top_k: the number of passages.
        score_threshold: those with a lower score are left out.
    """

    top_k: Annotated[int, Field(ge=1, le=1000)] = 10
    score_threshold: float | None = None


class RetrievalRequest(BaseModel):
    """A question whose passages are wanted.

    Attributes:
        knowledge_id: name of the collection.
        query: the question.
        retrieval_setting: how much is wanted.
        metadata_condition: what the files must be.
    """

    knowledge_id: Name
    query: Annotated[str, Field(min_length=1)]
    retrieval_setting: RetrievalSetting = Field(default_factory=RetrievalSetting)
    metadata_condition: MetadataCondition | None = None

    def search(self) -> SearchRequest:
        """The search that it asks for.

        Raises:
            ProblemError: ``unsupported``: a condition has no filter.
        """
        return SearchRequest.model_construct(
            question=self.query,
            collections=[self.knowledge_id],
            filters=filters_of(self.metadata_condition),
            top_k=self.retrieval_setting.top_k,
            explain=False,
        )


class Record(BaseModel):
    """A passage.

    Attributes:
        content: its text.
        score: 0 to 1, comparable within one question only.
        title: its file, pages and section.
        metadata: those of its file, and ``url``, ``file``, ``page``, ``page_end``, ``section``, ``collection``, ``file_id``,
            ``document_id``.
    """

    content: str
    score: float
    title: str
    metadata: dict[str, Any]


class RecordList(BaseModel):
    """The passages for a question, the best first."""

    records: list[Record]


def records_of(passages: Sequence[Mapping[str, Any]], threshold: float | None) -> RecordList:
    """Passages as records.

    Args:
        passages: of the body of a search, the best first.
        threshold: those with a lower score are left out; None for none.
    """
    pairs = zip(passages, _scores(passages), strict=True)
    least = threshold or 0.0
    return RecordList(records=[_record(passage, score) for passage, score in pairs if score >= least])


def _scores(passages: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    """Scores from 0 to 1 in the order of the passages, none above that of the passage before."""
    lowest = 1.0
    for passage in passages:
        score = passage["score"]
        if score is not None and math.isfinite(score):
            lowest = min(lowest, round(1 / (1 + math.exp(-max(-50.0, min(score, 50.0)))), 4))
        yield lowest


def _record(passage: Mapping[str, Any], score: float) -> Record:
    cited = cited_range(passage["node_id"])
    page = passage["page"] or 0
    paged = {**passage, "page": page, "page_end": passage["page_end"] or page}
    return Record(
        content="\n\n".join([passage["text"], *passage["tables"]]),
        score=score,
        title=source_title(paged),
        metadata={
            **passage["metadata"],
            "url": passage["url"],
            "file": passage["file"],
            "page": passage["page"],
            "page_end": passage["page_end"],
            "section": passage["section"],
            "collection": passage["collection"],
            "file_id": passage["file_id"],
            "document_id": cited.document_id if cited is not None else None,
        },
    )
