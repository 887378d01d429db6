"""The command as a process: it says where it listens, stops at a signal, and ends with the documented exit codes."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event

import httpx
from answer_events import read_events
from command_line import run
from openai_server import OpenAIServer, held


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    """The command on a free port, and the address that it tells."""
    command = [sys.executable, "-m", "qa_engine", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://\S+:\d+", process.stderr.readline())
    assert found is not None
    return process, found[0]


def test_it_serves_until_sigterm_and_ends_well(storage: Path) -> None:
    process, url = start("--storage", str(storage), "--collection", "papers")
    with process:
        assert httpx.get(f"{url}/healthz", timeout=60).json() == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_stream_is_told_that_the_server_stops(storage: Path, tmp_path: Path) -> None:
    release, left = Event(), Event()
    with OpenAIServer(held(["雷峰塔高约72米[1]。", "它在"], [], release, left)) as model:
        settings = f"""
            [llm]
            model = "m"
            base_url = "{model.url}"
            [answering]
            llm_threshold = 0.0
            [server]
            draining_seconds = 0.5
        """
        (tmp_path / "qa_engine.toml").write_text(settings, encoding="utf-8")
        process, url = start("--storage", str(storage), "--collection", "西湖")
        with process:
            body = {"question": "雷峰塔有多高？", "stream": True}
            with httpx.stream("POST", f"{url}/api/v1/ask", json=body, timeout=60) as response:
                events = read_events(response.iter_lines())
                assert "delta" in (event.name for event in events)
                process.send_signal(signal.SIGTERM)
                last = list(events)[-1]
            assert (last.name, last.data["code"]) == ("error", "draining")
            assert left.wait(30)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in errors


def test_what_cannot_be_opened_is_one_sentence_and_its_exit_code(storage: Path, tmp_path: Path) -> None:
    (tmp_path / "qa_engine.toml").write_text("[embedding]\npass_chars = 0\n", encoding="utf-8")
    process, _ = start("--storage", str(storage), "--collection", "papers")
    with process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.splitlines()[-1].startswith("error: ")
    assert "pass_chars" in errors
    assert "Traceback" not in errors


def test_an_address_that_is_taken_or_not_here_is_wrong_usage(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--port", port, cwd=tmp_path)
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
    done = run("serve", "--host", "203.0.113.7", "--no-auth", cwd=tmp_path)
    assert done.returncode == 2
    assert "--host" in done.stderr


def test_a_missing_extra_is_one_sentence_and_exit_code_3(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None; from qa_engine.cli.app import main; "
        "main(['serve', '--port', '0'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr == (
        "error: The server needs a package that is not installed (uvicorn): pip install 'qa-engine[server]'.\n"
    )
