"""Makes texts comparable: what is left of Markdown, HTML and LaTeX when only the characters count, and which sentences
a reference holds, cut by a rule that knows nothing of the project's own splitter.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

MIN_SENTENCE_CHARS = 8
"""A shorter one, after normalisation, is found by chance."""

_HTML_TAG = re.compile(
    r"</?(?:table|thead|tbody|tfoot|tr|td|th|colgroup|col|caption|div|span|p|br|hr|sub|sup|b|i|u|s|em|strong|small|"
    r"font|center|img|a|ul|ol|li|h[1-6]|html|body|figure|figcaption)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HTML_TABLE = re.compile(r"<table\b.*?</table>", re.IGNORECASE | re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\((?:[^()\s]+)(?:\s+\"[^\"]*\")?\)")
_PEER_NOTE = re.compile(r"\*{0,2}(?:==>.*?<==|-+ ?(?:Start|End) of picture text ?-+)\*{0,2}")
_RULE = re.compile(
    r"^[ \t]*(?:\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?|\|[ \t]*:?-+:?[ \t]*\||[-=_*]{3,})[ \t]*$",
    re.MULTILINE,
)
_LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}(?=\s)|>|[-*+•](?=\s)|```.*$)[ \t]*", re.MULTILINE)
_LATEX_SYMBOLS = {
    **{
        name: unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}")
        for name in (
            "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu", "xi",
            "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
        )
    },
    **{
        name: unicodedata.lookup(f"GREEK CAPITAL LETTER {name.upper()}")
        for name in ("Gamma", "Delta", "Theta", "Sigma", "Phi", "Psi", "Omega")
    },
    "lambda": "λ",
    "Lambda": "Λ",
    "times": "×",
    "cdot": "·",
    "pm": "±",
    "leq": "≤",
    "le": "≤",
    "geq": "≥",
    "ge": "≥",
    "neq": "≠",
    "approx": "≈",
    "infty": "∞",
    "sum": "∑",
    "prod": "∏",
    "int": "∫",
    "partial": "∂",
    "in": "∈",
    "to": "→",
    "rightarrow": "→",
    "min": "min",
    "max": "max",
    "log": "log",
    "exp": "exp",
    "circ": "°",
    "%": "%",
}  # fmt: skip
_LATEX = re.compile(r"\\(?:([A-Za-z]+)|([%#&$_{}|]))")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
# Markup that stands inside a line, whatever wrote it; removed from both sides, so that it decides nothing.
_MARKS = re.compile(r"[*_#`|~$\\{}^]")
_BLANK = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff\x00-\x1f\x7f]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)、])\s")
_NOT_PROSE = re.compile(r"[ \t]*(?:#{1,6}\s|\||!\[|```|\$\$|>?\s*$)")
# The end of a sentence with what closes after it. A Latin one needs a blank and a capital letter behind it.
_END = re.compile(r"[。！？]+[”’」』）)\"']*|(?<!\b[A-Z])[.!?]+[”’)\"']*(?=\s+[“‘(\"']*[A-Z])")
_TERMINAL = re.compile(r"[。！？.!?][”’」』）)\"'\]]*\s*$")
_ENDED = re.compile(r"[。！？.!?:：;；][”’」』）)\"'\]]*\s*$")
_LINE_CHARS = 40
_HAN = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—"
_BREAK_IN_HAN = re.compile(rf"(?<=[{_HAN}])[ \t]*\n[ \t]*|[ \t]*\n[ \t]*(?=[{_HAN}])")
_BREAK = re.compile(r"[ \t]*\n[ \t]*")


def normalise(text: str) -> str:
    """Only the characters that count: no markup, NFKC, no blanks.

    Example:
        >>> normalise("## 表１\\n| *a* | b |\\n|---|---|")
        '表1ab'
    """
    plain = _MARKS.sub("", _without_markup(text))
    return _BLANK.sub("", unicodedata.normalize("NFKC", plain))


def sentence_key(text: str) -> str:
    """What two sentences are compared by: normalised, without what is not a letter or a digit at both ends."""
    return _EDGES.sub("", normalise(text))


def cut_sentences(text: str) -> list[str]:
    """Sentences by the independent rule: 。！？, or . ! ? before a blank and a capital letter (not after an initial)."""
    sentences = []
    start = 0
    for end in _END.finditer(text):
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def join_lines(text: str) -> str:
    """Line breaks made nothing beside a Chinese character, and a blank elsewhere."""
    return _BREAK.sub(" ", _BREAK_IN_HAN.sub("", text))


def paragraphs(text: str) -> list[str]:
    """Pieces between blank lines, line breaks inside kept."""
    return [piece for piece in _PARAGRAPHS.split(text) if piece.strip()]


def reference_sentences(markdown: str) -> list[str]:
    """Keys of the whole sentences in the prose of a reference.

    Prose is what is no heading, table, image, or formula alone. A list item is a paragraph of its own. A sentence must
    end like one, hold at least `MIN_SENTENCE_CHARS`, and stand once in the file: what comes back is running matter.
    The first one of a paragraph does not count if the paragraph before it, longer than a line, has no end: then it is the
    second half of a sentence that the reference has cut at a page break.
    """
    keys: list[str] = []
    cut = False
    for paragraph in _prose(markdown):
        for number, sentence in enumerate(cut_sentences(paragraph)):
            key = sentence_key(sentence)
            if len(key) >= MIN_SENTENCE_CHARS and _TERMINAL.search(sentence) and not (cut and number == 0):
                keys.append(key)
        cut = len(paragraph) > _LINE_CHARS and not _ENDED.search(paragraph)
    times = Counter(keys)
    return [key for key in keys if times[key] == 1]


def _prose(markdown: str) -> Iterable[str]:
    # Some references hold line breaks that were escaped.
    text = re.sub(r"(?m)^\\n$", "", markdown.replace("\r\n", "\n"))
    text = _HTML_TABLE.sub("\n\n", _COMMENT.sub("", text))
    for piece in paragraphs(text):
        current: list[str] = []
        for line in piece.split("\n"):
            if _NOT_PROSE.match(line) or not _FORMULA.sub("", line).strip():
                yield from _joined(current)
                current = []
            elif _LIST_ITEM.match(line):
                yield from _joined(current)
                current = [_LIST_ITEM.sub("", line, count=1)]
            else:
                current.append(line)
        yield from _joined(current)


def _joined(lines: list[str]) -> list[str]:
    return [join_lines("\n".join(lines)).strip()] if lines else []


def _without_markup(text: str) -> str:
    text = _COMMENT.sub("", text)
    text = _HTML_TAG.sub("", text)
    text = html.unescape(text)
    text = _IMAGE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _PEER_NOTE.sub("", text)
    text = _RULE.sub("", text)
    text = _LINE_MARK.sub("", text)
    return _LATEX.sub(lambda found: found[2] or _LATEX_SYMBOLS.get(found[1], ""), text)
