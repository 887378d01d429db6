"""What a judge said, without its thinking and its markup: fields that it filled in, and prose."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MAX_CHARS = 12_000
_MAX_OBJECTS = 40
_MAX_DEPTH = 6

# gpt-oss names its channels; the last one is what it says.
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)\s*<\|message\|>")
_THINKING = r"think(?:ing)?|thought|reasoning|reflection|analysis|scratchpad|seed:think|思考"
_THOUGHT = re.compile(
    rf"<({_THINKING})>.*?</\1>|◁think▷.*?◁/think▷|<\|begin_of_thought\|>.*?<\|end_of_thought\|>", re.S | re.I
)
_THOUGHT_END = re.compile(rf"</(?:{_THINKING})>|◁/think▷|<\|end_of_thought\|>", re.I)
_THOUGHT_BEGIN = re.compile(rf"<(?:{_THINKING})>|◁think▷|<\|begin_of_thought\|>", re.I)
_SPECIAL_TOKEN = re.compile(r"<\|[^<>|\n]{1,40}\|>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>", re.I)
_MARKUP = re.compile(r"```[\w-]*|[*`#$]|~~|^[ \t]*>+|\\\(|\\\)", re.M)

_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\(?:text|mathrm|textbf)\s*\{)?([^{}\n]{0,60})\}{1,2}")
_DOUBLE_BRACKETS = re.compile(r"\[\[\s*([^\[\]\n]{1,30}?)\s*\]\]")
_TAGGED = re.compile(r"<([A-Za-z_][\w-]{1,30}|[一-鿿]{1,8})>\s*([^<>]{1,200}?)\s*</\1>")
_TAG = re.compile(r"</?[A-Za-z][\w:-]{0,30}(?:\s[^<>]{0,60})?/?>")

_OPENING = re.compile(r"\{|\[(?=\s*\{)")
_DECODER = json.JSONDecoder(strict=False)
_SINGLE_QUOTED = re.compile(r"(?<=[{,:\[\s])'((?:[^'\\\n]|\\.)*)'(?=\s*[,:}\]])")
_PYTHON_WORD = re.compile(r"(?<=[:\s,\[])(True|False|None)(?=\s*[,}\]])")
_JSON_WORDS = {"True": "true", "False": "false", "None": "null"}
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")


@dataclass(frozen=True)
class Field:
    """A value under a name: of a JSON object, of a tag, or in ``\\boxed{}`` and ``[[ ]]``, where the name is empty.

    Attributes:
        name: in lower case, blanks and hyphens as underscores.
        value: a scalar.
        position: in the prose, where it stood.
        listed: whether it is one of several in an array.
    """

    name: str
    value: Any
    position: int
    listed: bool = False


@dataclass(frozen=True)
class ReplyText:
    """A reply, taken apart.

    Attributes:
        prose: what is not in fields, in half-width characters.
        fields: in order.
        said: the reply without its thinking, as it was written.
        still_thinking: whether it broke off before anything was said.
    """

    prose: str
    fields: tuple[Field, ...]
    said: str
    still_thinking: bool = False


def take_apart(reply: str) -> ReplyText:
    """The fields and the prose of a reply; of a very long one, its beginning and its end."""
    said, still_thinking = _without_thinking(reply)
    if len(said) > _MAX_CHARS:
        said = said[: _MAX_CHARS // 2] + "\n" + said[-_MAX_CHARS // 2 :]
    text = unicodedata.normalize("NFKC", said).replace("\u200b", "").replace("\ufeff", "")
    text = _MARKUP.sub("", text.replace("\r", "\n"))
    fields: list[Field] = []
    for start, end, content in _objects(text):
        fields += _flattened(content, start)
        text = _blanked(text, start, end)
    for pattern in (_BOXED, _DOUBLE_BRACKETS):
        for found in pattern.finditer(text):
            fields.append(Field("", found[1].strip(), found.start()))
        text = pattern.sub(lambda found: "\n" * len(found[0]), text)
    for found in _TAGGED.finditer(text):
        fields.append(Field(_name(found[1]), found[2], found.start()))
    text = _TAG.sub(lambda found: "\n" * len(found[0]), text)
    return ReplyText(
        text, tuple(sorted(fields, key=lambda item: item.position)), said.strip(), still_thinking
    )


def _without_thinking(reply: str) -> tuple[str, bool]:
    channels = list(_CHANNEL.finditer(reply))
    if channels:
        last = channels[-1]
        if last[1] != "final":
            return "", True
        reply = reply[last.end() :]
    if _THOUGHT_END.search(reply):
        reply = _THOUGHT.sub("\n", reply)
    ends = list(_THOUGHT_END.finditer(reply))
    if ends:  # chat templates may have opened it
        reply = reply[ends[-1].end() :]
    begun = _THOUGHT_BEGIN.search(reply)
    if begun:
        before = reply[: begun.start()]
        return before, not before.strip()
    return _SPECIAL_TOKEN.sub("\n", reply), False


def _objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """The outermost JSON objects and arrays of objects: where they begin and end, and what they hold."""
    position = tried = 0
    while tried < _MAX_OBJECTS and (opening := _OPENING.search(text, position)):
        tried += 1
        start = opening.start()
        end = _closing(text, start)
        for candidate, stop in ((text[start:], None), (_repaired(text[start:end]), end)):
            try:
                content, used = _DECODER.raw_decode(candidate)
            except (ValueError, RecursionError):
                continue
            position = stop or start + used
            yield start, position, content
            break
        else:
            position = start + 1


def _closing(text: str, start: int) -> int:
    """Behind the bracket that closes the one at ``start``; quotes are not looked at."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] in "{[":
            depth += 1
        elif text[place] in "}]":
            depth -= 1
            if depth == 0:
                return place + 1
    return len(text)


def _repaired(text: str) -> str:
    """JSON as models get it wrong: curly or single quotes, Python's words, a comma too many."""
    text = re.sub(r"[“”]", '"', text)
    text = _SINGLE_QUOTED.sub(
        lambda found: json.dumps(found[1].replace("\\'", "'"), ensure_ascii=False), text
    )
    text = _PYTHON_WORD.sub(lambda found: _JSON_WORDS[found[1]], text)
    return _TRAILING_COMMA.sub("", text)


def _flattened(content: Any, position: int, listed: bool = False, depth: int = 0) -> Iterator[Field]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(content, list):
        for item in content:
            yield from _flattened(item, position, listed or len(content) > 1, depth + 1)
    elif isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, dict | list):
                yield from _flattened(value, position, listed, depth + 1)
            else:
                yield Field(_name(str(name)), value, position, listed)


def _name(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + "\n" * (end - start) + text[end:]
