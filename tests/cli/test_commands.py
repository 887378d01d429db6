"""The commands as a user runs them: real processes, exit codes, what is on which stream."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT, run, run_anew
from openai_server import OpenAIServer, chat, closed_port, error
from pdf_factory import SOLAR_SYSTEM, broken_pdf, chinese_pdf, english_pdf, locked_pdf, zero_page_pdf

REFUSAL = "我无法回答您的问题"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A working directory with an ingested collection whose name is Chinese."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "pdfs" / "下级").mkdir(parents=True)
    chinese_pdf(folder / "pdfs" / "下级" / "西湖介绍.pdf")
    broken_pdf(folder / "pdfs" / "broken.pdf")
    locked_pdf(folder / "pdfs" / "locked.pdf")
    zero_page_pdf(folder / "pdfs" / "nopages.pdf")
    done = run("ingest", "pdfs", "-c", "风景 名胜", "--json", cwd=folder, QA_ENGINE_CACHE=str(model_cache))
    (folder / "ingest.json").write_text(done.stdout, encoding="utf-8")
    (folder / "ingest.err").write_text(done.stderr, encoding="utf-8")
    (folder / "ingest.rc").write_text(str(done.returncode), encoding="utf-8")
    return folder


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX")
def test_interruption_is_said_and_has_its_exit_code(tmp_path: Path, model_cache: Path) -> None:
    for number in range(40):
        english_pdf(tmp_path / "docs" / f"{number}.pdf", [f"This is text {number}.", *SOLAR_SYSTEM])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QA_ENGINE_CACHE": str(model_cache)}
    with subprocess.Popen(
        [sys.executable, "-m", "qa_engine", "ingest", "docs"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background has them ignore SIGINT, and their children with them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        while "to go through" not in (line := process.stderr.readline()):
            assert line, "it ended before it began to read"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group gets it
        told = process.stderr.read()
    assert "error: Interrupted. What was completed is kept" in told
    assert "Traceback" not in told
    assert process.returncode == 130


class TestIngest:
    def test_bad_files_are_named_with_reasons_and_the_rest_goes_on(self, place: Path) -> None:
        report = json.loads((place / "ingest.json").read_text(encoding="utf-8"))
        assert (place / "ingest.rc").read_text() == "1"
        assert report["collection"] == "风景 名胜"
        assert report["files"] == {"added": 1, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 3}
        reasons = {Path(f["file"]).name: f["reason"] for f in report["failures"]}
        assert reasons == {"broken.pdf": "damaged", "locked.pdf": "locked", "nopages.pdf": "empty"}
        assert report["pages"] >= 1
        assert report["nodes"] > 5
        assert "Traceback" not in (place / "ingest.err").read_text(encoding="utf-8")

    def test_a_second_run_skips_what_is_unchanged(self, place: Path, model_cache: Path) -> None:
        file = "pdfs/下级/西湖介绍.pdf"
        done = run("ingest", file, "-c", "风景 名胜", "--json", cwd=place, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 0
        assert json.loads(done.stdout)["files"]["unchanged"] == 1

    def test_prune_removes_what_is_gone(self, tmp_path: Path, local_model: Path) -> None:
        (tmp_path / "in").mkdir()
        keep, drop = tmp_path / "in" / "keep.pdf", tmp_path / "in" / "drop.pdf"
        chinese_pdf(keep, ["苹果是一种水果。"])
        chinese_pdf(drop, ["香蕉是另一种水果。"])
        assert run("ingest", "in", cwd=tmp_path).returncode == 0
        drop.unlink()
        without = json.loads(run("ingest", "in", "--json", cwd=tmp_path).stdout)["files"]
        assert without["deleted"] == 0
        pruned = json.loads(run("ingest", "in", "--prune", "--json", cwd=tmp_path).stdout)["files"]
        assert (pruned["deleted"], pruned["unchanged"]) == (1, 1)
        found = json.loads(run("ask", "香蕉是什么？", "--search-only", "--json", cwd=tmp_path).stdout)
        assert all("香蕉" not in passage["text"] for passage in found["passages"])

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["does-not-exist"], ["does-not-exist", "does not exist"]),
            (["empty"], ["No PDF files", "empty"]),
            (["empty", "--collection", ""], ["collection"]),
        ],
    )
    def test_wrong_paths_exit_2(self, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
        (tmp_path / "empty").mkdir()
        if arguments[-1] == "":
            chinese_pdf(tmp_path / "empty" / "a.pdf", ["甲。"])
        assert_one_sentence(run("ingest", *arguments, cwd=tmp_path), 2, *words)

    def test_a_storage_that_cannot_be_made_exits_3(self, tmp_path: Path) -> None:
        chinese_pdf(tmp_path / "a.pdf", ["甲是乙。"])
        (tmp_path / "file").write_text("in the way")
        done = run("ingest", "a.pdf", "--storage", "file/storage", cwd=tmp_path)
        assert_one_sentence(done, 3, "file/storage")

    def test_a_missing_argument_exits_2(self, tmp_path: Path) -> None:
        assert run("ingest", cwd=tmp_path).returncode == 2


class TestAsk:
    def test_json_is_one_object_and_nothing_else(self, place: Path, local_model: Path) -> None:
        done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", "--json", cwd=place)
        content = json.loads(done.stdout)
        assert done.returncode == 0
        assert "71.679" in content["answer"]
        assert content["refused"] is False
        assert content["citations"][0]["file"] == "西湖介绍.pdf"

    def test_people_get_the_answer_and_its_sources(self, place: Path, local_model: Path) -> None:
        done = run_anew("ask", "雷峰塔有多高？", "-c", "风景 名胜", "--explain", cwd=place)
        assert done.returncode == 0
        assert "71.679" in done.stdout
        assert "[1] 西湖介绍.pdf 第1页" in done.stdout
        assert "rerank" in done.stdout
        assert done.stderr == ""

    def test_a_refusal_is_the_exact_sentence_and_exit_0(self, place: Path, local_model: Path) -> None:
        done = run("ask", "如何申请美国签证？", "-c", "风景 名胜", cwd=place)
        assert (done.returncode, done.stdout.strip()) == (0, REFUSAL)

    def test_search_only_makes_no_answer(self, place: Path, local_model: Path) -> None:
        arguments = ["ask", "西湖", "-c", "风景 名胜", "--search-only", "--top-k", "2", "--json"]
        content = json.loads(run(*arguments, cwd=place).stdout)
        assert content["answer"] is None
        assert 1 <= len(content["passages"]) <= 2
        assert content["passages"][0]["rank"] == 1

    def test_the_script_is_the_command(self, place: Path, local_model: Path) -> None:
        script = [sys.executable, str(ROOT / "scripts" / "ask.py"), "雷峰塔有多高？", "-c", "风景 名胜"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            script, cwd=place, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
        )
        assert done.returncode == 0
        assert "71.679" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["", "-c", "风景 名胜"], ["question is empty"]),
            (["why " * 12_500, "-c", "风景 名胜"], ["50000 characters"]),
            (["你好", "-c", "没有的"], ["没有的", "风景 名胜"]),
            (["你好", "--storage", "elsewhere"], ["elsewhere", "qa-engine ingest"]),
        ],
    )
    def test_bad_input_exits_2(
        self, place: Path, local_model: Path, arguments: list[str], words: list[str]
    ) -> None:
        assert_one_sentence(run("ask", *arguments, cwd=place), 2, *words)

    def test_an_index_of_another_embedding_model_exits_2(self, place: Path) -> None:
        variables = {"QA_ENGINE_EMBEDDING__PROVIDER": "openai", "QA_ENGINE_EMBEDDING__MODEL": "other"}
        done = run("ask", "你好", "-c", "风景 名胜", cwd=place, OPENAI_API_KEY="sk-secret", **variables)
        assert_one_sentence(done, 2, "multilingual-e5-small", "'other'")
        assert "sk-secret" not in done.stderr

    def test_a_port_nobody_listens_on_exits_3(self, place: Path, local_model: Path) -> None:
        port = closed_port()
        variables = {
            "QA_ENGINE_LLM__MODEL": "qwen",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "QA_ENGINE_LLM__MAX_RETRIES": "0",
        }
        done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", cwd=place, **variables)
        assert_one_sentence(done, 3, f"127.0.0.1:{port}")

    def test_an_llm_is_one_variable_away(self, place: Path, local_model: Path) -> None:
        with OpenAIServer(chat("高71.679米[1]。")) as server:
            variables = {"QA_ENGINE_LLM__MODEL": "qwen", "OPENAI_BASE_URL": server.url}
            done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", "--json", cwd=place, **variables)
        content = json.loads(done.stdout)
        assert content["answer"] == "高71.679米[1]。"
        assert content["models"]["llm"] == "qwen"

    def test_a_wrong_key_exits_2(self, place: Path, local_model: Path) -> None:
        with OpenAIServer(error(401, "no")) as server:
            variables = {
                "QA_ENGINE_LLM__MODEL": "qwen",
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": "sk-wrong",
            }
            done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", cwd=place, **variables)
        assert_one_sentence(done, 2, "key")
        assert "sk-wrong" not in done.stderr


class TestOthers:
    def test_unknown_settings_exit_2(self, tmp_path: Path) -> None:
        (tmp_path / "qa_engine.toml").write_text("[llm]\ntemprature = 1\n")
        assert_one_sentence(run("config", cwd=tmp_path), 2, "llm.temprature", "temperature")

    def test_config_masks_keys(self, tmp_path: Path) -> None:
        done = run("config", "--json", cwd=tmp_path, OPENAI_API_KEY="sk-secret-123")
        assert done.returncode == 0
        assert "sk-secret-123" not in done.stdout
        assert json.loads(done.stdout)["llm"]["api_key"]

    def test_collections_lists_names_files_and_nodes(self, place: Path) -> None:
        content = json.loads(run("collections", "--json", cwd=place).stdout)["collections"]
        assert [(c["collection"], c["files"]) for c in content] == [("风景 名胜", 1)]

    def test_models_are_prepared_into_the_named_cache_and_checked(self, tmp_path: Path) -> None:
        cache = tmp_path / "缓存 folder"
        missing = run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache))
        assert missing.returncode == 3
        assert "qa-engine models prepare" in missing.stderr
        made = run("models", "prepare", cwd=tmp_path, QA_ENGINE_CACHE=str(cache))
        assert made.returncode == 0
        assert str(cache) in made.stdout
        assert run("models", "status", cwd=tmp_path, QA_ENGINE_CACHE=str(cache)).returncode == 0
        shutil.rmtree(cache)

    def test_help_names_the_exit_codes(self, tmp_path: Path) -> None:
        done = run("--help", cwd=tmp_path)
        assert done.returncode == 0
        assert "Exit codes" in done.stdout


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, qa_engine; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    heavy = {"llama_index", "chromadb", "torch", "onnxruntime", "pymupdf", "numpy", "pydantic"}
    assert not heavy & set(eval(done.stdout))


def test_asking_with_local_models_imports_neither_torch_nor_sentence_transformers() -> None:
    code = (
        "import sys; from qa_engine import QueryEngine; "
        "from qa_engine.retrieval.rerank import build_reranker; "
        "print('torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["False", "False"]


def test_no_connection_is_made_in_the_default_configuration(place: Path, local_model: Path) -> None:
    """The command runs with a socket module that fails on any connection beyond loopback."""
    guard = place / "sitecustomize.py"
    guard.write_text(
        "import socket\n"
        "real = socket.socket.connect\n"
        "def connect(self, address):\n"
        "    raise SystemExit(f'CONNECTED {address}')\n"
        "socket.socket.connect = connect\n"
        "socket.getaddrinfo = lambda *a, **k: (_ for _ in ()).throw(SystemExit(f'RESOLVED {a}'))\n",
        encoding="utf-8",
    )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "qa_engine", "ask", "雷峰塔有多高？", "-c", "风景 名胜"],
            cwd=place,
            env={**os.environ, "PYTHONPATH": f"{place}:{ROOT}"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
    finally:
        guard.unlink()
    assert "71.679" in done.stdout
    assert "CONNECTED" not in done.stderr + done.stdout
    assert "RESOLVED" not in done.stderr + done.stdout
    assert socket.socket.connect is not None
