"""``ask`` as a user runs it: exit codes, what is on which stream, and the pictures of ``--images``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT, assert_refused, run, run_anew
from openai_server import OpenAIServer, chat, closed_port, error
from pdf_factory import chinese_pdf

REFUSAL = "我无法回答您的问题"
QUESTION = "西湖的平均水深是多少？"


class TestAsk:
    def test_json_is_one_object_and_nothing_else(self, lake: Path, local_model: Path) -> None:
        done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", "--json", cwd=lake)
        content = json.loads(done.stdout)
        assert done.returncode == 0
        assert "71.679" in content["answer"]
        assert content["refused"] is False
        assert content["citations"][0]["file"] == "西湖介绍.pdf"

    def test_people_get_the_answer_and_its_sources(self, lake: Path, local_model: Path) -> None:
        done = run_anew("ask", "雷峰塔有多高？", "-c", "风景 名胜", "--explain", cwd=lake)
        assert done.returncode == 0
        assert "71.679" in done.stdout
        assert "[1] 西湖介绍.pdf 第1页" in done.stdout
        assert "rerank" in done.stdout
        assert done.stderr == ""

    def test_a_refusal_is_the_exact_sentence_and_exit_0(self, lake: Path, local_model: Path) -> None:
        done = run("ask", "如何申请美国签证？", "-c", "风景 名胜", cwd=lake)
        assert (done.returncode, done.stdout.strip()) == (0, REFUSAL)

    def test_search_only_makes_no_answer(self, lake: Path, local_model: Path) -> None:
        arguments = ["ask", "西湖", "-c", "风景 名胜", "--search-only", "--top-k", "2", "--json"]
        content = json.loads(run(*arguments, cwd=lake).stdout)
        assert content["answer"] is None
        assert 1 <= len(content["passages"]) <= 2
        assert content["passages"][0]["rank"] == 1

    def test_the_script_is_the_command(self, lake: Path, local_model: Path) -> None:
        script = [sys.executable, str(ROOT / "scripts" / "ask.py"), "雷峰塔有多高？", "-c", "风景 名胜"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            script, cwd=lake, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
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
        self, lake: Path, local_model: Path, arguments: list[str], words: list[str]
    ) -> None:
        assert_refused(run("ask", *arguments, cwd=lake), 2, *words)

    def test_an_index_of_another_embedding_model_exits_2(self, lake: Path) -> None:
        variables = {"QA_ENGINE_EMBEDDING__PROVIDER": "openai", "QA_ENGINE_EMBEDDING__MODEL": "other"}
        done = run("ask", "你好", "-c", "风景 名胜", cwd=lake, OPENAI_API_KEY="sk-secret", **variables)
        assert_refused(done, 2, "multilingual-e5-small", "'other'")
        assert "sk-secret" not in done.stderr

    def test_a_port_nobody_listens_on_exits_3(self, lake: Path, local_model: Path) -> None:
        port = closed_port()
        variables = {
            "QA_ENGINE_LLM__MODEL": "qwen",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "QA_ENGINE_LLM__MAX_RETRIES": "0",
        }
        done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", cwd=lake, **variables)
        assert_refused(done, 3, f"127.0.0.1:{port}")

    def test_an_llm_is_one_variable_away(self, lake: Path, local_model: Path) -> None:
        with OpenAIServer(chat("高71.679米[1]。")) as server:
            variables = {"QA_ENGINE_LLM__MODEL": "qwen", "OPENAI_BASE_URL": server.url}
            done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", "--json", cwd=lake, **variables)
        content = json.loads(done.stdout)
        assert content["answer"] == "高71.679米[1]。"
        assert content["models"]["llm"] == "qwen"

    def test_a_wrong_key_exits_2(self, lake: Path, local_model: Path) -> None:
        with OpenAIServer(error(401, "no")) as server:
            variables = {
                "QA_ENGINE_LLM__MODEL": "qwen",
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": "sk-wrong",
            }
            done = run("ask", "雷峰塔有多高？", "-c", "风景 名胜", cwd=lake, **variables)
        assert_refused(done, 2, "key")
        assert "sk-wrong" not in done.stderr


class TestImages:
    def test_pictures_of_the_citations_are_written(self, pages_of_lake: Path, cited_answer: dict) -> None:
        for citation in cited_answer["citations"]:
            pages = {box["page"] for box in citation["boxes"]}
            assert len(citation["images"]) == len(pages)
            for image in citation["images"]:
                assert Path(image).name.startswith(f"{citation['number']}-")
                assert (pages_of_lake / image).read_bytes().startswith(b"\x89PNG")

    def test_refusal_writes_none(self, pages_of_lake: Path, model_cache: Path) -> None:
        arguments = ("ask", "谁发明了电话？", "--images", "none")
        done = run(*arguments, cwd=pages_of_lake, QA_ENGINE_CACHE=str(model_cache))
        assert done.stdout.strip() == "我无法回答您的问题"
        assert not (pages_of_lake / "none").exists()

    def test_id_for_show_is_printed(self, pages_of_lake: Path, cited_answer: dict, model_cache: Path) -> None:
        done = run("ask", QUESTION, cwd=pages_of_lake, QA_ENGINE_CACHE=str(model_cache))
        assert cited_answer["citations"][0]["id"] in done.stdout


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A working directory whose one file is gone since it was ingested."""
    folder = tmp_path_factory.mktemp("asked")
    chinese_pdf(folder / "pdfs" / "西湖.pdf")
    done = run("ingest", "pdfs", cwd=folder, QA_ENGINE_CACHE=str(model_cache))
    assert done.returncode == 0, done.stderr
    (folder / "pdfs" / "西湖.pdf").unlink()
    return folder


class TestImagesOfAnAnswer:
    def test_answer_is_printed_although_there_is_no_picture(self, asked: Path, model_cache: Path) -> None:
        done = run("ask", QUESTION, "--images", "cited", cwd=asked, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 1
        assert "2.27米" in done.stdout
        assert done.stderr.count("西湖.pdf is gone") == 1
        assert "Traceback" not in done.stderr
        assert not (asked / "cited").exists()

    def test_json_is_whole_although_there_is_no_picture(self, asked: Path, model_cache: Path) -> None:
        arguments = ("ask", QUESTION, "--images", "cited", "--json")
        done = run(*arguments, cwd=asked, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 1
        content = json.loads(done.stdout)
        assert "2.27米" in content["answer"]
        assert [citation["images"] for citation in content["citations"]] == [[]] * len(content["citations"])

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--images", "occupied"], ["occupied is no folder", "--images"]),
            (["--images", "x" * 300], ["x" * 300, "--images"]),
            (["--images", "fine", "--search-only"], ["--images", "--search-only"]),
        ],
    )
    def test_wrong_usage_is_refused_before_the_question_is_asked(
        self, arguments: list[str], words: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "occupied").write_text("in the way")
        assert_refused(run("ask", QUESTION, *arguments, cwd=tmp_path), 2, *words)
