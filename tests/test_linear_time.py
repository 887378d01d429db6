"""Texts from outside (questions, replies of models, lines of pages) are read in time that grows with their length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
from growth import assert_grows_linearly
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.checks.grounding import unsupported
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.answering.checks.refusals import is_refusal, looks_like_refusal
from qa_engine.answering.llm.context_budget import estimate_tokens
from qa_engine.answering.llm.normalise import normalise
from qa_engine.answering.llm.prompt import neutralise_question
from qa_engine.conversation.condense import read_standalone
from qa_engine.conversation.recall import recalled
from qa_engine.conversation.rule_condenser import lacks_subject, points_back, resolve, stands_alone
from qa_engine.conversation.topics import topic_of
from qa_engine.conversation.turns import Turn
from qa_engine.documents.files import path_text, text_path
from qa_engine.documents.pages.block_roles import title
from qa_engine.documents.pages.garbling import examine_text
from qa_engine.documents.pages.lines.joining import line_end, word_counts
from qa_engine.documents.sentences.splitting import split_sentences
from qa_engine.errors import QAEngineError
from qa_engine.evaluation.judges.replies import PREFERENCE, SCORE, VERDICT
from qa_engine.evaluation.metrics.answers import exact_match, f1, unsupported_numbers
from qa_engine.evaluation.metrics.ranking import squash
from qa_engine.evaluation.questions.llm_generator import read_pair
from qa_engine.evaluation.reports.template_engine import cell, marked
from qa_engine.index.files.metadata import as_number, checked_metadata
from qa_engine.models.auxiliary_call import UnusableReplyError
from qa_engine.models.remote.service_errors import _shorten
from qa_engine.retrieval.expansion.expander import read_reply
from qa_engine.retrieval.filters.expressions import parse_filters
from qa_engine.text.citation_marks import CitationMarks, is_marks_alone
from qa_engine.text.number_terms import number_terms
from qa_engine.text.one_line import first_line, one_line
from qa_engine.text.prompt_sanitizer import neutralise
from qa_engine.text.reply_wrappers import json_in_reply, without_wrappers
from qa_engine.text.tokenizer import tokenize

CHARS = 16_000
PASSAGES = [NodeWithScore(node=TextNode(text="西湖的面积是6.39平方千米，2023年。"))]
READERS: dict[str, Callable[[str], object]] = {
    "answer": lambda text: normalise(text, 3),
    "refusal": lambda text: (is_refusal(text), looks_like_refusal(text)),
    "language": is_chinese_answer,
    "claims": lambda text: unsupported(text, "西湖", PASSAGES),
    "evidence": lambda text: unsupported("面积是7平方千米", text, PASSAGES),
    "tokens": estimate_tokens,
    "prompt": lambda text: (neutralise_question(text), neutralise(text)),
    "citations": lambda text: CitationMarks(3).feed(text),
    "marks": lambda text: (
        is_marks_alone(text),
        is_marks_alone(text.replace("a", "[1]")),
        normalise(f"[1]{text}", 1),
    ),
    "numbers": lambda text: list(number_terms(text)),
    "lines": lambda text: (one_line(text, 50), first_line(text), cell(text)),
    "wrappers": lambda text: (without_wrappers(text), json_in_reply(text)),
    "terms": tokenize,
    "topic": topic_of,
    "follow-up": lambda text: (points_back(text), lacks_subject(text), stands_alone(text, "西湖")),
    "resolved": lambda text: (resolve(text, "西湖在哪个城市？"), resolve(text, "How long is the lake?")),
    "resolved after": lambda text: (resolve("它的面积呢？", text), resolve("what about 13B?", text)),
    "recalled": lambda text: recalled(text, [Turn("西湖", "西湖", "湖", refused=False)]),
    "standalone": lambda text: read_standalone(text, "西湖", 10**6),
    "verdicts": lambda text: (SCORE.read(text), VERDICT.read(text), PREFERENCE.read(text)),
    "pair": read_pair,
    "metrics": lambda text: (f1(text, ["西湖的面积"]), f1(text, [text]), exact_match(text, ["a"])),
    "inventions": lambda text: unsupported_numbers(text, ["西湖2023"]),
    "marked": lambda text: (marked(text, ["西湖", text[:5]]), squash(text)),
    "filter": lambda text: parse_filters([text]),
    "filter value": lambda text: parse_filters([f"page={text}"]),
    "expansion": lambda text: read_reply(text, "西湖", True, 5),
    "paths": lambda text: (text_path(text), path_text(text)),
    "sentences": split_sentences,
    "garbling": examine_text,
    "line ends": lambda text: (line_end(text, "next", Counter()), line_end("pre-", text, Counter())),
    "words": lambda text: word_counts([text]),
    "title": title,
    "error": _shorten,
    "metadata": lambda text: (checked_metadata({"k": text}), as_number(text)),
}
PIECES = ["。", " ", "1", "1,", "a", "a-", "a.", "二", "吗", "<", "“", "(", "www.a", "？ ", "\\x41", "每年"]
FRAMES = [("", "x"), ("抱歉，我无法回答", ""), ("the ", "!"), ("结论：", "")]


@pytest.mark.parametrize("reader", READERS)
def test_time_grows_with_the_length(reader: str) -> None:
    def read(text: str) -> None:
        # What cannot be used may be refused: that takes its time, too.
        with suppress(QAEngineError, UnusableReplyError):
            READERS[reader](text)

    read("西湖 lake 12.")
    for number, piece in enumerate(PIECES):
        begin, end = FRAMES[number % len(FRAMES)]
        for frame in {("", "x"), (begin, end)}:
            text = piece * (CHARS // len(piece))
            assert_grows_linearly(lambda part, frame=frame: read(f"{frame[0]}{part}{frame[1]}"), text)


@pytest.mark.parametrize(
    ("previous", "subject"), [("\\1塔在哪里？", "\\1塔"), (r"C:\x41的面积是多少？", r"C:\x41")]
)
def test_backslash_in_a_subject_is_no_command(previous: str, subject: str) -> None:
    assert resolve("它多高？", previous).startswith(subject)
