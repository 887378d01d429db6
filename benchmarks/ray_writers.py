"""Storing in a search engine and on a Chroma server: one writer, and Ray workers that store themselves.

    python benchmarks/ray_writers.py                       # 200 files of 100 sentences; 1, 2 and 4 workers
    python benchmarks/ray_writers.py --files 400 --workers 1 --workers 2
    python benchmarks/ray_writers.py --reading             # files are read as well

Reading and embedding are left out: texts are read beforehand, and vectors are random numbers. The servers, an OpenSearch
node and a Chroma server, run on the same machine, and share its cores. Needs the extras ``ray`` and ``search``, Java and
Maven.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import progress_console
from corpus import SEED
from ingest import write_pdfs
from prepared import QuickEmbedding, prepare, use_prepared
from report import RESULTS, Report, cores, publish

_HERE = Path(__file__).parent
_TESTS = _HERE.parent / "tests"
_TICKS = os.sysconf("SC_CLK_TCK")
_SERIAL = (
    "comparing",
    "announcing",
    "committing",
    "storing vectors",
    "storing token vectors",
    "publishing",
)
"""Stages of the machine that runs the command during which it can do nothing else."""
_WARM_FILES = 8
_WATCH_SECONDS = 0.2


def processor_seconds(pids: list[int]) -> float:
    """Processor time that processes have used until now."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def ray_processes() -> list[int]:
    """The workers of the Ray cluster that this process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_text()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            grandparent = Path("/proc", parent, "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if title.startswith("ray::") and int(grandparent) == os.getpid():
            found.append(int(folder.name))
    return found


class RayProcesses:
    """Watches the workers of the Ray cluster, some of which end with a run, for the processor time that they have used."""

    def __init__(self) -> None:
        self._used: dict[int, float] = {}
        self._ending = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def seconds(self) -> float:
        self._look()
        return sum(self._used.values())

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(_WATCH_SECONDS):
            self._look()

    def _look(self) -> None:
        for pid in ray_processes():
            self._used[pid] = max(self._used.get(pid, 0.0), processor_seconds([pid]))


def store(
    folder: Path, work: Path, workers: int, reading: bool, places: dict[str, Any], servers: dict[str, int]
) -> None:
    """Stores the files once to warm up and once measured, and prints what was measured. Runs in a process of its own."""
    from qa_engine import ingest

    config = {"index": {**places, "search_prefix": f"bench-{secrets.token_hex(4)}"}}
    options: dict[str, Any] = {
        "config": config,
        "embed_model": QuickEmbedding(model_name="quick", reads=reading),
    }
    if workers:
        import ray

        os.environ["PYTHONPATH"] = os.pathsep.join([str(_HERE), *filter(None, sys.path)])
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        options["ray"] = "auto"
    else:
        if not reading:
            use_prepared()
        options["workers"] = 1
    files = sorted(folder.glob("*.pdf"))
    warm = files[: max(_WARM_FILES, 6 * workers)]
    ingest(warm, work / "warm", "warm", **options)
    pids = {**servers, "command": os.getpid()}
    ray_workers = RayProcesses()
    before = {name: processor_seconds([pid]) for name, pid in pids.items()}
    before["workers"] = ray_workers.seconds()
    started = time.perf_counter()
    report = ingest(files, work / "storage", "measured", **options)
    seconds = time.perf_counter() - started
    used = {name: processor_seconds([pid]) - before[name] for name, pid in pids.items()}
    used["workers"] = ray_workers.seconds() - before["workers"]
    ray_workers.stop()
    assert report.added == len(files), report
    found = {"seconds": seconds, "nodes": report.nodes, "files": len(files), "timings": report.timings}
    print(json.dumps({**found, "processor": used}))


def main(
    files: Annotated[int, typer.Option(help="Files of invented text.")] = 200,
    sentences: Annotated[int, typer.Option(help="Sentences of each.")] = 100,
    workers: Annotated[list[int] | None, typer.Option(help="Ray workers, for one measurement each.")] = None,
    rounds: Annotated[int, typer.Option(help="How often each is measured; the fastest counts.")] = 1,
    reading: Annotated[
        bool, typer.Option("--reading", help="Files are read as well, without embedding.")
    ] = False,
    seed: int = SEED,
    out: Path = RESULTS,
    child: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    if child:
        given = json.loads(child)
        folder, own = Path(given.pop("folder")), Path(given.pop("work"))
        store(folder, own, **given)
        return
    sys.path.append(str(_TESTS))
    from chroma_process import ChromaProcess
    from search_server import SearchCluster

    found: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="ray-writers-") as temporary:
        work = Path(temporary)
        write_pdfs(work / "pdf", files, sentences, seed)
        prepare(work / "pdf")
        (work / "chroma").mkdir()
        search = SearchCluster("opensearch-2", work / "search", heap="1g")
        search.prepare()
        with search, ChromaProcess(work / "chroma") as chroma:
            assert chroma._process is not None
            servers = {"OpenSearch": search.nodes[0].pid, "Chroma": chroma._process.pid}
            for turn in range(rounds):
                for count in [0, *(workers or [1, 2, 4])]:
                    own = work / f"{count}-{turn}"
                    own.mkdir()
                    given = {
                        "folder": str(work / "pdf"),
                        "work": str(own),
                        "workers": count,
                        "reading": reading,
                        "places": {"url": chroma.url, "search_url": search.url},
                        "servers": servers,
                    }
                    command = [sys.executable, __file__, "--child", json.dumps(given)]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    result = json.loads(done.stdout.splitlines()[-1])
                    progress_console.print(f"{count} Ray workers: {result}", highlight=False)
                    if count not in found or result["seconds"] < found[count]["seconds"]:
                        found[count] = result
    publish(out, "ray_writers", [table(found, reading)], {"seed": seed, "reading": reading, "writers": found})


def table(found: dict[int, dict[str, Any]], reading: bool) -> Report:
    """A row for each number of writers."""
    rows = []
    for count, one in found.items():
        serial = sum(one["timings"].get(stage, 0.0) for stage in _SERIAL)
        used = one["processor"]
        rows.append(
            [
                f"{count} Ray workers" if count else "one writer, no Ray",
                f"{one['seconds']:.1f}",
                f"{one['nodes'] / one['seconds']:,.0f}",
                f"{1000 * one['seconds'] / one['nodes']:.2f}",
                f"{1000 * serial / one['files']:.1f}",
                f"{serial / one['seconds']:.0%}",
                f"{used['command']:.1f}",
                f"{used['workers']:.1f}" if count else "",
                f"{used['OpenSearch']:.1f}",
                f"{used['Chroma']:.1f}",
                f"{sum(used.values()) / one['seconds'] / cores():.0%}",
            ]
        )
    columns = [
        "",
        "s",
        "sentences/s",
        "ms a sentence",
        "serial ms a file",
        "serial share",
        "cpu s: command",
        "workers",
        "OpenSearch",
        "Chroma",
        "of all cores",
    ]
    first = next(iter(found.values()))
    prepared = "vectors" if reading else "texts and vectors"
    notes = [
        f"{first['files']:,} files, {first['nodes']:,} sentences, {cores()} cores for everything; {prepared} are made "
        "beforehand. serial: what the command itself does, one thing after the other: comparing, announcing, "
        "committing, publishing, and without Ray the storing.",
    ]
    return Report("Storing on servers", columns, rows, notes)


if __name__ == "__main__":
    typer.run(main)
