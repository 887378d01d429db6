"""Where one line ends and the next begins: a blank, nothing, or a hyphen that goes."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.line_joining import line_end, word_counts

NONE = Counter[str]()


def joined(text: str, following: str, *elsewhere: str) -> str:
    return line_end(text, following, word_counts(elsewhere)) + following


# -- hyphens


@pytest.mark.parametrize(
    ("text", "following", "elsewhere", "whole"),
    [
        ("we develop pre-", "trained models", "", "we develop pretrained models"),
        ("the well-", "known one", "a well-known method", "the well-known one"),
        ("the well-", "known one", "wellknown, wellknown, well-known", "the wellknown one"),
        ("the state-of-the-", "art model", "", "the state-of-the-art model"),
        ("the state-", "of-the-art model", "", "the state-of-the-art model"),
        ("we use fine-tun-", "ing here", "tuning", "we use fine-tuning here"),
        ("Pre- and post-train-", "ing", "training", "Pre- and post-training"),
        ("both pre-", "and post-training", "", "both pre- and post-training"),
        ("a thous-", "and times", "thousand", "a thousand times"),
        ("the Llama-", "Chat model", "", "the Llama-Chat model"),
        ("the GPT-", "4 model", "", "the GPT-4 model"),
        ("from 2010–", "2015 on", "", "from 2010–2015 on"),
        ("pages 2-", "5 of it", "", "pages 2-5 of it"),
        ("a 10-", "year plan", "", "a 10-year plan"),
        ("and/", "or", "", "and/or"),
        ("devel\u00ad", "opment", "", "development"),
        ("the Über-", "sicht", "", "the Übersicht"),
        ("a dash -", "and more", "", "a dash - and more"),
        ("采用fine-", "tuning方法", "fine-tuning", "采用fine-tuning方法"),
        ("感染COVID-", "19的患者", "", "感染COVID-19的患者"),
    ],
    ids=str,
)
def test_hyphen_at_the_end_of_a_line(text: str, following: str, elsewhere: str, whole: str) -> None:
    assert joined(text, following, elsewhere) == whole


def test_words_are_counted_without_regard_to_case_and_chinese_is_left_out() -> None:
    counts = word_counts(["Well-known methods", "采用well-known方法"])
    assert counts == Counter({"well-known": 2, "methods": 1})


# -- addresses


@pytest.mark.parametrize("end", ["/", "-", "_", "=", "&", "?", "."])
@pytest.mark.parametrize("start", ["https://a.org/x", "http://a.org", "www.a.org/x"])
def test_address_goes_on_without_a_blank(start: str, end: str) -> None:
    assert joined(f"see {start}{end}", "path", "") == f"see {start}{end}path"


@pytest.mark.parametrize(
    ("text", "following"),
    [("See https://a.org.", "The next"), ("See https://a.org", "for more"), ("See www.a.org/ for", "more")],
    ids=["full stop", "no mark", "words after it"],
)
def test_address_that_is_over_is_followed_by_a_blank(text: str, following: str) -> None:
    assert joined(text, following) == f"{text} {following}"


# -- Chinese, English, and both


@pytest.mark.parametrize(
    ("text", "following", "whole"),
    [
        ("西湖位于", "杭州市", "西湖位于杭州市"),
        ("Jupiter is", "large", "Jupiter is large"),
        ("模型使用", "Llama 2", "模型使用Llama 2"),
        ("使用 Llama", "模型", "使用 Llama模型"),
        ("参数为", "70亿", "参数为70亿"),
        ("共 70", "亿元", "共 70亿元"),
        ("in 2019", "2020 models", "in 2019 2020 models"),
        ("三个模型，", "OK", "三个模型，OK"),
        ("the model", "（见附录）", "the model（见附录）"),
        ("（Llama）", "is", "（Llama）is"),
        ("３．５", "percent", "３．５percent"),
        ("他说：“好”", "然后", "他说：“好”然后"),
        ("他说：“好”", "OK", "他说：“好”OK"),
        ("他说", "“好”", "他说“好”"),
        ("use Llama", "“好”", "use Llama“好”"),
        ("he said “yes”", "and left", "he said “yes” and left"),
        ("he said", "“yes”", "he said “yes”"),
        ("the teachers’", "room", "the teachers’ room"),
        ("and so on…", "but then", "and so on… but then"),
        ("等等…", "but", "等等…but"),
        ("”", "x", "” x"),
        ("x", "y", "x y"),
    ],
    ids=str,
)
def test_blank_between_lines(text: str, following: str, whole: str) -> None:
    assert joined(text, following) == whole


_texts = st.text(st.sampled_from("ab A9-–/.…’”“，。西湖\u00adé"), min_size=1, max_size=12).map(str.strip)


@given(_texts.filter(bool), _texts.filter(bool))
def test_nothing_but_a_hyphen_is_lost_and_nothing_but_a_blank_is_added(text: str, following: str) -> None:
    end = line_end(text, following, NONE)
    assert end in {text, f"{text} "} or (text[-1] in "-\u00ad" and end == text[:-1])


@pytest.mark.parametrize("text", ["a" * 100_000, "a" * 100_000 + "1-", "a-" * 50_000 + "1-", "www." * 30_000])
def test_line_of_a_hundred_thousand_letters_is_no_trap(text: str) -> None:
    start = time.process_time()
    assert line_end(text, "b", NONE).startswith(text)
    assert time.process_time() - start < 2
