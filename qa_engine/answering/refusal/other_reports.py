"""What else an answer could have been made from: the other reports that a question without a year fits as well."""

from __future__ import annotations

from qa_engine.answering.answer import Answer, Nearest
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.types import passage_of

_MAX_NEAREST = 5


def other_reports(answer: Answer, ranked: RankedPassages) -> list[Nearest]:
    """The reports of other periods that hold candidates too, if the question named no year; the newest first.

    Without them, an answer from one of four yearly reports would be a guess that nobody sees.
    """
    sources = ranked.sources
    if answer.refused or ranked.named.years or sources is None:
        return []
    cited = {citation.node_id for citation in answer.citations}
    used = {
        passage.document_id for node in answer.source_nodes if (passage := passage_of(node)).node_id in cited
    }
    others = {one for document in used for one in sources.other_periods(document)} - used
    candidates = {passage.document_id: passage.file_name for passage in map(passage_of, ranked.passages)}
    found = []
    for document in others & candidates.keys():
        identity = sources.identity(document)
        if identity is not None:
            found.append(Nearest(identity.label, "document", identity.period.label, candidates[document]))
    return sorted(found, key=lambda one: (one.value, one.file), reverse=True)[:_MAX_NEAREST]
