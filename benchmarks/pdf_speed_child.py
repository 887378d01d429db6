"""One competitor of ``pdf_speed.py``, alone in its process: reads a file, and prints a line of JSON about it.

python pdf_speed_child.py read get_text WARM.pdf FILE.pdf
python pdf_speed_child.py pool fast 2 WARM.pdf FILE.pdf FILE.pdf ...
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def competitor(name: str) -> Callable[[Path], int]:
    """A function that reads a file and gives the number of characters; its imports are done."""
    if name == "pypdf":
        import logging

        import pypdf

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)
        return lambda path: sum(len(page.extract_text()) for page in pypdf.PdfReader(path).pages)
    if name == "get_text":
        import pymupdf

        def get_text(path: Path) -> int:
            with pymupdf.open(path) as document:
                return sum(len(page.get_text()) for page in document)

        return get_text
    if name == "pymupdf4llm":
        import contextlib
        import io

        import pymupdf4llm

        def to_markdown(path: Path) -> int:
            with contextlib.redirect_stdout(io.StringIO()):
                return len(pymupdf4llm.to_markdown(str(path), use_ocr=False))

        return to_markdown
    from pdf_readers import load_ours

    return lambda path: sum(len(document.text) for document in load_ours(path, name))


def read(name: str, warm: str, file: str) -> dict[str, Any]:
    """Seconds for a file, after a short one that loads whatever is loaded late."""
    started = time.perf_counter()
    function = competitor(name)
    function(Path(warm))
    ready = time.perf_counter()
    cpu = time.process_time()
    characters = function(Path(file))
    return {
        "seconds": time.perf_counter() - ready,
        "cpu_seconds": time.process_time() - cpu,
        "start_seconds": ready - started,
        "characters": characters,
        "peak_bytes": _peak(resource.RUSAGE_SELF),
    }


def pool(parser: str, workers: int, warm: str, files: list[str]) -> dict[str, Any]:
    """Seconds of ``parse_files`` for files, and, apart, for as many short ones as there are workers."""
    from pdf_readers import documents_config

    from qa_engine.documents.processes.parsing_pool import parse_files
    from qa_engine.errors import DocumentError

    config = documents_config(parser, ocr="never", timeout_seconds=3600)

    def run(paths: list[Path]) -> tuple[float, float]:
        started, before = time.perf_counter(), _cpu()
        for path, result in parse_files(paths, config, workers):
            if isinstance(result, DocumentError):
                raise RuntimeError(f"{path.name}: {result}")
        return time.perf_counter() - started, _cpu() - before

    start_seconds, _ = run([Path(warm)] * workers)
    seconds, cpu_seconds = run([Path(file) for file in files])
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "start_seconds": start_seconds,
        "peak_bytes": _peak(resource.RUSAGE_CHILDREN),
    }


def _cpu() -> float:
    """Of this process and of the children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak(who: int) -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit


if __name__ == "__main__":
    what, chosen, *rest = sys.argv[1:]
    if what == "pool":
        print(json.dumps(pool(chosen, int(rest[0]), rest[1], rest[2:])))
    else:
        print(json.dumps(read(chosen, *rest)))
