"""Volumes of text: the size asked for, the same for the same seed, realistic in length."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest
from texts import SentenceMaker, invented_volume, repeated_volume

TEXT = "长江全长约6300公里。它注入东海！The river is long. It ends in 1999."


@pytest.fixture
def source(tmp_path: Path) -> Path:
    qas = [{"id": str(number), "question": f"问题{number}？", "answers": []} for number in range(5)]
    content = {"data": [{"title": "长江", "paragraphs": [{"context": TEXT, "qas": qas}]}]}
    path = tmp_path / "data.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_sentences_have_the_length_of_real_ones() -> None:
    maker = SentenceMaker(7)
    chinese = [maker.chinese() for _ in range(300)]
    english = [maker.english() for _ in range(300)]
    assert 28 <= statistics.median(map(len, chinese)) <= 42
    assert 16 <= statistics.median(len(sentence.split()) for sentence in english) <= 24
    assert all(sentence.endswith("。") and sentence.count("。") == 1 for sentence in chinese)
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in english)


def test_invented_volume_has_the_size_and_depends_on_the_seed_only() -> None:
    volume = invented_volume(100, 5, seed=1)
    assert sum(text.count("。") for _, text in volume.paragraphs) == 100
    assert len(volume.questions) == 5
    assert all(question.endswith("是什么？") for question in volume.questions)
    assert volume == invented_volume(100, 5, seed=1) != invented_volume(100, 5, seed=2)


def test_repeated_volume_starts_with_the_original_and_varies_the_copies(source: Path) -> None:
    volume = repeated_volume(source, 12, 3, seed=1)
    texts = [text for _, text in volume.paragraphs]
    assert len(texts) == 3
    assert texts[0] == TEXT
    assert len(set(texts)) == 3
    for text in texts:
        assert sorted(text.replace(" ", "").translate(dict.fromkeys(map(ord, "0123456789"), "0"))) == sorted(
            TEXT.replace(" ", "").translate(dict.fromkeys(map(ord, "0123456789"), "0"))
        )
    assert len(set(volume.questions)) == 3


def test_repeated_volume_asks_no_more_questions_than_there_are(source: Path) -> None:
    assert len(repeated_volume(source, 4, 50, seed=1).questions) == 5


def test_repeated_volume_of_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": " ", "qas": []}]}]}), encoding="utf-8")
    volume = repeated_volume(path, 10, 1, seed=1)
    assert (len(volume.paragraphs), volume.questions) == (1, [])
