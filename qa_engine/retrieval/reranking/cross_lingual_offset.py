"""Makes scores of the local model comparable between languages.

multilingual-e5-small places texts of one language close together: to a Chinese question an unrelated Chinese
sentence scores like a related English one, and English evidence never surfaces in a collection of both. The shifts
are the differences of the mean scores of unrelated texts, so they need no labels. They were measured with 100 questions
against 800 Chinese sentences of encyclopaedia articles and 800 English ones of articles and papers.
"""

from __future__ import annotations

from collections.abc import Mapping

from qa_engine.text.language import is_chinese

DENSE = {True: 0.07, False: 0.05}
"""Shift of the cosine of a text in the other language, by whether the question is Chinese (measured .073 and .053)."""
INTERACTION = {True: 0.06, False: 0.045}
"""Shift of its late-interaction score (.058; .022 over all texts and .069 over the best five)."""


def language_shift(question: str, text: str, shifts: Mapping[bool, float]) -> float:
    """The number to add to a score of a question and a text, of `DENSE` or `INTERACTION`.

    It is 0 if both are Chinese, or neither is.
    """
    chinese = is_chinese(question)
    return 0.0 if chinese == is_chinese(text) else shifts[chinese]
