"""Medians and ratios of the speed benchmark, one thread in its children, and one small run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pdf_speed
import pymupdf
import pytest
from one_thread import environment
from pdf_pages import make_pdf
from pdf_speed import Runner, first_pages, measure_workers, readers_report, summarise, workers_report
from typer.testing import CliRunner


def measured(seconds: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "cpu_seconds": seconds / 2,
        "start_seconds": 0.5,
        "peak_bytes": 1e8,
        "characters": 1000,
    }


def test_medians_and_ratios_by_round() -> None:
    runs = {
        "pymupdf4llm": [measured(10), measured(40), measured(20)],
        "layout": [measured(5), measured(40), measured(16)],
    }
    summary = summarise(runs, pages=100)
    assert summary["layout"]["pages_per_second"] == 100 / 16
    assert summary["layout"]["cpu_ms_per_page"] == 80
    assert summary["layout"]["speed_ratio"] == 20 / 16
    assert summary["pymupdf4llm"]["speed_ratio"] == 1
    report = readers_report(summary, "title", 3)
    assert [row[0] for row in report.rows] == ["pymupdf4llm", "qa_engine layout"]


def test_two_workers_against_one() -> None:
    class Fake:
        def run(self, *arguments: str) -> dict[str, Any]:
            return measured(10 if arguments[2] == "1" else 5.25)

    result = measure_workers(Fake(), "fast", Path("w.pdf"), [Path("a.pdf")] * 4, 3)  # type: ignore[arg-type]
    assert result["net_ratio"] == 2
    assert result["ratio"] == pytest.approx(10 / 5.25)
    assert workers_report({"fast": {"pages": 8, **result}}).rows[0][:3] == ["qa_engine fast", "8", "4"]


def test_sessions_of_a_child_have_one_thread(tmp_path: Path) -> None:
    code = (
        "import onnxruntime; print(onnxruntime.InferenceSession.__name__);"
        "import pymupdf; print(len(pymupdf.open()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["OneThreadSession", "0"]


def test_the_first_pages(tmp_path: Path) -> None:
    made = make_pdf(tmp_path, "made", "zh", pages=3)
    with pymupdf.open(first_pages(made.path, tmp_path / "part.pdf", 1, 5)) as part:
        assert len(part) == 2


def test_a_child_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no-such"):
        Runner(tmp_path).run("read", "get_text", "no-such.pdf", "no-such.pdf")


def test_the_command_runs(tmp_path: Path) -> None:
    app = pdf_speed.typer.Typer()
    app.command()(pdf_speed.main)
    arguments = [
        "--pages",
        "4",
        "--rounds",
        "1",
        "--reader",
        "get_text",
        "--no-workers",
        "--out",
        str(tmp_path),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    results = json.loads((tmp_path / "pdf_speed.json").read_text(encoding="utf-8"))
    row = results["readers"]["get_text"]
    assert results["pages"] == 4
    assert row["pages_per_second"] > 0 and row["peak_bytes"] > 1e6
    assert 900 < row["characters_per_page"] < 1600
