"""Makes an `Answer` with citations, or the refusal, out of the text of a synthesizer."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.schema import NodeWithScore

from qa_engine.answering.answer import REFUSAL, Answer, Box, Citation
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.documents.blocks import Span
from qa_engine.documents.sentences.node_parser import lines_between
from qa_engine.text.citation_marks import CITATION
from qa_engine.types import Passage, PassageSentence, passage_of


def citation_boxes(citation: Citation, passage: NodeWithScore, spans: Sequence[Span]) -> list[Box]:
    """The rectangles of the cited sentences: lines, or parts of lines.

    Args:
        citation: cites the whole passage, a sentence of it, or several that follow one another.
        passage: the cited passage.
        spans: the places of the lines of its document.
    """
    boxes = {}
    for sentence in _cited(citation, passage_of(passage)):
        if sentence.start is not None and sentence.end is not None:
            for line in lines_between(spans, sentence.start, sentence.end):
                boxes[line.start] = Box(line.page, line.x0, line.y0, line.x1, line.y1)
    return list(boxes.values())


def build_citations(text: str, nodes: Sequence[NodeWithScore]) -> list[Citation]:
    """The passages that a normalised answer refers to, each once, by ascending number, without boxes.

    Args:
        text: the answer, with ``[n]`` for the n-th passage.
        nodes: the passages that were numbered, from 1.
    """
    numbers = sorted({int(number) for number in CITATION.findall(text)})
    return [
        passage_citation(number, passage_of(nodes[number - 1])) for number in numbers if number <= len(nodes)
    ]


def passage_citation(number: int, passage: Passage) -> Citation:
    """The citation of a whole passage, without boxes. One without a page gets page 0."""
    page = passage.page or 0
    return Citation(
        number=number,
        file=passage.file_name,
        page=page,
        page_end=passage.page_end or page,
        text=passage.text,
        score=passage.score,
        node_id=passage.node_id,
        section=passage.section,
        page_label=passage.page_label,
        id=passage.node_id,
        collection=passage.collection,
        identity=dict(passage.identity),
    )


def refusal(question: str, nodes: Sequence[NodeWithScore] = ()) -> Answer:
    """The answer that says that the passages, which are its ``source_nodes``, do not hold one."""
    return build_answer(question, None, nodes)


def build_answer(
    question: str, text: str | None, sources: Sequence[NodeWithScore], citations: Sequence[Citation] = ()
) -> Answer:
    """An `Answer` from a normalised text.

    Args:
        question: the question as it was asked.
        text: the answer; None for the refusal.
        sources: all passages that the synthesizer got, best first.
        citations: the passages that the text refers to.
    """
    return Answer(
        response=REFUSAL if text is None else text,
        source_nodes=list(sources),
        metadata={source.node.node_id: source.node.metadata for source in sources},
        question=question,
        refused=text is None,
        citations=list(citations),
    )


def as_answer(response: RESPONSE_TYPE, question: str, nodes: Sequence[NodeWithScore]) -> Answer:
    """The response of any LlamaIndex synthesizer as an `Answer`.

    Args:
        response: the result of the synthesizer. ``[n]`` in its text is read as a citation of the n-th passage.
        question: the question as it was asked.
        nodes: the passages that the synthesizer got, best first; without any, the answer is the refusal.
    """
    if isinstance(response, Answer):
        return response
    text = str(response).strip()
    if not nodes or text in ("", REFUSAL):
        return refusal(question, nodes)
    answer = build_answer(question, text, nodes, build_citations(text, nodes))
    answer.unverified = not answer.citations
    answer.foreign = not is_chinese_answer(text)
    return answer


def _cited(citation: Citation, passage: Passage) -> Sequence[PassageSentence]:
    """The sentences of a passage that a citation cites."""
    sentences = passage.surroundings or passage.sentences
    ids = [sentence.node_id for sentence in sentences]
    first, _, last = citation.id.partition("..")
    if citation.id == passage.node_id or first not in ids:
        # A passage that was too long for the prompt is cited without the sentences that were left out.
        return [sentence for sentence in passage.sentences if sentence.text in citation.text]
    start = ids.index(first)
    # The id of a range names the last sentence by its number alone.
    end = next((i for i in range(start, len(ids)) if last and ids[i].endswith(f"-{int(last):07}")), start)
    return sentences[start : end + 1]
