"""Near misses: the sentences to be quoted are about the right thing, and do not say what is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine, ingest
from qa_engine.answering.extractive.quoted import Quoted
from qa_engine.answering.extractive.sentence_features import Candidate
from qa_engine.answering.refusal.content_words import content_words
from qa_engine.answering.refusal.features import pair_of
from qa_engine.answering.refusal.quoted import MODELS, QuotedFeatures
from qa_engine.models.late_interaction import LateInteractionModel

QUESTION = "丧假可以请几天？"


def features(text: str, question: str = QUESTION, titles: str = "", other: bool = False) -> QuotedFeatures:
    model = LateInteractionModel()
    quoted = Quoted("", Candidate(text, 0, titles=titles), 0.5, other)
    support = model.interactions([(question, text)])[0].support
    words = content_words(question, pair_of(question, text))
    return QuotedFeatures.of(question, words, quoted, 0.5, support, model.question_offsets(question))


def test_words_that_stand_in_the_sentence_or_above_it_are_said() -> None:
    held, titled, lacking = (
        features("员工可以请丧假三天。"),
        features("员工可以请三天。", titles="第二章 › 丧假"),
        features("员工可以请婚假三天。"),
    )
    assert held.words == pytest.approx(titled.words, abs=0.01)
    assert held.words > lacking.words + 0.02
    assert (held.held, titled.held, lacking.held) == (1.0, 0.0, 0.0)


def test_a_sentence_without_the_kind_of_thing_or_of_another_period_is_told() -> None:
    assert (features("员工可以请丧假。").lacks, features("员工可以请丧假三天。").lacks) == (1.0, 0.0)
    assert features("2022年的丧假为三天。", other=True).other_period == 1.0
    assert features("员工可以请丧假三天。").asking > features("员工可以请丧假。").asking


@pytest.mark.parametrize("question", ["？", "几", "How many days?"])
def test_questions_without_words_have_features_too(question: str) -> None:
    assert all(np.isfinite(list(vars(features("员工可以请丧假三天。", question)).values())))


ENGLISH = "How many days of bereavement leave are granted?"


def test_english_words_are_found_by_their_stems() -> None:
    held, titled, lacking = (
        features("An employee is granted three days of bereavement leave.", ENGLISH),
        features("An employee is granted three days.", ENGLISH, titles="Leave › Bereavement leave"),
        features("An employee is granted three days for a marriage.", ENGLISH),
    )
    assert (held.held, titled.held, lacking.held) == (1.0, 0.5, 0.5)
    assert titled.words > lacking.words + 0.02


def test_an_english_sentence_without_the_kind_of_thing_is_told() -> None:
    question = "When was the tower built in 1890 rebuilt?"
    assert features("The tower built in 1890 was rebuilt by the town.", question).lacks == 1.0
    assert features("The tower built in 1890 was rebuilt in 1924.", question).lacks == 0.0


def test_every_feature_has_a_weight() -> None:
    for model in MODELS.values():
        assert set(vars(features("员工可以请丧假三天。"))) == set(model.weights)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryEngine]:
    folder = tmp_path_factory.mktemp("near-misses")
    chinese_pdf(
        folder / "青禾农场饲养手册.pdf",
        [
            "青禾农场饲养手册",
            "母羊每天喂两次草料，每次不少于三公斤。",
            "羊舍每周打扫一次，冬天每十天消毒一次。",
            "小羊满三个月断奶，断奶后单独饲养。",
            "访客进入羊舍前应当换鞋，并在门口登记姓名。",
            "剪下的羊毛按颜色分开存放，仓库由老周保管。",
        ],
        header="青禾农场",
    )
    ingest(folder, folder / "storage")
    with QueryEngine.open(folder / "storage") as opened:
        yield opened


@pytest.mark.parametrize("question", ["羊毛一公斤卖多少钱？", "老周的电话是多少？", "羊舍的门宽多少米？"])
def test_a_near_miss_is_refused(engine: QueryEngine, question: str) -> None:
    assert engine.query(question).refused


def test_of_several_parts_those_that_nothing_says_are_left_out(engine: QueryEngine) -> None:
    assert engine.query("老周的电话是多少，老周的邮箱是什么？").refused
    answer = engine.query("小羊多大断奶，老周的电话是多少？")
    assert "三个月" in (answer.response or "")
    assert len(answer.citations) == 1


@pytest.mark.parametrize(
    ("question", "said"),
    [("母羊每天喂几次？", "两次"), ("小羊多大断奶？", "三个月"), ("羊毛仓库由谁保管？", "老周")],
)
def test_what_is_said_is_answered(engine: QueryEngine, question: str, said: str) -> None:
    assert said in (engine.query(question).response or "")
