"""Fits passages into the context window of a language model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from qa_engine.answering.llm.prompt import format_passages
from qa_engine.documents.sentences.splitting import split_sentences
from qa_engine.types import TABLES, passage_of

_LATIN = re.compile(r"[A-Za-z ]")
_ASTRAL = re.compile(r"[\U00010000-\U0010ffff]")

_TOKENS_PER_LATIN, _TOKENS_PER_ASTRAL = 0.3, 3.0
_MARGIN = 1.1
_TOKENS_PER_MESSAGES = 16
"""Tokens that chat templates put around two messages."""


def estimate_tokens(text: str) -> int:
    """The estimated tokens of a text, rather too many than too few: 1 a Han character, digit or sign, 0.3 a Latin letter.

    It uses no tokenizer, because the model behind a base URL may have any.
    """
    latin, astral = len(_LATIN.findall(text)), len(_ASTRAL.findall(text))
    tokens = len(text) - latin - astral + _TOKENS_PER_LATIN * latin + _TOKENS_PER_ASTRAL * astral
    return ceil(tokens * _MARGIN)


def fit_passages(
    nodes: Sequence[NodeWithScore], prompt_without_passages: str, context_window: int, max_tokens: int
) -> list[NodeWithScore]:
    """The longest run of passages from the best on that leaves room for prompt and answer; at least one.

    The last passage may be shortened to whole sentences around the one that retrieval found, if that one fits: first it
    loses its tables, then the sentences farthest from that sentence, which the first passage always keeps.

    Args:
        nodes: passages, best first.
        prompt_without_passages: the rest of the prompt.
        context_window: greatest number of tokens of prompt and answer together.
        max_tokens: number of tokens to keep free for the answer.
    """
    budget = context_window - max_tokens - _TOKENS_PER_MESSAGES - estimate_tokens(prompt_without_passages)
    kept: list[NodeWithScore] = []
    for node in nodes:
        cost = _cost(node)
        if cost > budget:
            shortened = _shortened(node, budget)
            if not kept or _cost(shortened) <= budget:
                kept.append(shortened)
            break
        kept.append(node)
        budget -= cost
    return kept


def _cost(node: NodeWithScore) -> int:
    return estimate_tokens(format_passages([node])) + 1


def _shortened(passage: NodeWithScore, budget: int) -> NodeWithScore:
    """The passage without tables, with as many sentences around the one that was found as fit, or with that one alone."""
    text = passage.node.get_content(metadata_mode=MetadataMode.NONE)
    bare = _with_text(passage, text) if TABLES in passage.node.metadata else passage
    sentences = split_sentences(text)
    if len(sentences) < 2 or _cost(bare) <= budget:
        return bare
    ends = [sentence.end for sentence in sentences]
    sizes = [estimate_tokens(text[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
    hit = max(0, text.find(passage_of(passage).sentence or text))
    first = max((i for i, sentence in enumerate(sentences) if sentence.start <= hit), default=0)
    last = first
    left = budget - _cost(_with_text(passage, "")) - sizes[first]
    grown = True
    while grown:
        grown = False
        # The sentences after it explain more often than those before it.
        if last + 1 < len(sizes) and sizes[last + 1] <= left:
            last, left, grown = last + 1, left - sizes[last + 1], True
        if first > 0 and sizes[first - 1] <= left:
            first, left, grown = first - 1, left - sizes[first - 1], True
    return _with_text(passage, text[sentences[first].start : ends[last]])


def _with_text(passage: NodeWithScore, text: str) -> NodeWithScore:
    metadata = {key: value for key, value in passage.node.metadata.items() if key != TABLES}
    node = TextNode(id_=passage.node.node_id, text=text, metadata=metadata)
    return NodeWithScore(node=node, score=passage.score)
