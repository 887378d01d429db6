"""Radicals become the characters that they stand for."""

from __future__ import annotations

import unicodedata

import pytest

from qa_engine.text.radicals import FOLDED


@pytest.mark.parametrize(
    ("radical", "character"),
    list(zip("⻓⻔⻋⻅⻚⻢⻩⻛⻥⻰⻳⺠⻆⻄", "长门车见页马黄风鱼龙龟民角西", strict=True)),
)
def test_radicals_become_the_characters_that_they_stand_for(radical: str, character: str) -> None:
    assert radical.translate(FOLDED) == character


def test_every_radical_of_the_supplement_is_known_but_the_mark_of_repetition() -> None:
    named = [code for code in range(0x2E81, 0x2F00) if unicodedata.name(chr(code), "")]
    assert all(FOLDED[code] not in {chr(code), " "} for code in named)
    assert 0x2E9A not in FOLDED
