"""Parts of questions by a language model: replies that are of no use, and what is used instead."""

from __future__ import annotations

import pytest
from scripted_llm import ScriptedLLM

from qa_engine.config import Config
from qa_engine.flow import run
from qa_engine.models.auxiliary_call import UnusableReplyError
from qa_engine.retrieval.decomposition.divider import QuestionDivider, build_divider, read_parts

BY_RULES = ["甲是多少？", "乙是多少？"]


@pytest.mark.parametrize("reply", ["", "我无法回答您的问题", "一\n二\n三\n四\n五\n六", f"甲？\n{'长' * 301}"])
def test_what_is_no_list_of_questions_is_refused(reply: str) -> None:
    with pytest.raises(UnusableReplyError, match="no list of 2 to 5 questions"):
        read_parts(reply)


@pytest.mark.parametrize(
    "reply", ["甲多少？\n乙多少？", "1. 甲多少？\n\n2、“乙多少？”", "- 甲多少？\n- 乙多少？\n- 甲多少？"]
)
def test_lists_are_read_in_every_usual_form(reply: str) -> None:
    assert read_parts(reply) == ("甲多少？", "乙多少？")


@pytest.mark.parametrize("reply", ["甲多少", "!ServiceUnavailableError"])
def test_after_a_failure_the_rules_hold(reply: str) -> None:
    assert run(QuestionDivider(ScriptedLLM(default=reply)).steps("甲和乙分别是多少？", BY_RULES)) == BY_RULES


def test_the_model_names_the_parts() -> None:
    divider = QuestionDivider(ScriptedLLM(default="甲一共是多少？\n乙一共是多少？"))
    assert run(divider.steps("甲和乙分别是多少？", BY_RULES)) == ["甲一共是多少？", "乙一共是多少？"]


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert build_divider(Config(), ScriptedLLM()) is None
    assert build_divider(Config(retrieval={"decomposition": "llm"}), ScriptedLLM()) is not None
