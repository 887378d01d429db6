"""Control characters of outside texts made visible, so that none of them steers the terminal that shows the text.

File names, texts of documents, replies of models and keys of configuration files may hold any of them: ``ESC ] 0 ;`` renames
the window, U+009B moves the cursor, U+202E turns the rest of a line round.
"""

from __future__ import annotations

import json
import re
from typing import Any

# C0 without tab and line feed, DEL and C1; line and paragraph separators; bidirectional marks, embeddings, overrides and
# isolates; lone surrogates; tags. Joiners, soft hyphens and variation selectors belong to the writing of languages.
_INVISIBLE = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f"
_CONTROLS = re.compile(rf"[\x00-\x08\x0b-\x1f{_INVISIBLE}\ud800-\udfff]")
_CONTROLS_AND_ENDS = re.compile(rf"[\x00-\x1f{_INVISIBLE}\ud800-\udfff]")
_IN_JSON = re.compile(f"[{_INVISIBLE}]")


def show_controls(text: str) -> str:
    """A text with control characters as Python writes them. Line feeds and tabs, which lay out a text, stay.

    Example:
        >>> print(show_controls("\\x1b[31mred\\u202e\\r\\nnext"))
        \\x1b[31mred\\u202e
        next
    """
    return _CONTROLS.sub(_escape, text.replace("\r\n", "\n"))


def show_controls_on_line(text: str) -> str:
    """`show_controls` of what belongs on one line, such as a name: a line feed or a tab in it is shown as well.

    Example:
        >>> print(show_controls_on_line("a\\nerror: b"))
        a\\nerror: b
    """
    return _CONTROLS_AND_ENDS.sub(_escape, text)


def without_controls(text: str) -> str:
    """A text with ``_`` for each control character, for the names of files.

    Example:
        >>> without_controls("a\\x1b[31m.png")
        'a_[31m.png'
    """
    return _CONTROLS_AND_ENDS.sub("_", text)


def dump_json(content: Any) -> str:
    """JSON on one line, in which other scripts stand as they are, and control characters as ``\\\\u…``.

    Example:
        >>> print(dump_json({"name": "甲\\x9b"}))
        {"name": "甲\\u009b"}
    """
    text = json.dumps(content, ensure_ascii=False, default=str)
    return _IN_JSON.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
