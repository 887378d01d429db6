"""Builds passages around the sentences that retrieval found: windows of neighbours, merged where they overlap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import Field, PrivateAttr

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.retrieval.passages.neighbours import Sentence, SentenceNeighbours, StoredSentences
from qa_engine.retrieval.passages.sources import Origin, PassageSources
from qa_engine.retrieval.passages.table_hits import best_rows, is_summary, table_of
from qa_engine.types import RANKS, SCORES, Passage, PassageSentence, passage_node

_SHORT_SENTENCE = 25
"""Characters of a short Chinese sentence, which bounds how many neighbours a window may reach."""
_MAX_REACH = 8
_PLACE_KEYS = ("page", "page_end", "section", "role", "page_label", "table", "doubt")
_TABLE_REACH = 40
"""Rows on each side of a hit that the passage of a table may reach."""
_HITS_AT_ONCE = 24
"""Number of hits whose neighbours are read together: mostly enough for all passages, and much less than all hits. If they
are not enough, twice as many are read each further time."""
_SHORT_SECTION = 0.3
"""If a section fills less than this share of the budget, the window reaches into the sections beside it."""
_MAX_MERGED = 2
"""A merged passage may be this many times as long as a window."""


@dataclass
class _Window:
    """Sentences ``first`` to ``last`` of a document around that at ``place``, with the hit that opened it and its table."""

    document_id: str
    first: int
    last: int
    place: int
    hit: NodeWithScore
    table: int | None = None
    scores: dict[str, float] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)

    def overlaps(self, document_id: str, first: int, last: int) -> bool:
        return self.document_id == document_id and first <= self.last and last >= self.first

    def holds(self, document_id: str, ordinal: int, about: bool, table: int | None) -> bool:
        """Whether a hit is in it, or is what its table is about."""
        return self.overlaps(document_id, ordinal, ordinal) or (
            about and (document_id, table) == (self.document_id, self.table)
        )


class PassageBuilder(BaseNodePostprocessor):
    """Turns sentence hits into passages: each hit with as many neighbours as a budget of characters allows.

    A hit inside an earlier passage adds its scores and ranks to it; a window that overlaps an earlier passage is merged
    with it into one text in reading order, while that stays short enough. The budget counts characters, not sentences: an
    English sentence is as long as three Chinese ones.

    A window ends where its section does, unless it would be very short. On files of several articles (XQuAD zh→zh, 300
    questions) the answer was then within 300 characters for .890 of the questions instead of .807, and within 600 for .990
    instead of .980.

    The window of a row ends where its table does, and windows of one table become one passage while it has no more than
    ``table_chars``. A hit on what a table is about makes a passage of the table: of all of it, or of the rows around its
    best hit. It shows the rows: what the table is about is one of the ``sentences``, for the reranker, and not in the text.
    """

    window_chars: int = Field(ge=1)
    latin_ratio: float = Field(ge=1)
    max_passages: int = Field(ge=1)
    max_per_file: int = Field(ge=0)
    table_chars: int = Field(ge=1)
    _store: StoredSentences = PrivateAttr()
    _sources: PassageSources | None = PrivateAttr()

    def __init__(
        self,
        store: StoredSentences,
        *,
        window_chars: int,
        latin_ratio: float,
        max_passages: int,
        max_per_file: int = 0,
        table_chars: int = 1000,
        sources: PassageSources | None = None,
    ) -> None:
        """
        Args:
            store: holds the neighbours.
            window_chars: size of a window in Chinese characters.
            latin_ratio: how many times as long a window of other scripts may be.
            max_passages: greatest number of passages.
            max_per_file: greatest number of passages of one file, so that the next best files move up; 0 for any number.
            table_chars: size of the passage of a table in Chinese characters, at least that of a window.
            sources: names the collection and the file of each passage; without it, passages name no collection.
        """
        sizes = {"window_chars": window_chars, "latin_ratio": latin_ratio}
        super().__init__(
            **sizes,
            max_passages=max_passages,
            max_per_file=max_per_file,
            table_chars=max(table_chars, window_chars),
        )
        self._store = store
        self._sources = sources

    @classmethod
    def class_name(cls) -> str:
        return "PassageBuilder"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        reach = min(_MAX_REACH, math.ceil(self.window_chars / 2 / _SHORT_SENTENCE))
        sentences = SentenceNeighbours(self._store, reach, self.latin_ratio)
        windows: list[_Window] = []
        rows = best_rows(nodes)
        read, size = 0, _HITS_AT_ONCE
        for number, hit in enumerate(nodes):
            if number == read and len(windows) < self.max_passages:
                sentences.load(nodes[number : number + size])
                read, size = number + size, 2 * size
            document_id, ordinal = split_node_id(hit.node_id)
            table, about = table_of(hit.node), is_summary(hit.node)
            if about:
                ordinal = rows.get((document_id, table), ordinal)
            window = next((one for one in windows if one.holds(document_id, ordinal, about, table)), None)
            if window is None:
                of_file = sum(one.document_id == document_id for one in windows)
                if len(windows) == self.max_passages or 0 < self.max_per_file <= of_file:
                    continue
                first, last = self._window(document_id, ordinal, sentences, about)
                fresh = _Window(document_id, first, last, ordinal, hit, table)
                window = self._place(fresh, windows, sentences)
            for stage, score in hit.node.metadata.get(SCORES, {}).items():
                window.scores[stage] = max(score, window.scores.get(stage, -math.inf))
            for stage, rank in hit.node.metadata.get(RANKS, {}).items():
                window.ranks[stage] = min(rank, window.ranks.get(stage, rank))
        documents = {window.document_id for window in windows}
        origins = {} if self._sources is None else self._sources.origins(documents)
        return [
            passage_node(_passage(window, sentences, origins.get(window.document_id))) for window in windows
        ]

    def _window(
        self, document_id: str, ordinal: int, sentences: SentenceNeighbours, of_table: bool = False
    ) -> tuple[int, int]:
        """The widest range around a sentence that fits the budget, within its table or section if that is not too short."""
        if of_table:  # the sentences around a hit of any other kind are there already
            sentences.load_range(document_id, ordinal - _TABLE_REACH, ordinal + _TABLE_REACH)
        sentence = sentences.get(document_id, ordinal)
        budget = self.table_chars if of_table else self.window_chars
        if sentence is not None and table_of(sentence) is not None:
            first, last = self._grown(document_id, ordinal, ordinal, sentences, budget, table_of)
            if of_table:
                return first, last
        else:
            first, last = self._grown(document_id, ordinal, ordinal, sentences, budget, _section)
        if sentences.length(document_id, first, last) < _SHORT_SECTION * self.window_chars:
            first, last = self._grown(document_id, first, last, sentences, budget, None)
        end = sentences.get(document_id, last)
        return first, last - (last > ordinal and end is not None and is_summary(end))

    def _grown(
        self,
        document_id: str,
        first: int,
        last: int,
        sentences: SentenceNeighbours,
        budget: int,
        place: Callable[[Sentence], object] | None,
    ) -> tuple[int, int]:
        """A range grown on both sides in turn while it fits the budget, to sentences of the same place if one is given."""
        length = sentences.length(document_id, first, last)
        hit = sentences.get(document_id, first)
        within = place(hit) if place is not None and hit is not None else None
        open_sides = {-1, 1}
        side = -1
        while open_sides:
            if side in open_sides:
                candidate = first - 1 if side < 0 else last + 1
                neighbour = sentences.get(document_id, candidate)
                size = sentences.size(document_id, candidate)
                if (
                    neighbour is None
                    or length + size > budget
                    or (place is not None and place(neighbour) != within)
                ):
                    open_sides.discard(side)
                else:
                    length += size
                    first, last = min(first, candidate), max(last, candidate)
            side = -side
        return first, last

    def _place(self, fresh: _Window, windows: list[_Window], sentences: SentenceNeighbours) -> _Window:
        """Merges a window with one that it overlaps, or else adds it without the overlap."""
        for window in windows:
            first, last = min(fresh.first, window.first), max(fresh.last, window.last)
            overlaps = window.overlaps(fresh.document_id, fresh.first, fresh.last)
            of_table = window.table is not None and (window.document_id, window.table) == (
                fresh.document_id,
                fresh.table,
            )
            if not overlaps and not (of_table and last - first <= _TABLE_REACH):
                continue
            sentences.load_range(fresh.document_id, first, last)
            size = sentences.length(fresh.document_id, first, last)
            others = (other for other in windows if other is not window)
            collides = any(other.overlaps(fresh.document_id, first, last) for other in others)
            limit = self.table_chars if of_table else _MAX_MERGED * self.window_chars
            if size <= max(limit, _MAX_MERGED * self.window_chars) and not collides:
                window.first, window.last = first, last
                return window
            if not overlaps:
                continue
            if window.first <= fresh.place:
                fresh.first = window.last + 1
            else:
                fresh.last = window.first - 1
        windows.append(fresh)
        return fresh


def _passage(window: _Window, sentences: SentenceNeighbours, origin: Origin | None) -> Passage:
    """The passage of a window, with the metadata of the hit that opened it."""
    parts = sentences.between(window.document_id, window.first, window.last)
    shown = [part for part in parts if not is_summary(part)] or parts
    hit = window.hit.node
    return Passage(
        node_id=f"{node_id(window.document_id, window.first)}..{window.last}",
        text=join_sentences(
            [part.text for part in shown], [part.metadata.get("paragraph", 0) for part in shown]
        ),
        document_id=window.document_id,
        file_name=(origin.file_name if origin is not None else "") or hit.metadata.get("file_name", ""),
        page=shown[0].metadata.get("page"),
        page_end=shown[-1].metadata.get("page_end"),
        page_label=shown[0].metadata.get("page_label", ""),
        section=hit.metadata.get("section", ""),
        statement=hit.metadata.get("statement", ""),
        sentence=shown[0].text if is_summary(hit) else hit.get_content(),
        sentences=tuple(map(passage_sentence, parts)),
        scores=window.scores,
        ranks=window.ranks,
        score=window.scores.get("fused", window.hit.score),
        collection=origin.collection if origin is not None else "",
        metadata=origin.metadata if origin is not None else {},
        identity=origin.identity if origin is not None else {},
    )


def _section(sentence: Sentence) -> str:
    return str(sentence.metadata.get("section", ""))


def passage_sentence(part: Sentence) -> PassageSentence:
    """A stored sentence as a sentence of a passage."""
    known = {key: part.metadata[key] for key in _PLACE_KEYS if key in part.metadata}
    return PassageSentence(part.node_id, part.text, start=part.start_char_idx, end=part.end_char_idx, **known)
