"""Asks an engine one question, and measures the result."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from llama_index.core.schema import MetadataMode, NodeWithScore

from qa_engine.answering.answer import Answer
from qa_engine.engine import QueryEngine
from qa_engine.evaluation.metrics.answers import exact_match, f1, unsupported_numbers
from qa_engine.evaluation.metrics.gold import (
    Excerpt,
    citation_precision,
    citation_recall,
    gold_texts,
    in_gold_file,
    is_correct,
    is_gold,
    names_place,
    on_gold_page,
    shares_language,
)
from qa_engine.evaluation.metrics.ranking import BUDGETS, TOP_K, first_true, holds_any, holds_within
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.evaluation.records import (
    CaseFailure,
    CaseResult,
    CitationResult,
    Gold,
    PassageResult,
    StageRanking,
)
from qa_engine.text.citation_marks import CitationMarks
from qa_engine.text.language import is_chinese
from qa_engine.types import TABLES

_logger = logging.getLogger("qa_engine.evaluation")


def run_case(
    engine: QueryEngine, identifier: str, question: LabelledQuestion, retrieval_only: bool = False
) -> tuple[CaseResult, Exception | None]:
    """Asks one question, with ``retrieval_only`` without making an answer, and measures the result.

    Returns:
        The result, and the error if there is no answer.
    """
    gold = gold_of(question)
    try:
        answer = None if retrieval_only else engine.query(question.question)
        stages: dict[str, StageRanking] = {}
        if retrieval_only or names_place(gold):
            explained = engine.explain(question.question, TOP_K, stages=True)
            stages = stage_rankings(explained.stages, gold)
    except Exception as error:  # noqa: BLE001 - a fault with one question must not cost the others
        return _failed_case(identifier, question, gold, error), error
    if isinstance(answer, Answer):
        return _answered_case(identifier, gold, answer, stages), None
    return CaseResult(
        identifier,
        question.question,
        gold,
        passages=[_passage(rank, node, gold) for rank, node in enumerate(explained.nodes, 1)],
        stages=stages,
        timings=explained.timings,
    ), None


def gold_of(question: LabelledQuestion) -> Gold:
    """What a labelled question says about its answer; nothing, if the documents do not answer it."""
    if not question.answerable:
        return Gold(answerable=False)
    return Gold(list(question.answers), True, question.file, question.page, question.evidence)


def stage_rankings(stages: dict[str, list[NodeWithScore]], gold: Gold) -> dict[str, StageRanking]:
    """Where the gold is among the first ten passages of each stage; nothing if it names nothing that could be found."""
    if not names_place(gold):
        return {}
    # Whether the text can be found at all is a fact of the question: stages must not differ in it.
    texts = gold_texts(gold)
    rankings = {stage: [_excerpt(node) for node in nodes] for stage, nodes in stages.items()}
    file_texts = [
        passage.text
        for ranking in rankings.values()
        for passage in ranking
        if in_gold_file(passage.file, gold)
    ]
    verbatim = (
        not file_texts
        or shares_language(file_texts, texts)
        or any(holds_any(text, texts) for text in file_texts)
    )
    searchable_texts = texts if verbatim else []
    return {stage: _ranking(ranking[:TOP_K], gold, searchable_texts) for stage, ranking in rankings.items()}


def _ranking(passages: Sequence[Excerpt], gold: Gold, answers: Sequence[str]) -> StageRanking:
    texts = [passage.text for passage in passages]
    in_file = [in_gold_file(passage.file, gold) for passage in passages]
    return StageRanking(
        rank=first_true([bool(is_gold(passage, gold)) for passage in passages]),
        page_rank=first_true([bool(on_gold_page(passage, gold)) for passage in passages]),
        within={str(budget): holds_within(texts, answers, budget, in_file) for budget in BUDGETS if answers},
    )


def _answered_case(
    identifier: str, gold: Gold, answer: Answer, stages: dict[str, StageRanking]
) -> CaseResult:
    text = answer.said
    citations = [
        CitationResult(
            number=citation.number,
            file=citation.file,
            page=citation.page,
            page_end=citation.page_end,
            text=citation.text,
            holds_answer=holds_any(citation.text, gold.answers) if gold.answers else None,
            correct=is_correct(Excerpt(citation.text, citation.file, citation.page, citation.page_end), gold),
        )
        for citation in answer.citations
    ]
    unsupported = [] if answer.refused else unsupported_numbers(text, list(_sources(answer)))
    return CaseResult(
        id=identifier,
        question=answer.question,
        gold=gold,
        answer=text,
        refused=answer.refused,
        probability=answer.probability,
        citations=citations,
        passages=[_passage(rank, node, gold) for rank, node in enumerate(answer.source_nodes, 1)],
        stages=stages,
        measures=_measures(gold, text, answer.refused, citations, unsupported),
        unsupported_numbers=unsupported,
        timings=answer.timings,
        tokens=_tokens(answer),
    )


def _measures(
    gold: Gold, text: str, refused: bool, citations: Sequence[CitationResult], unsupported: Sequence[str]
) -> dict[str, float]:
    """See `CaseResult.measures`. A refusal of an answerable question is an answer that is wrong."""
    words = "" if refused else _without_citation_marks(text)
    measures = {"refusal_accuracy": float(refused != gold.answerable)}
    if gold.answerable and gold.answers:
        measures["exact_match"] = exact_match(words, gold.answers)
        measures["f1"] = f1(words, gold.answers)
        measures["contains_answer"] = float(holds_any(words, gold.answers))
        measures["evidence_holds_answer"] = float(any(citation.holds_answer for citation in citations))
    if gold.answerable and names_place(gold):
        if (precision := citation_precision(citations)) is not None:
            measures["citation_precision"] = precision
        measures["citation_recall"] = citation_recall(citations)
    if not refused:
        measures["chinese"] = float(is_chinese(words))
        measures["numbers_supported"] = float(not unsupported)
    return measures


def _without_citation_marks(text: str) -> str:
    """The text as if there were no passage to cite: then every mark is dropped."""
    marks = CitationMarks(passages=0)
    return marks.feed(text) + marks.finish()


def _tokens(answer: Answer) -> dict[str, int]:
    usage = answer.usage
    if usage is None:
        return {}
    return {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens, "total": usage.total_tokens}


def _sources(answer: Answer) -> Iterable[str]:
    """The texts that an answer may have its numbers from: the passages it cites, where they are, and the question."""
    yield answer.question
    by_id = {node.node.node_id: node for node in answer.source_nodes}
    for citation in answer.citations:
        yield citation.text
        yield f"{citation.file} {citation.page} {citation.page_end} {citation.page_label}"
        yield citation.section
        if (passage := by_id.get(citation.node_id)) is not None:
            yield _excerpt(passage).text
            yield from passage.node.metadata.get(TABLES, ())


def _passage(rank: int, node: NodeWithScore, gold: Gold) -> PassageResult:
    passage = _excerpt(node)
    texts = gold_texts(gold)
    return PassageResult(
        rank=rank,
        **vars(passage),
        score=node.score,
        holds_answer=in_gold_file(passage.file, gold) and holds_any(passage.text, texts) if texts else None,
        holds_page=on_gold_page(passage, gold),
    )


def _excerpt(node: NodeWithScore) -> Excerpt:
    text, metadata = node.node.get_content(metadata_mode=MetadataMode.NONE), node.node.metadata
    file = str(metadata.get("file_name") or "")
    return Excerpt(str(text), file, metadata.get("page"), metadata.get("page_end"))


def _failed_case(identifier: str, question: LabelledQuestion, gold: Gold, error: Exception) -> CaseResult:
    _logger.info("Question %s failed: %s", identifier, type(error).__name__)
    message = str(error).strip() or "no reason given"
    return CaseResult(identifier, question.question, gold, failure=CaseFailure(type(error).__name__, message))
