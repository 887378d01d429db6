"""Follow-ups without a language model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.conversation.rule_condenser import lacks_subject, points_back, resolve, stands_alone
from qa_engine.conversation.topics import topic_of

AREA = "西湖的面积是多少？"
TOWER = "雷峰塔有多高？"
FILTER = "净水机的反渗透滤芯多久更换一次？"
LEAVE = "工作满十年的员工每年有几天年假？"
SURVEY = "How much does the monthly boat survey cost a year?"

_WORDS = "那 呢 它 其 的 这个 该 西湖 面积 是 多少 有多高 什么 年假 7B it what about the ? ？"
_TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(_WORDS.split()), max_size=8).map("".join)


class TestWhatIsLeftAlone:
    @pytest.mark.parametrize(
        "question",
        [
            "如何申请美国签证？",
            "其他员工的年假有几天？",
            "其中哪些模型开源？",
            "员工应该如何请假？",
            "公司的股票期权怎么分配？",
            "西湖的平均水深是多少？",
            "吉他怎么调音？",
            "What is the price of a buoy?",
        ],
    )
    def test_a_question_that_stands_alone_stays_as_it_is(self, question: str) -> None:
        assert resolve(question, AREA) == question

    @given(_TEXTS, _TEXTS)
    def test_no_text_breaks_it(self, question: str, previous: str) -> None:
        assert bool(resolve(question, previous).strip()) == bool(question.strip())
        assert isinstance(points_back(question), bool)
        assert isinstance(lacks_subject(question), bool)

    def test_nothing_is_put_in_where_the_last_question_has_no_subject(self) -> None:
        assert resolve("它有多高？", "？？？") == "它有多高？"


class TestWhatIsPutIn:
    @pytest.mark.parametrize(
        ("previous", "question", "expected"),
        [
            (AREA, "它在哪个城市？", "西湖在哪个城市？"),
            (AREA, "它的平均水深呢？", "西湖的平均水深是多少？"),
            (AREA, "其平均水深是多少？", "西湖平均水深是多少？"),
            (AREA, "那平均水深呢？", "西湖的平均水深是多少？"),
            (AREA, "那千岛湖呢？", "千岛湖的面积是多少？"),
            (TOWER, "那保俶塔呢？", "保俶塔有多高？"),
            (TOWER, "这座塔什么时候建成的？", "雷峰塔什么时候建成的？"),
            (TOWER, "什么时候建成的？", "雷峰塔什么时候建成的？"),
            (TOWER, "那里有什么？", "雷峰塔有什么？"),
            (FILTER, "它多少钱？", "净水机的反渗透滤芯多少钱？"),
            (FILTER, "多少钱？", "净水机的反渗透滤芯多少钱？"),
            (LEAVE, "那病假呢？", "工作满十年的员工每年有几天病假？"),
            (LEAVE, "工作满二十年的呢？", "工作满二十年的员工每年有几天年假？"),
            (LEAVE, "那满二十年的呢？", "工作满二十年的员工每年有几天年假？"),
            ("7B模型有多少层？", "那13B呢？", "13B模型有多少层？"),
            (SURVEY, "How long does it take?", "How long does the monthly boat survey take?"),
            (SURVEY, "What about the drone survey?", "How much does the drone survey cost a year?"),
            ("What is the price of a buoy?", "What is its weight?", "What is the buoy's weight?"),
        ],
    )
    def test_the_subject_or_what_changed(self, previous: str, question: str, expected: str) -> None:
        assert resolve(question, previous) == expected


class TestStandsAlone:
    @pytest.mark.parametrize(
        "question", ["它有多高？", "那面积呢？", "多少钱？", "Why?", "And the second one?", "这个呢"]
    )
    def test_what_points_back_never_does(self, question: str) -> None:
        assert not stands_alone(question, "西湖")

    def test_what_names_the_subject_does(self) -> None:
        assert stands_alone("西湖在哪里？", "西湖")
        assert not stands_alone("水深是多少？", "西湖")

    def test_what_is_long_does(self) -> None:
        assert stands_alone("公司规定试用期内的员工可以申请远程办公吗？", "西湖")


@pytest.mark.parametrize(
    ("question", "subject", "attribute"),
    [
        (AREA, "西湖", "面积"),
        (TOWER, "雷峰塔", ""),
        (FILTER, "净水机的反渗透滤芯", ""),
        (LEAVE, "工作满十年的员工", ""),
        ("什么是反向传播？", "反向传播", ""),
        ("请问雷峰塔有多高呢？", "雷峰塔", ""),
        ("Llama 2有多少参数？", "Llama 2", ""),
        ("", "", ""),
        (SURVEY, "the monthly boat survey", ""),
        ("What is the price of a buoy?", "the buoy", ""),
    ],
)
def test_topics(question: str, subject: str, attribute: str) -> None:
    topic = topic_of(question)
    assert (topic.subject, topic.attribute) == (subject, attribute)
