"""A text alone has the tokens that the whole vocabulary gives it, without that vocabulary."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.errors import ModelUnavailableError
from qa_engine.models.e5.preparation import MODEL_FOLDER
from qa_engine.models.e5.tokenizer import MAX_TOKENS, E5Tokenizer

TEXTS = [
    "",
    " ",
    "query: 公司的年假有几天？",
    "query: How much does one complete buoy cost?",
    "根據合約，甲方應於30日內支付全部款項。",
    "ＡＢＣ１２３　全角字符与　空格，GB/T 19001-2016。",
    "a  b\u3000\u3000c\td\ne\x00f\x07g\u2581h\u200bi",
    "<s> </s> <unk> <pad>",
    "😀🏳️\u200d🌈 𠮷野家 ﷺ ½ ﬁ ㍿",
    "ϡϢ ꙮ \U00012000",
    "很长的一句话，" * 200,
    "internationalization " * 300,
]


@pytest.fixture(scope="module")
def tokenizer(model_cache: Path) -> E5Tokenizer:
    return E5Tokenizer(model_cache / MODEL_FOLDER)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_the_whole_vocabulary(tokenizer: E5Tokenizer, text: str) -> None:
    alone = tokenizer.tokenize_one(text)
    assert alone == tokenizer.tokenize([text])[0]
    assert len(alone.ids) <= MAX_TOKENS


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_tokens_of_any_text_are_those_of_the_whole_vocabulary(tokenizer: E5Tokenizer, text: str) -> None:
    assert tokenizer.tokenize_one(text) == tokenizer.tokenize([text])[0]


def test_pieces_are_the_same_with_and_without_the_vocabulary(local_model: Path) -> None:
    alone, whole = E5Tokenizer(local_model), E5Tokenizer(local_model)
    whole.load()
    numbers = alone.tokenize_one("query: 第3.2条，甲方 😀 contract?").ids
    assert [alone.piece(number) for number in numbers] == [whole.piece(number) for number in numbers]
    assert whole.piece(10**7) == ""


def test_threads_may_tokenize_at_once(tokenizer: E5Tokenizer) -> None:
    barrier = threading.Barrier(8)

    def tokenize(text: str) -> object:
        barrier.wait()
        return tokenizer.tokenize_one(text)

    texts = [TEXTS[number % 4] for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(tokenize, texts)) == tokenizer.tokenize(texts)


def test_a_question_does_not_load_the_vocabulary(local_model: Path, tmp_path: Path) -> None:
    (tmp_path / "pieces.sqlite3").symlink_to(local_model / "pieces.sqlite3")
    (tmp_path / "tokenizer.json").write_text("no vocabulary")
    tokenizer = E5Tokenizer(tmp_path)
    assert tokenizer.tokenize_one("年假").ids
    with pytest.raises(ModelUnavailableError, match=r"tokenizer\.json.*models prepare --force"):
        tokenizer.tokenize(["年假"])
