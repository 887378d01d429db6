"""What all commands have in common: exit codes, streams, log records, imports and connections."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import ROOT, assert_refused, run
from pdf_factory import SOLAR_SYSTEM, english_pdf

from qa_engine.cli.output import print_message, print_table, results, show_log_records


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX")
def test_interruption_has_a_message_and_its_exit_code(tmp_path: Path, model_cache: Path) -> None:
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
        messages = process.stderr.read()
    assert "error: Interrupted. What was completed is kept" in messages
    assert "Traceback" not in messages
    assert process.returncode == 130


def test_brackets_and_colons_of_texts_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = "[bold]甲[/bold] :100:"
    results().print(text)
    print_table(["file"], [[text]], ())
    print_message(text)
    printed = capsys.readouterr()
    assert (printed.out.count(text), printed.err) == (2, f"{text}\n")


@pytest.fixture
def package_logger() -> Iterator[logging.Logger]:
    """The logger of the package, as it was before at the end; so is the level of the root logger."""
    package, root = logging.getLogger("qa_engine"), logging.getLogger()
    before = (package.level, package.propagate, package.handlers[:], root.level)
    yield package
    package.level, package.propagate, package.handlers, root.level = before


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        (logging.WARNING, ["warning: The second model answers. It will for 60 s."]),
        (
            logging.INFO,
            ["info: A new state was opened.", "warning: The second model answers. It will for 60 s."],
        ),
    ],
)
def test_log_records_of_the_package_are_lines_on_standard_error(
    level: int, lines: list[str], package_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    show_log_records(level)
    part = package_logger.getChild("index")
    part.debug("Nobody reads this.")
    part.info("A new %s was opened.", "state")
    part.warning("The second model answers.\nIt will for %s s.", 60)
    logging.getLogger("chromadb").warning("This is not of our package.")
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ("", lines)


def test_help_names_the_exit_codes(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Exit codes" in done.stdout


def test_unknown_settings_exit_2(tmp_path: Path) -> None:
    (tmp_path / "qa_engine.toml").write_text("[llm]\ntemprature = 1\n")
    assert_refused(run("config", cwd=tmp_path), 2, "llm.temprature", "temperature")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hand over text")
@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "\udcff", "-c", "风景 名胜"),
        ("ask", "x", "-c", "\udcff"),
        ("ask", "x", "--filter", "file=\udcff", "-c", "风景 名胜"),
        ("ask", "x", "--filter", "\udcff=1", "-c", "风景 名胜"),
        ("list", "--storage", "\udcff"),
        ("show", "\udcff-0000001", "-c", "风景 名胜"),
        ("ingest", "pdfs", "--parser", "\udcff"),
    ],
)
def test_argument_that_is_no_text_exits_2_with_one_sentence(
    arguments: tuple[str, ...], lake: Path, model_cache: Path
) -> None:
    done = run(*arguments, cwd=lake, QA_ENGINE_CACHE=str(model_cache))
    assert_refused(done, 2, "udcff")
    assert (done.stderr.count("error:"), "fault of" in done.stderr) == (1, False)


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
        "from qa_engine.retrieval.reranking.rerank import build_reranker; "
        "print('torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["False", "False"]


def test_no_connection_is_made_in_the_default_configuration(lake: Path, local_model: Path) -> None:
    """The command runs with a socket module that fails on any connection beyond loopback."""
    guard = lake / "sitecustomize.py"
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
            cwd=lake,
            env={**os.environ, "PYTHONPATH": f"{lake}:{ROOT}"},
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
