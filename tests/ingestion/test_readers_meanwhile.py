"""Other processes ask while files are replaced, moved and removed: no error, no file that is half old and half new."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from ingest_process import ingest
from pdf_factory import english_pdf
from processes import python

FILES = 4
LINES = 6
READ = """
import json, random, re, sys, time
from pathlib import Path
from hash_embedding import HashEmbedding
from qa_engine import QueryEngine
from qa_engine.config import Config

storage, seconds = Path(sys.argv[1]), float(sys.argv[2])
config = Config(rerank={"model": "none"}, retrieval={"window_chars": 5000})
engine = QueryEngine.open(storage, config=config, embed_model=HashEmbedding(model_name="hash"))
print("ready", flush=True)
asked = seen = 0
versions = set()
end = time.monotonic() + seconds
while time.monotonic() < end:
    number = random.randrange(%(files)d)
    passages = engine.retrieve(f"What does file {number} say?", top_k=8)
    asked += 1
    files = set()
    for passage in passages:
        found = re.findall(r"file (\\d+) in version (\\d+), line (\\d+)", passage.node.get_content())
        assert len({pair[:2] for pair in found}) == 1, found
        # The window is as wide as a file: all of it is there.
        assert [int(line) for _, _, line in found] == list(range(%(lines)d)), found
        assert found[0][0] not in files, ("twice", found[0][0])
        files.add(found[0][0])
        versions.add(found[0][:2])
        seen += 1
    # The first file is never removed.
    assert "0" in files, files
print(json.dumps({"asked": asked, "seen": seen, "versions": len(versions)}))
"""


def write(docs: Path, number: int, version: int) -> None:
    lines = [f"This is file {number} in version {version}, line {line}." for line in range(LINES)]
    english_pdf(docs / f"{number}.pdf", lines, header=None)


def read_meanwhile(docs: Path, storage: Path, readers: int, seconds: float) -> None:
    for number in range(FILES):
        write(docs, number, 0)
    ingest(docs, storage)
    code = READ % {"files": FILES, "lines": LINES}
    processes = [python(code, str(storage), str(seconds)) for _ in range(readers)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
        version = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            version += 1
            for number in range(FILES):
                if number and version % 5 == number:
                    (docs / f"{number}.pdf").unlink(missing_ok=True)
                elif version % 3 == 0 and number and (docs / f"{number}.pdf").exists():
                    (docs / f"{number}.pdf").rename(docs / f"other{version}-{number}.pdf")
                else:
                    write(docs, number, version)
            ingest(docs, storage, prune=True)
            for moved in docs.glob("other*.pdf"):
                moved.unlink()
        results = []
        for process in processes:
            output, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            results.append(json.loads(output.splitlines()[-1]))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert all(result["asked"] > 10 and result["seen"] > 10 for result in results)
    # Readers have gone from one state to the next.
    assert version > 2
    assert all(result["versions"] > FILES for result in results), (results, version)


@pytest.mark.usefixtures("parsed_in_place")
def test_readers_find_whole_files_while_they_are_replaced(docs: Path, storage: Path) -> None:
    read_meanwhile(docs, storage, readers=2, seconds=6)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("parsed_in_place")
def test_four_readers_find_whole_files_for_five_minutes(docs: Path, storage: Path) -> None:
    read_meanwhile(docs, storage, readers=4, seconds=300)
