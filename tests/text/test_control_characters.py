from __future__ import annotations

import json
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qa_engine.text.control_characters import (
    dump_json,
    show_controls,
    show_controls_on_line,
    without_controls,
)

STEERING = [
    chr(code) for code in [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x202E, 0x2066, 0x2028, 0xE0041]
]
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from([*STEERING, "\ud800", "\\", '"'])))


def steers(text: str, allowed: str = "") -> bool:
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return any(
        unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(char) in bidi
        for char in text
        if char not in allowed
    )


@given(TEXTS)
def test_nothing_that_is_printed_steers_a_terminal(text: str) -> None:
    assert not steers(show_controls(text), "\n\t")
    assert not steers(show_controls_on_line(text))
    assert not steers(without_controls(text))
    assert show_controls(show_controls(text)) == show_controls(text)
    assert show_controls_on_line(show_controls(text)) == show_controls_on_line(text.replace("\r\n", "\n"))


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5))
def test_json_reads_as_what_it_was_and_steers_nothing(content: Any) -> None:
    written = dump_json(content)
    assert json.loads(written) == json.loads(json.dumps(content))
    assert not steers(written.encode("utf-8", "replace").decode())


def test_writing_of_languages_stays() -> None:
    text = "甲\u200d乙\u00adpage\ufe0f می\u200cخواهم é\tb\n次"
    assert show_controls(text) == text
    assert show_controls_on_line("a\tb\n") == "a\\tb\\n"
    assert show_controls("\r\n\r\udcff\U000e0041") == "\n\\r\\udcff\\U000e0041"
