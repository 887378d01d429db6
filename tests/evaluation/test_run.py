"""`evaluate` over a real index: what goes wrong, what is kept, and what is not paid for twice."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from pdf_factory import chinese_pdf
from processes import python
from scripted_llm import ScriptedLLM, calls

from qa_engine import Config
from qa_engine.errors import AuthenticationFailedError, InputError, ServiceUnavailableError, StorageError
from qa_engine.evaluation.questions.labelled import LabelledQuestion, question_ids, write_questions
from qa_engine.evaluation.records import CaseResult, RunResults
from qa_engine.evaluation.run import evaluate
from qa_engine.evaluation.run_folder import read_run

SETTINGS = {"rerank": {"model": "none"}}
HEIGHT = LabelledQuestion(question="雷峰塔有多高？", answers=("71.679米",), file="西湖.pdf", page=1)
DEPTH = LabelledQuestion(question="西湖的平均水深是多少？", answers=("2.27米",), file="西湖.pdf", page=1)
AREA = LabelledQuestion(question="西湖的水面面积约为多少？", answers=("6.38平方公里",), file="西湖.pdf")
VISA = LabelledQuestion(question="如何申请美国签证？", answerable=False)
QUESTIONS = [HEIGHT, DEPTH, AREA, VISA]
REPLIES = {
    HEIGHT.question: "雷峰塔高71.679米[1]。",
    DEPTH.question: "平均水深为3.5米[1]。",
    AREA.question: "6.38平方公里[1]",
    VISA.question: "我无法回答您的问题",
}


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    chinese_pdf(folder / "docs" / "西湖.pdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        ingest(folder / "docs", folder / "storage")
    return folder / "storage"


def run(storage: Path, out: Path, llm: ScriptedLLM | None = None, **options: Any) -> RunResults:
    options = {"questions": QUESTIONS, "config": SETTINGS, "concurrency": 1, **options}
    return evaluate(
        options.pop("questions"),
        out,
        storage=storage,
        llm=llm or ScriptedLLM(replies=REPLIES),
        embed_model=HashEmbedding(model_name="hash"),
        **options,
    )


def by_question(out: Path) -> dict[str, CaseResult]:
    return {case.question: case for case in read_run(out)[1]}


class TestWhatCannotBeDone:
    def test_no_question_is_refused(self, storage: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no question to ask"):
            run(storage, tmp_path / "out", questions=[])
        assert not (tmp_path / "out").exists()

    def test_concurrency_has_to_be_positive(self, storage: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="concurrency must be > 0, got 0"):
            run(storage, tmp_path / "out", concurrency=0)

    def test_a_folder_of_something_else_is_left_alone(self, storage: Path, tmp_path: Path) -> None:
        (tmp_path / "diary.txt").write_text("mine", encoding="utf-8")
        with pytest.raises(InputError, match="holds no evaluation: name another folder with --out"):
            run(storage, tmp_path)

    def test_a_file_in_the_place_of_the_folder_is_told(self, storage: Path, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("", encoding="utf-8")
        with pytest.raises(StorageError, match="cannot be written"):
            run(storage, tmp_path / "out")

    def test_two_processes_do_not_write_one_folder(self, storage: Path, tmp_path: Path) -> None:
        with FileLock(tmp_path / ".lock"), pytest.raises(InputError, match="Another process is evaluating"):
            run(storage, tmp_path)

    def test_a_run_of_other_questions_is_refused_and_kept(self, storage: Path, tmp_path: Path) -> None:
        run(storage, tmp_path / "out", questions=[HEIGHT])
        with pytest.raises(InputError, match=r"other questions \(1 of .*not these 2.*--out"):
            run(storage, tmp_path / "out", questions=[HEIGHT, DEPTH])
        assert len(by_question(tmp_path / "out")) == 1

    def test_a_run_of_another_configuration_says_what_differs(self, storage: Path, tmp_path: Path) -> None:
        run(storage, tmp_path / "out")
        with pytest.raises(InputError, match=r"answering\.passages was 5 and is 3.*--out"):
            run(storage, tmp_path / "out", config={**SETTINGS, "answering": {"passages": 3}})
        with pytest.raises(InputError, match="retrieval_only was False and is True"):
            run(storage, tmp_path / "out", retrieval_only=True)

    def test_a_damaged_run_is_told(self, storage: Path, tmp_path: Path) -> None:
        run(storage, tmp_path / "out")
        (tmp_path / "out" / "cases.jsonl").write_text("[]\n", encoding="utf-8")
        with pytest.raises(InputError, match="cannot be read"):
            run(storage, tmp_path / "out")


class TestFailures:
    def test_one_question_that_fails_does_not_stop_the_others_and_is_asked_again(
        self, storage: Path, tmp_path: Path
    ) -> None:
        out, journal, messages = tmp_path / "out", tmp_path / "calls", []
        broken = {**REPLIES, HEIGHT.question: "!ServiceUnavailableError", DEPTH.question: "!Unforeseen"}
        results = run(storage, out, ScriptedLLM(replies=broken, journal=str(journal)))
        assert results.failures == {"ServiceUnavailableError": 1, "ValueError": 1}
        assert (results.cases, results.answers["f1"].count) == (4, 1)
        failed = by_question(out)[HEIGHT.question]
        assert failed.failure is not None
        assert "for a test" in failed.failure.message
        assert (failed.answer, failed.measures) == (None, {})

        again = run(
            storage, out, ScriptedLLM(replies=REPLIES, journal=str(journal)), on_message=messages.append
        )
        assert messages == [
            "2 of 4 questions are done already and are not asked again; 2 failed and are asked again."
        ]
        assert again.failures == {}
        assert sum(calls(journal).values()) == 4 + 2
        assert calls(journal)[AREA.question] == 1
        assert len((out / "cases.jsonl").read_text(encoding="utf-8").splitlines()) == 4

    @pytest.mark.parametrize("kind", [ServiceUnavailableError, AuthenticationFailedError])
    def test_a_service_that_is_gone_ends_the_run_and_keeps_what_is_done(
        self, storage: Path, tmp_path: Path, kind: type[Exception]
    ) -> None:
        out, journal = tmp_path / "out", tmp_path / "calls"
        questions = [LabelledQuestion(question=f"第{n}题？", answers=("甲",)) for n in range(9)]
        replies = {q.question: "甲[1]" if n == 0 else f"!{kind.__name__}" for n, q in enumerate(questions)}
        llm = ScriptedLLM(replies=replies, journal=str(journal))
        with pytest.raises(
            kind, match=r"for a test\. Stopped after 3 such failures in a row; 1 of 9"
        ) as caught:
            run(storage, out, llm, questions=questions)
        assert caught.value.exit_code in {2, 3}
        assert sum(calls(journal).values()) == 4
        with pytest.raises(InputError, match="no finished evaluation"):
            read_run(out)
        results = run(storage, out, ScriptedLLM(default="甲[1]", journal=str(journal)), questions=questions)
        assert (results.cases, results.failures) == (9, {})
        assert sum(calls(journal).values()) == 4 + 8

    def test_what_is_under_way_when_a_run_is_broken_off_is_kept(self, storage: Path, tmp_path: Path) -> None:
        out, journal = tmp_path / "out", tmp_path / "calls"
        interrupted, free = threading.Event(), threading.Semaphore(1)

        def break_off(done: int, total: int, failed: int) -> None:
            if done == 1:
                interrupted.set()
                raise KeyboardInterrupt

        class Waiting(ScriptedLLM):
            """All calls but the first wait for the interrupt."""

            def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
                response = super().chat(messages, **kwargs)
                assert free.acquire(blocking=False) or interrupted.wait(60)
                return response

        llm = Waiting(replies=REPLIES, journal=str(journal))
        with pytest.raises(KeyboardInterrupt):
            run(storage, out, llm, concurrency=2, progress=break_off)
        run(storage, out, ScriptedLLM(replies=REPLIES, journal=str(journal)))
        assert set(calls(journal).values()) == {1}


KILLED = """
import sys
import threading
from hash_embedding import HashEmbedding
from scripted_llm import ScriptedLLM
from qa_engine.evaluation.run import evaluate

