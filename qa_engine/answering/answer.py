"""The `Answer` to a question, and its `Citation`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from llama_index.core.base.response.schema import Response
from llama_index.core.schema import NodeWithScore

from qa_engine.answering.across_languages.glosses import TermGloss, gloss_line
from qa_engine.answering.usage import Usage
from qa_engine.documents.places import place_text
from qa_engine.retrieval.explanation import Explanation
from qa_engine.types import passage_of

REFUSAL = "我无法回答您的问题"
"""The one sentence that means: the documents do not hold the answer."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a page, in PDF points from the top left corner; ``page`` counts from 1."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Citation:
    """A passage that the answer refers to.

    Attributes:
        number: the n of ``[n]`` in the answer.
        file: name of the file.
        page: first page of the passage, from 1; 0 for a node without a page.
        page_end: last page of the passage.
        text: the passage.
        boxes: the rectangles of the text on its pages; empty for a node that is not from a file.
        score: the score that ranked the passage, higher is better.
        node_id: id of the passage among the answer's ``source_nodes``.
        section: the titles above the text, the outermost first; empty if there are none.
        page_label: the page number printed on the first page, if it is not ``page``; of cells, their range.
        id: id of the quoted sentence, or of the passage; `qa-engine show` takes it.
        collection: name of the collection of the file; empty if the passage names none.
        identity: what the document is, see `Passage.identity`.
    """

    number: int
    file: str
    page: int
    page_end: int
    text: str
    boxes: Sequence[Box] = ()
    score: float | None = None
    node_id: str = ""
    section: str = ""
    page_label: str = ""
    id: str = ""
    collection: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """How people call the place of the text in its file, in Chinese, such as ``第3页`` or ``工作表“销售”A3:F3``."""
        return place_text(self.file, self.page, self.page_end, self.page_label, self.section)

    def to_dict(self) -> dict[str, Any]:
        """The fields and the place, for JSON."""
        return {**asdict(self), "place": self.place}


@dataclass(frozen=True)
class Nearest:
    """Something that the documents hold, nearest to what a question named and they do not hold.

    Attributes:
        text: for people, in Chinese, such as 2021年 or 第十五条.
        kind: ``year``, ``quarter``, ``code``, ``size``, ``article``, ``clause``, ``place``, ``page`` or ``document``.
        value: in plain form, such as ``2021`` or ``LQ-SC1500``.
        file: name of a file that holds it.
    """

    text: str
    kind: str
    value: str
    file: str


@dataclass
class Answer(Response):
    """A LlamaIndex `Response` whose text is Chinese, with all that a reader needs to check it.

    Attributes:
        response: the answer, or exactly `REFUSAL`.
        source_nodes: the passages the answer was made from, best first.
        question: the question as it was asked.
        refused: whether the answer is the refusal.
        citations: the passages the text refers to, by number.
        unsupported: numbers, dates and names of the answer that occur neither in a passage that the model was shown nor in
            the question; see `qa_engine.answering.checks.grounding`. Always empty for quotations.
        unverified: whether the answer cites no passage, so that nothing in it can be looked up.
        foreign: whether the answer is not Chinese.
        repaired: whether the model was asked a second time, because its first answer cited nothing or was not Chinese.
        usage: tokens of all calls for this answer; None without a call, or if the service reports none.
        cost: of these tokens, in the currency of the configured prices; None without prices, or for another model's tokens.
        probability: estimated probability (0 to 1) that the passages hold the answer; None without an estimate.
        timings: seconds by stage.
        models: names of the embedding model, the reranker and the language model that answered.
        nearest: after a refusal because something that the question names stands in no document, what is nearest to it;
            beside an answer to a question without a year, other reports that it fits as well, the newest first.
        glosses: key terms of quotes in another language with their Chinese from the dictionary, which the last line of the
            text shows; empty for the answers of a language model.
        explanation: how the passages came about; None for an answer from passages of the caller.
    """

    question: str = ""
    refused: bool = False
    citations: list[Citation] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    unverified: bool = False
    foreign: bool = False
    repaired: bool = False
    usage: Usage | None = None
    cost: float | None = None
    probability: float | None = None
    timings: dict[str, float] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    nearest: list[Nearest] = field(default_factory=list)
    glosses: list[TermGloss] = field(default_factory=list)
    explanation: Explanation | None = None

    @property
    def said(self) -> str:
        """The text without the line of glosses, which is no evidence."""
        line = gloss_line(self.glosses)
        return (self.response or "").removesuffix(f"\n{line}" if line else "")

    def to_dict(self, explain: bool = False) -> dict[str, Any]:
        """The documented JSON object of ``ask --json``; with ``explain``, how its passages came about is in it."""
        explanation = self.explanation if explain else None
        return {
            "question": self.question,
            "answer": self.response,
            "refused": self.refused,
            "probability": self.probability,
            "citations": [citation.to_dict() for citation in self.citations],
            "unsupported": self.unsupported,
            "unverified": self.unverified,
            "foreign": self.foreign,
            "repaired": self.repaired,
            "usage": None if self.usage is None else asdict(self.usage),
            "cost": self.cost,
            "nearest": [asdict(nearest) for nearest in self.nearest],
            "glosses": [asdict(gloss) for gloss in self.glosses],
            "passages": [passage_to_dict(rank, node) for rank, node in enumerate(self.source_nodes, 1)],
            "timings": self.timings,
            "models": self.models,
            **({} if explanation is None else {"explanation": explanation.to_dict()}),
        }


def search_to_dict(
    question: str, explanation: Explanation, models: Mapping[str, str], explain: bool = False
) -> dict[str, Any]:
    """The documented JSON object of ``ask --search-only --json``: passages without an answer."""
    return {
        "question": question,
        "answer": None,
        "refused": None,
        "probability": None,
        "citations": [],
        "passages": [passage_to_dict(rank, node) for rank, node in enumerate(explanation.nodes, 1)],
        "timings": {},
        "models": dict(models),
        **({"explanation": explanation.to_dict()} if explain else {}),
    }


def passage_to_dict(rank: int, passage: NodeWithScore) -> dict[str, Any]:
    """A retrieved passage for JSON: rank (from 1), id, file, pages, text, the sentence that was found, tables, scores."""
    content = passage_of(passage)
    return {
        "rank": rank,
        "node_id": content.node_id,
        "file": content.file_name,
        "page": content.page,
        "page_end": content.page_end,
        "place": place_text(
            content.file_name, content.page, content.page_end, content.page_label, content.section
        ),
        "text": content.text,
        "sentence": content.sentence,
        "section": content.section,
        "statement": content.statement,
        "tables": list(content.tables),
        "collection": content.collection,
        "metadata": content.metadata,
        "identity": dict(content.identity),
        "score": content.score,
        "scores": content.scores,
    }
