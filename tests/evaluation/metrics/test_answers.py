"""Exact match and F1 of Chinese answers, beside a plain transcription of the script of CMRC 2018."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.evaluation.metrics.answers import (
    exact_match,
    f1,
    longest_common_run,
    mixed_segmentation,
)

CMRC_PUNCTUATION = [
    *"-:_*^/\\~`+=，。：？！“”；’《》",
    "……",
    *"·、「」（）－～『』",
]


def cmrc_segmentation(text: str) -> list[str]:
    """``mixed_segmentation(text, rm_punc=True)`` of the script; its word tokenizer stands for splitting at blanks."""
    segments: list[str] = []
    word = ""
    for character in text.lower().strip():
        if character in CMRC_PUNCTUATION:
            continue
        if re.search("[\u4e00-\u9fa5]", character):
            if word:
                segments.extend(word.split())
                word = ""
            segments.append(character)
        else:
            word += character
    return segments + word.split()


def cmrc_f1(answer: str, golds: list[str]) -> float:
    scores = []
    for gold in golds:
        ours, theirs = cmrc_segmentation(answer), cmrc_segmentation(gold)
        common = max(
            (
                end - start
                for start in range(len(ours))
                for end in range(start + 1, len(ours) + 1)
                if any(ours[start:end] == theirs[at : at + end - start] for at in range(len(theirs)))
            ),
            default=0,
        )
        if common == 0:
            scores.append(0.0)
            continue
        precision, recall = common / len(ours), common / len(theirs)
        scores.append(2 * precision * recall / (precision + recall))
    return max(scores, default=0.0)


texts = st.text(alphabet="西湖塔高七ab7 1，。：", max_size=12)


@given(texts, st.lists(texts, max_size=3))
def test_f1_is_that_of_the_script(answer: str, golds: list[str]) -> None:
    assert f1(answer, golds) == pytest.approx(cmrc_f1(answer, golds))


@given(texts, texts)
def test_exact_match_is_equality_without_punctuation_and_blanks(answer: str, gold: str) -> None:
    assert exact_match(answer, [gold]) == float(
        "".join(cmrc_segmentation(answer)) == "".join(cmrc_segmentation(gold))
    )


@pytest.mark.parametrize("golds", [[], [""], ["，。"]])
def test_nothing_to_match_matches_nothing(golds: list[str]) -> None:
    assert f1("西湖", golds) == 0
    assert exact_match("西湖", golds) == 0


@pytest.mark.parametrize(
    ("answer", "gold", "exact", "score"),
    [
        ("71.679米。", "71.679米", 1, 1),
        ("1,200人", "1,200人", 1, 1),
        ("高71.679米", "71.679米", 0, 2 * 2 / 5),
        ("７１．６７９米", "71.679米", 1, 1),
        ("《世界遗产名录》", "世界遗产名录", 1, 1),
        ("West  Lake", "west lake", 1, 1),
        ("71米", "71.679米", 0, 2 * 1 / 4),
        ("湖西", "西湖", 0, 2 * 1 / 4),
    ],
)
def test_answers_as_they_come(answer: str, gold: str, exact: float, score: float) -> None:
    assert exact_match(answer, [gold]) == exact
    assert f1(answer, [gold]) == pytest.approx(score)


def test_a_decimal_point_stays_and_a_full_stop_goes() -> None:
    assert mixed_segmentation("It is 3.5 km long. (Yes)") == ["it", "is", "3.5", "km", "long", "yes"]


@given(st.lists(st.sampled_from("ab"), max_size=8), st.lists(st.sampled_from("ab"), max_size=8))
def test_longest_common_run_is_that_of_all_substrings(first: list[str], second: list[str]) -> None:
    runs = {()} | {tuple(second[i:j]) for i in range(len(second)) for j in range(i, len(second) + 1)}
    expected = max(
        j - i for i in range(len(first) + 1) for j in range(i, len(first) + 1) if tuple(first[i:j]) in runs
    )
    assert longest_common_run(first, second) == expected