storage, questions, out, journal = sys.argv[1:]
free = threading.Semaphore(6)

class Waiting(ScriptedLLM):
    def chat(self, messages, **kwargs):
        response = super().chat(messages, **kwargs)
        if not free.acquire(blocking=False):
            print("waiting", flush=True)
            threading.Event().wait()
        return response

evaluate(
    questions, out, storage=storage, config={"rerank": {"model": "none"}}, concurrency=2,
    llm=Waiting(replies={f"第{n}题？": "甲[1]" for n in range(12)}, journal=journal),
    embed_model=HashEmbedding(model_name="hash"),
)
"""


def test_a_killed_run_goes_on_without_paying_twice(storage: Path, tmp_path: Path) -> None:
    out, journal, file = tmp_path / "out", tmp_path / "calls", tmp_path / "questions.jsonl"
    questions = [LabelledQuestion(question=f"第{n}题？", answers=("甲",)) for n in range(12)]
    write_questions(file, questions)
    with python(KILLED, str(storage), str(file), str(out), str(journal)) as process:
        assert process.stdout is not None
        # Both questions at a time are waiting for their replies: all others are written.
        assert [process.stdout.readline() for _ in range(2)] == ["waiting\n"] * 2
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL, process.stderr.read() if process.stderr else ""
    # A kill may leave half a line.
    with (out / "cases.jsonl").open("ab") as cases:
        cases.write(b'{"id": "half a li')
    done = {json.loads(line)["question"] for line in (out / "cases.jsonl").read_bytes().split(b"\n")[:-1]}
    assert 4 <= len(done) < 12

    messages: list[str] = []
    llm = ScriptedLLM(replies={q.question: "甲[1]" for q in questions}, journal=str(journal))
    results = run(storage, out, llm, questions=file, on_message=messages.append)
    assert messages == [f"{len(done)} of 12 questions are done already and are not asked again."]
    assert (results.cases, results.failures) == (12, {})
    asked = calls(journal)
    assert all(asked[question] == 1 for question in done)
    assert sum(asked.values()) <= 12 + 2  # what was under way may have been asked once more
    assert [case.id for case in read_run(out)[1]] == question_ids(questions)

    paid = sum(calls(journal).values())
    assert run(storage, out, llm, questions=file).cases == 12
    assert sum(calls(journal).values()) == paid


@pytest.fixture(scope="module")
def out(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("measured") / "out"
    config = Config(**SETTINGS, llm={"api_key": "sk-secret", "base_url": "https://me:pw@example.com/v1"})
    run(storage, out, config=config)
    return out


class TestWhatIsMeasured:
    def test_the_right_answer_the_wrong_one_and_the_refusal(self, out: Path) -> None:
        cases = by_question(out)
        height, depth, visa = (cases[q.question] for q in (HEIGHT, DEPTH, VISA))
        assert height.measures["contains_answer"] == 1
        assert height.measures["exact_match"] == 0
        assert 0 < height.measures["f1"] < 1
        assert height.measures["citation_recall"] == height.measures["evidence_holds_answer"] == 1
        assert height.measures["chinese"] == height.measures["numbers_supported"] == 1
        assert depth.unsupported_numbers == ["3.5"]
        assert (depth.measures["contains_answer"], depth.measures["numbers_supported"]) == (0, 0)
        assert visa.measures == {"refusal_accuracy": 1.0}
        assert (visa.refused, visa.citations, visa.stages) == (True, [], {})
        assert height.tokens == {"prompt": 100, "completion": 10, "total": 110}
        assert height.timings["total"] > 0

    def test_every_stage_is_ranked_by_the_gold(self, out: Path) -> None:
        stages = by_question(out)[HEIGHT.question].stages
        assert list(stages) == ["dense", "bm25", "fused", "reranked"]
        assert stages["bm25"].rank == 1
        assert stages["bm25"].page_rank == 1
        assert stages["bm25"].within["2400"] is True

    def test_the_figures_are_the_means(self, out: Path) -> None:
        results, cases = read_run(out)
        assert results.answers["contains_answer"].mean == pytest.approx(2 / 3)
        assert results.answers["refusal_accuracy"].mean == 1
        assert results.tokens == {"prompt": 400, "completion": 40, "total": 440}
        assert results.refusals is not None
        assert (results.refusals.precision, results.refusals.recall, results.refusals.curve) == (1, 1, [])
        assert results.retrieval["bm25"]["hit@1"].count == 3
        assert results.retrieval["bm25"]["page_hit@1"].count == 2
        assert set(results.seconds) == {"p50", "p95"}
        assert len(cases) == 4

    def test_no_secret_is_written(self, out: Path) -> None:
        text = "".join(path.read_text(encoding="utf-8") for path in out.iterdir() if path.suffix)
        assert "sk-secret" not in text
        assert "pw@" not in text
        assert "https://…@example.com/v1" in text

    def test_the_report_shows_figures_and_what_to_look_at(self, out: Path) -> None:
        report = (out / "report.md").read_text(encoding="utf-8")
        for words in (
            "| mrr@10 |",
            "| contains_answer | 0.667",
            "## Numbers that nothing cited holds",
            "3.5",
        ):
            assert words in report

    def test_retrieval_alone_asks_no_language_model(self, storage: Path, tmp_path: Path) -> None:
        journal = tmp_path / "calls"
        results = run(
            storage, tmp_path / "out", ScriptedLLM(journal=str(journal)), retrieval_only=True, limit=2
        )
        assert not journal.exists()
        assert (results.cases, results.answers, results.refusals) == (2, {}, None)
        assert results.retrieval["reranked"]["hit@10"].mean == 1
        case = by_question(tmp_path / "out")[HEIGHT.question]
        assert case.answer is None
        assert any(passage.holds_answer for passage in case.passages)
