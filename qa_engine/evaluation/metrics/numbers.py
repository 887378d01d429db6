"""Numbers of an answer that are in none of the passages it cites: the plainest sign of an invention."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.checks.grounding import unsupported

_QUOTATION_MARKS = str.maketrans(dict.fromkeys("《》〈〉“”「」『』", " "))
_NUMBER = re.compile(r"[0-9\u3007\u4e00-\u9fff]")


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
