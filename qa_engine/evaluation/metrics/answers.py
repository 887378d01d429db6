"""Exact match and F1 of Chinese answers, and their numbers that no source holds: the plainest sign of an invention.

Exact match and F1 are those of the evaluation of CMRC 2018 (Cui et al., EMNLP-IJCNLP 2019). Texts are segmented in a
mixed way: each Han character is a unit, a run of anything else is split into words. Punctuation is removed. F1 is that of
the longest common run of units, not of a bag of words, so that word order counts. Two things differ from the script of CMRC
2018: width does not count (NFKC), and runs are split at blanks, which needs no data of NLTK.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.checks.grounding import unsupported

_PUNCTUATION = re.compile(
    r"[-:_*^/\\\\~`+=，。：？！“”；’‘《》…·、「」（）－～『』【】〔〕〈〉—–]|(?<![0-9])[.,]|[.,](?![0-9])|[?!;'\"()\[\]{}<>|]"
)
_UNIT = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\s\u3400-\u9fff\uf900-\ufaff]+")
_QUOTATION_MARKS = str.maketrans(dict.fromkeys("《》〈〉“”「」『』", " "))
_NUMBER = re.compile(r"[0-9\u3007\u4e00-\u9fff]")


def mixed_segmentation(text: str) -> list[str]:
    """The units of a text, lower case and without punctuation.

    Example:
        >>> mixed_segmentation("塔高71.679米，位于 West Lake。")
        ['塔', '高', '71.679', '米', '位', '于', 'west', 'lake']
    """
    return _UNIT.findall(_PUNCTUATION.sub("", unicodedata.normalize("NFKC", text).lower()))


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1 if the answer is one of the gold answers, punctuation and blanks aside, else 0."""
    units = "".join(mixed_segmentation(answer))
    return float(any("".join(mixed_segmentation(gold)) == units for gold in golds))


def f1(answer: str, golds: Sequence[str]) -> float:
    """The best F1, 0 to 1, of the answer with one of the gold answers; 0 without any."""
    units = mixed_segmentation(answer)
    return max((_f1(units, mixed_segmentation(gold)) for gold in golds), default=0.0)


def _f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    common = longest_common_run(answer, gold)
    # 2PR / (P + R) with P = common / len(answer) and R = common / len(gold)
    return 2 * common / (len(answer) + len(gold)) if common else 0.0


def longest_common_run(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest run of units that two sequences share, in linear time whatever repeats in them.

    The second sequence becomes a suffix automaton, which the first is read with: for each state the longest run that leads
    to it, the state of the longest suffix that other runs share, and the states that further units lead to.
    """
    lengths, links, following = [0], [-1], list[dict[str, int]]([{}])
    last = 0
    for unit in second:
        state, at = len(lengths), last
        lengths.append(lengths[last] + 1)
        links.append(0)
        following.append({})
        while at >= 0 and unit not in following[at]:
            following[at][unit] = state
            at = links[at]
        if at >= 0:
            target = following[at][unit]
            if lengths[target] != lengths[at] + 1:
                lengths.append(lengths[at] + 1)
                links.append(links[target])
                following.append(dict(following[target]))
                links[target] = copy = len(lengths) - 1
                while at >= 0 and following[at].get(unit) == target:
                    following[at][unit] = copy
                    at = links[at]
                target = copy
            links[state] = target
        last = state
    longest = state = size = 0
    for unit in first:
        while state and unit not in following[state]:
            state = links[state]
            size = lengths[state]
        if unit in following[state]:
            state, size = following[state][unit], size + 1
        longest = max(longest, size)
    return longest


def unsupported_numbers(answer: str, sources: Sequence[str]) -> list[str]:
    """The numbers and dates of an answer that no source holds, as they are written, each once.

    The check is that of the engine (`qa_engine.answering.checks.grounding`), without its names: 1,200 is 1200, 700亿 is
    70 billion, 十二天 is 12天, 3月 is March. Citation marks and the numbers of lists are ignored.

    Args:
        answer: its text.
        sources: texts that may hold the numbers: the cited passages, their file names and the question.

    Example:
        >>> unsupported_numbers("共有70B参数，发布于2023年[1]。", ["Llama 2 has 70 billion parameters."])
        ['2023']
    """
    # Without quotation marks no Chinese name is looked for; Latin names begin with a letter.
    text = answer.translate(_QUOTATION_MARKS)
    nodes = [NodeWithScore(node=TextNode(text=source)) for source in sources]
    return [claim for claim in unsupported(text, "", nodes) if _NUMBER.match(claim)]
