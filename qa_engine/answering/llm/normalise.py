"""Brings what a language model wrote into the documented form: an answer with ``[1][2]``, or the refusal.

Rules, in the order in which they apply:

- Reasoning at the start goes: ``<think>…</think>``, closed or not, or all before a line ``</think>``.
- A code fence that opens the answer goes, with its closing fence; fences further down are content.
- A citation is one bracket of ``[] 【】 ［］ ⟦⟧`` with numbers of one to three digits, as list or range,
  after a label (资料, 来源, source, ^) or none, before † or not. It becomes ``[1][2]``. Blanks and list
  commas between neighbouring citations go, and so do numbers that no passage has, with the brackets,
  parentheses and blanks that are empty then.
- Not a citation, and kept as it stands: a number of four digits or with a leading zero ([2020], [007]), and
  a list with 0 ([0, 1] is an interval, x[0] an index). ``x[1]`` reads as a citation: models write 70B[1].
- A refusal in other words becomes exactly the refusal; `qa_engine.answering.checks.refusals` says what one is. An
  answer that cites, or runs on for `HEAD_CHARS`, before anything looks like a refusal is never one.
- Nothing left is the refusal.

Text is a stream of pieces here; a whole text is a stream of one, so that both have one set of rules.
"""

from __future__ import annotations

import re

from qa_engine.answering.answer import REFUSAL
from qa_engine.answering.checks.refusals import is_refusal, looks_like_refusal
from qa_engine.errors import ConfigurationError
from qa_engine.text.citation_marks import CITATION, CitationMarks, is_marks_alone
from qa_engine.text.reply_wrappers import Fence, Reasoning

HEAD_CHARS = 300
"""A stream shows nothing before its first sentence with a citation, or this many characters, are there."""


def normalise(text: str, passages: int) -> tuple[str, bool]:
    """A model's text in the documented form, and whether it is the refusal.

    Args:
        text: as the model wrote it.
        passages: how many passages it could cite, numbered from 1.

    Example:
        >>> normalise("共有三种规模【1】［2,9］。", passages=2)
        ('共有三种规模[1][2]。', False)
        >>> normalise("抱歉，根据已知信息无法回答。", passages=2)
        ('我无法回答您的问题', True)
    """
    stream = StreamNormaliser(passages)
    # The last line has to be complete for what ends it to be judged before anything counts as shown.
    stream.feed(text + "\n")
    _, whole, refused = stream.finish()
    return whole, refused


class StreamNormaliser:
    """`normalise` for text that arrives in pieces: holds back what may still change.

    Args:
        passages: how many passages the text can cite, numbered from 1.
        takes_back: whether what was shown may be taken back, if it turns out to have been reasoning; see ``taken_back``.

    Attributes:
        taken_back: set when all that was shown before the last piece is taken back. Whoever shows the pieces resets it.

    Example:
        >>> stream = StreamNormaliser(passages=2)
        >>> stream.feed("有三种规模【"), stream.feed("1】。其次")
        ('', '有三种规模[1]。其次')
        >>> stream.finish()
        ('', '有三种规模[1]。其次', False)
    """

    def __init__(self, passages: int, takes_back: bool = False) -> None:
        self._passages, self._takes_back = passages, takes_back
        self.taken_back = False
        self._shown = ""
        self._reasoning = Reasoning()
        self._restart()

    def feed(self, chunk: str) -> str:
        """The text that may be shown now.

        Raises:
            ConfigurationError: what was shown turns out to have been reasoning that had no opening mark, and it cannot be
                taken back.
        """
        ready, restarted = self._reasoning.feed(chunk)
        if restarted:
            self._restart()
        return self._show(self._gate.feed(self._citations.feed(self._fence.feed(ready))))

    def finish(self) -> tuple[str, str, bool]:
        """The rest to show, the whole normalised text, and whether it is the refusal.

        What was shown and the rest, joined, are always the whole text, without what was taken back.

        Raises:
            ConfigurationError: as `feed`.
        """
        ready, restarted = self._reasoning.finish()
        if restarted:
            self._restart()
        ready = self._fence.feed(ready) + self._fence.finish()
        held = self._gate.feed(self._citations.feed(ready) + self._citations.finish())
        rest, refused = self._gate.finish()
        rest = self._show(held + rest)
        return rest, self._shown, refused

    def _restart(self) -> None:
        """Forget the text so far: it was reasoning."""
        if self._shown and not self._takes_back:
            raise ConfigurationError(
                "The language model sends its reasoning as part of the answer, ended by </think> but not "
                "opened by <think>: switch on the reasoning parser of its server, or ask without streaming."
            )
        self.taken_back = self.taken_back or bool(self._shown)
        self._shown = ""
        self._fence, self._citations, self._gate = Fence(), CitationMarks(self._passages), _Gate()

    def _show(self, text: str) -> str:
        self._shown += text
        return text


class _Gate:
    """Strips the ends, and holds an answer back until it is sure not to be a refusal."""

    _SENTENCE_END = re.compile(r"[。！？!?\n]|\.\s")

    def __init__(self) -> None:
        self._held, self._tail = "", ""
        self._begun, self._open, self._refusing = False, False, False

    def feed(self, text: str) -> str:
        text = self._tail + text
        if not self._begun:
            text = text.lstrip()
        kept = text.rstrip()
        self._tail = text[len(kept) :]
        self._begun = self._begun or bool(kept)
        if self._open:
            return kept
        self._held += kept
        if self._refusing:
            return ""
        head = self._head()
        if head is None or is_marks_alone(head):
            return ""
        if looks_like_refusal(head):
            self._refusing = True
            return ""
        self._open = True
        return self._take()

    def finish(self) -> tuple[str, bool]:
        if self._open:
            return "", False
        if not self._held or (looks_like_refusal(self._held) and is_refusal(self._held)):
            return REFUSAL, True
        return self._take(), False

    def _take(self) -> str:
        ready, self._held = self._held, ""
        return ready

    def _head(self) -> str | None:
        """The beginning that decides, or None while it is not complete."""
        limit = HEAD_CHARS if len(self._held) >= HEAD_CHARS else None
        if cited := CITATION.search(self._held):
            before = self._held[: cited.start()].rstrip()
            end = (
                cited
                if before and before[-1] in "。！？!?."
                else self._SENTENCE_END.search(self._held, cited.end())
            )
            while end is not None and end.end() < HEAD_CHARS and is_marks_alone(self._held[: end.end()]):
                end = self._SENTENCE_END.search(self._held, end.end())
            if end is not None and (limit is None or end.end() < limit):
                return self._held[: end.end()]
        return self._held[:limit] if limit else None
