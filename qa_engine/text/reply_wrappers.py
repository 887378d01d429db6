"""Takes off what a model puts around its reply: reasoning, a code fence, words around JSON. Piece by piece, or at once."""

from __future__ import annotations

import json
import re
from typing import Any


def without_wrappers(reply: str) -> str:
    """A reply without its reasoning and without a code fence around it.

    Example:
        >>> without_wrappers("<think>easy</think>\\n```\\nyes\\n```")
        'yes'
    """
    reasoning, fence = Reasoning(), Fence()
    text, _ = reasoning.feed(reply)
    rest, only_reasoning = reasoning.finish()
    shown = rest if only_reasoning else text + rest
    return (fence.feed(shown) + fence.finish()).strip()


def json_in_reply(text: str) -> dict[str, Any] | None:
    """The JSON object in a reply, whatever words are around it; None if there is none.

    Example:
        >>> json_in_reply('Here it is: {"a": 1}. Anything else?')
        {'a': 1}
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        content = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


class Reasoning:
    """Drops the reasoning at the start of a reply that arrives in pieces."""

    _OPEN = re.compile(r"<think(?:ing)?>", re.I)
    _MAYBE_OPEN = re.compile(r"(?:<[a-z]{0,8})?\Z", re.I)
    _CLOSE = re.compile(r"</think(?:ing)?>", re.I)
    _ORPHAN = re.compile(r"\n[ \t]{0,8}</think(?:ing)?>[ \t]{0,8}(?:\n|\Z)", re.I)
    _MAYBE_ORPHAN = re.compile(r"\n[ \t]{0,8}(?:<(?:/[a-z]{0,8}(?:>[ \t]{0,8})?)?)?\Z", re.I)

    def __init__(self) -> None:
        self._buffer = ""
        self._at_start, self._inside, self._at_line_start = True, False, True

    def feed(self, chunk: str) -> tuple[str, bool]:
        """Takes a piece of the reply.

        Returns:
            The text outside of the reasoning that is settled now, and whether all text returned before was reasoning too.
        """
        self._buffer += chunk
        out, restarted = "", False
        while self._buffer:
            if self._at_start:
                self._buffer = self._buffer.lstrip()
            if self._inside:
                end = self._CLOSE.search(self._buffer)
                if not end:
                    self._buffer = self._buffer[-len("</thinking>") :]
                    break
                self._buffer, self._inside = self._buffer[end.end() :], False
            elif self._at_start and (start := self._OPEN.match(self._buffer)):
                self._buffer, self._inside = self._buffer[start.end() :], True
            elif self._at_start and self._MAYBE_OPEN.match(self._buffer):
                break
            else:
                text, dropped = self._visible()
                out, restarted = ("" if dropped else out) + text, restarted or dropped
                if not dropped:
                    break
        return out, restarted

    def _visible(self) -> tuple[str, bool]:
        # A newline stands for the start of the line that was cut off with the last piece.
        lead = "\n" if self._at_line_start else ""
        self._at_line_start, self._at_start = False, False
        text = lead + self._buffer
        hold = self._MAYBE_ORPHAN.search(text)
        orphan = self._ORPHAN.search(text)
        if orphan and not (hold and hold.start() <= orphan.start()):
            self._buffer = text[orphan.end() :]
            self._at_start = True
            return "", True
        keep = hold.start() if hold else len(text)
        self._buffer = text[keep:]
        return text[len(lead) : keep], False

    def finish(self) -> tuple[str, bool]:
        """The rest, as `feed` returns it."""
        orphan = None if self._inside else self._ORPHAN.fullmatch(self._buffer)
        return ("" if self._inside or orphan else self._buffer), orphan is not None


class Fence:
    """Drops a code fence around the beginning of a reply that arrives in pieces."""

    _OPEN = re.compile(r"```[\w+-]{0,20}[ \t]{0,8}\n")
    _MAYBE_OPEN = re.compile(r"(?:`{0,3}|```[\w+-]{0,20}[ \t]{0,8})\Z")
    _CLOSE = re.compile(r"```[ \t]{0,8}(?:\n|\Z)")
    _MAYBE_CLOSE = re.compile(r"`+[ \t]{0,8}\Z")

    def __init__(self) -> None:
        self._buffer, self._state = "", "start"

    def feed(self, chunk: str) -> str:
        """The text that is settled."""
        self._buffer += chunk
        if self._state == "start":
            self._buffer = self._buffer.lstrip()
            if opened := self._OPEN.match(self._buffer):
                self._buffer, self._state = self._buffer[opened.end() :], "open"
            elif self._MAYBE_OPEN.match(self._buffer):
                return ""
            else:
                self._state = "done"
        if self._state == "open":
            maybe = self._MAYBE_CLOSE.search(self._buffer)
            closed = self._CLOSE.search(self._buffer)
            if closed and not (maybe and maybe.start() <= closed.start()):
                self._buffer = self._buffer[: closed.start()] + self._buffer[closed.end() :]
                self._state = "done"
            else:
                keep = maybe.start() if maybe else len(self._buffer)
                ready, self._buffer = self._buffer[:keep], self._buffer[keep:]
                return ready
        ready, self._buffer = self._buffer, ""
        return ready

    def finish(self) -> str:
        """The rest."""
        if self._state == "start" and "```" in self._buffer:
            return ""
        return self._CLOSE.sub("", self._buffer, count=1) if self._state == "open" else self._buffer
