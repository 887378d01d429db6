"""The lines of a text that was set: they say exactly what the text says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.documents.renditions.set_lines import Glyph, lines_of

TEXTS = st.text(st.sampled_from("年假十天。 ab.c\nﬁ𠮷①😀é "), min_size=1, max_size=80)


def glyphs(text: str, width: int, lost: set[int] = frozenset()) -> list[Glyph]:  # type: ignore[assignment]
    visible = [
        character for place, character in enumerate(text) if not character.isspace() and place not in lost
    ]
    return [
        Glyph(one, x * 10.0, x * 10.0 + 10, 14.0 * line, 14.0 * line + 12, line, 1, 11.0)
        for number, one in enumerate(visible)
        for line, x in [divmod(number, width)]
    ]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 12), st.sets(st.integers(0, 79), max_size=3))
def test_lines_say_what_the_text_says(text: str, width: int, lost: set[int]) -> None:
    """Also where the font lacks characters, so that there are fewer glyphs than characters."""
    found = lines_of(text, glyphs(text, width, lost), 0)
    if glyphs(text, width, lost):
        assert "".join(line.text for line in found) == text.replace("\n", " ").strip()
    for line in found:
        assert all(0 < end < len(line.text) and line.x0 <= x <= line.x1 for end, x in line.cuts)


def test_cut_stands_where_the_next_sentence_begins() -> None:
    (line,) = lines_of("年假。十天", glyphs("年假。十天", 10), 3)
    assert line.cuts == ((3, 30.0),)
    assert (line.x0, line.y0, line.x1, line.y1, line.block) == (0.0, 0.0, 50.0, 12.0, 3)


def test_lines_break_where_glyphs_do() -> None:
    assert [line.text for line in lines_of("one two three", glyphs("one two three", 6), 0)] == [
        "one two ",
        "three",
    ]
