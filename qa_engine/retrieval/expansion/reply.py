"""Reads what a language model replied when it was asked to expand a question. Lenient: models add and leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qa_engine.text.language import is_chinese
from qa_engine.text.reply_wrappers import json_in_reply, without_wrappers

_LABELS = {
    "translation": "translation",
    "translated question": "translation",
    "翻译": "translation",
    "译文": "translation",
    "keyword": "keywords",
    "keywords": "keywords",
    "关键词": "keywords",
    "关键字": "keywords",
}
_LABELLED = re.compile(
    rf"[\s\-*•#\d.\"'`]{{0,12}}({'|'.join(_LABELS)})[\s*\"'`]{{0,6}}[:：]\s*(.*)", re.IGNORECASE | re.DOTALL
)
_SEPARATORS = re.compile(r"[;；,，、|\n]")
_WRAPPERS = " \t\r\n\"'`*“”‘’「」[]-•"
_MAX_KEYWORD_CHARS = 60


def read_reply(reply: str, question: str, translate: bool, max_keywords: int) -> tuple[str, tuple[str, ...]]:
    """The translation and the keywords in a reply; empty for what it does not hold in a usable form.

    Lines that begin with ``translation:`` and ``keywords:`` are read, in English or Chinese, or a JSON object with these
    keys; reasoning and code fences are dropped. A translation that is in the language of the question, or many times as
    long, is none.

    Args:
        reply: what came back.
        question: as it was asked.
        translate: whether a translation was asked for; if not, none is returned.
        max_keywords: most keywords to return; 0 if none were asked for.
    """
    text = without_wrappers(reply)
    parts = _from_json(text) or _from_lines(text)
    if not parts and translate and not max_keywords and "\n" not in text:
        parts = {"translation": text}  # nothing but the translation, as chat models like to have it
    translation = parts.get("translation", "").strip(_WRAPPERS) if translate else ""
    if is_chinese(translation) == is_chinese(question) or len(translation) > 200 + 6 * len(question):
        translation = ""
    return " ".join(translation.split()), _keywords(parts.get("keywords", ""), max_keywords)


def _from_json(text: str) -> dict[str, str]:
    found = {}
    for key, value in (json_in_reply(text) or {}).items():
        if name := _LABELS.get(str(key).strip().lower()):
            found[name] = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    return found


def _from_lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if labelled := _LABELLED.match(line):
            current = _LABELS[labelled[1].lower()]
            found.setdefault(current, labelled[2])
        elif current == "keywords" or (current and not found[current].strip()):
            found[current] += "\n" + line  # a list below its label
    return found


def _keywords(text: str, limit: int) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for part in _stripped(_SEPARATORS.split(text)):
        if len(part) <= _MAX_KEYWORD_CHARS:
            found.setdefault(part.lower(), part)
    return tuple(found.values())[:limit]


def _stripped(parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        cleaned = " ".join(re.sub(r"^\s*\d+[.)、]\s*", "", part).strip(_WRAPPERS).split())
        if cleaned:
            yield cleaned
