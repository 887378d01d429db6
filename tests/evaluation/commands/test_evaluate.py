"""``evaluate`` and ``questions`` as a user runs them: a real collection with the local model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import ROOT
from command_line import run as run_process
from openai_server import OpenAIServer, chat, closed_port, error
from pdf_factory import chinese_pdf

from qa_engine import ingest
from qa_engine.cli.app import app
from qa_engine.errors import QAEngineError
from qa_engine.evaluation.run_folder import read_run

QUESTIONS = [
    {"question": "雷峰塔有多高？", "answers": ["71.679米"], "file": "西湖.pdf", "page": 1, "id": "height"},
    {"question": "西湖的平均水深是多少？", "answers": ["2.27米"], "file": "西湖.pdf"},
    {"question": "如何申请美国签证？", "answerable": False},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    chinese_pdf(folder / "docs" / "西湖.pdf")
    ingest(folder / "docs", folder / "storage")
    lines = (json.dumps(question, ensure_ascii=False) + "\n" for question in QUESTIONS)
    (folder / "questions.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Done:
    """What a command came to; ``error`` is what `main` would print."""

    code: int
    stdout: str
    stderr: str
    error: str = ""


Run = Callable[..., Done]


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: one of its own takes seconds to import everything."""
    monkeypatch.chdir(place)

    def called(*arguments: str, **variables: str) -> Done:
        error = ""
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            try:
                code = app(args=list(arguments), standalone_mode=False) or 0
            except QAEngineError as raised:
                code, error = raised.exit_code, str(raised)
        said = capsys.readouterr()
        return Done(code, said.out, said.err, error)

    return called


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--out", "out"], "Name one file of questions, not 0"),
        (["evaluate", "questions.jsonl"], "Name a folder for the results with --out"),
        (["evaluate", "--compare", "a"], "--compare takes the folders of two evaluations, not 1"),
        (["evaluate", "--compare", "a", "b"], "a holds no finished evaluation"),
        (["questions", "import", "questions.jsonl", "--out", "questions.jsonl"], "is there already"),
        (["questions", "generate", "--llm", "--out", "new.jsonl"], "llm.model names no language model"),
    ],
)
def test_what_cannot_be_done_is_refused(place: Path, run: Run, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.error
    assert not (place / "new.jsonl").exists()


def test_evaluate_shows_writes_resumes_and_compares(place: Path, run: Run, local_model: Path) -> None:
    done = run_process("evaluate", "questions.jsonl", "--out", "first", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output == json.loads((place / "first" / "results.json").read_text(encoding="utf-8"))
    assert output["answers"]["contains_answer"]["mean"] == 1
    assert output["refusals"]["recall"] == 1
    assert output["manifest"]["models"]["llm"] == "extractive"
    assert "asking: 3 of 3" in done.stderr

    again = run("evaluate", "questions.jsonl", "--out", "first")
    assert again.code == 0, again.stderr
    assert "3 of 3 questions are done already" in again.stderr
    assert "contains_answer" in again.stdout

    other = run("evaluate", "questions.jsonl", "--out", "first", QA_ENGINE_ANSWERING__MAX_QUOTES="1")
    assert other.code == 2
    assert "answering.max_quotes was 2 and is 1" in other.error

    second = run("evaluate", "questions.jsonl", "--out", "second", "--retrieval-only")
    assert second.code == 0, second.stderr
    compared = run("evaluate", "--compare", "first", "second", "--out", "both")
    assert compared.code == 0, compared.stderr
    assert "2 questions in both" in compared.stdout or "3 questions in both" in compared.stdout
    assert (place / "both" / "comparison.md").exists()


def test_a_dead_service_is_exit_code_3_and_single_failures_1(
    place: Path, run: Run, local_model: Path
) -> None:
    settings = {
        "QA_ENGINE_LLM__MODEL": "m",
        "QA_ENGINE_LLM__MAX_RETRIES": "0",
        "QA_ENGINE_LLM__API_KEY": "sk-x",
        # Every question is to reach the model; one of them is about as probable as the threshold.
        "QA_ENGINE_ANSWERING__LLM_THRESHOLD": "0",
    }
    dead = f"http://127.0.0.1:{closed_port()}/v1"
    lines = "".join(f'{{"question": "雷峰塔第{n}层有多高？", "answers": ["71.679米"]}}\n' for n in range(5))
    (place / "five.jsonl").write_text(lines, encoding="utf-8")
    done = run("evaluate", "five.jsonl", "--out", "dead", QA_ENGINE_LLM__BASE_URL=dead, **settings)
    assert done.code == 3, done.stderr
    assert "Stopped after" in done.error
    with OpenAIServer(error(400), chat("高71.679米[1]")) as server:
        done = run(
            "evaluate",
            "five.jsonl",
            "--out",
            "one",
            QA_ENGINE_LLM__BASE_URL=server.url,
            **settings,
        )
    assert done.code == 1, done.stderr
    results, cases = read_run(place / "one")
    assert results.failures == {"ConfigurationError": 1}
    assert len(cases) == 5


def test_questions_are_made_and_imported(place: Path, run: Run, local_model: Path) -> None:
    done = run("questions", "generate", "--count", "3", "--out", "made.jsonl", "--json")
    assert done.code == 0, done.stderr
    output = json.loads(done.stdout)
    assert 1 <= output["questions"] <= 3
    reply = json.dumps({"question": "塔有多高？", "answer": "71.679米"}, ensure_ascii=False)
    settings = {"QA_ENGINE_LLM__MODEL": "m", "QA_ENGINE_LLM__API_KEY": "sk-x"}
    with OpenAIServer(chat(reply)) as server:
        asked = run(
            *("questions", "generate", "--llm", "--count", "2", "--out", "asked.jsonl"),
            QA_ENGINE_LLM__BASE_URL=server.url,
            **settings,
        )
    assert asked.code == 0, asked.stderr
    assert "1 questions are in asked.jsonl, fewer than the 2" in asked.stdout
    imported = run("questions", "import", "made.jsonl", "--out", "new/again.jsonl")
    assert imported.code == 0, imported.stderr
    assert (place / "new" / "again.jsonl").read_bytes() == (place / "made.jsonl").read_bytes()


def test_the_script_of_a_checkout_is_the_command() -> None:
    assert 'run_script("evaluate")' in (ROOT / "scripts" / "evaluate.py").read_text(encoding="utf-8")
