"""Two records of what is stored, retrieved and answered: recorded from a real collection, changed, and compared."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import same_results
from typer.testing import CliRunner

QUESTION = "places: 西湖的水面有多大？"


@pytest.fixture
def record() -> dict[str, Any]:
    """One node and one question, in the shape that `dump` writes."""
    passages = [
        {"id": f"a-000000{number}", "score": 1.5 - number, "ranks": {"dense": number}, "text": "0f"}
        for number in (1, 2)
    ]
    citation = {"number": 1, "id": "a-0000001", "page": 3, "boxes": [{"page": 3, "x0": 64.0}], "score": 0.5}
    answer = {"response": "6.38平方公里[1]", "refused": False, "probability": 0.9, "citations": [citation]}
    return {
        "collections": {
            "places": {"nodes": {"a-0000001": {"content": "0f", "vector": "1e"}}, "failures": {}}
        },
        "questions": {QUESTION: {"passages": passages, "answer": answer}},
    }


def compare(before: object, after: object, folder: Path, *options: str) -> tuple[int, list[str]]:
    """The exit status and the lines of `compare`."""
    files = [folder / "before.json", folder / "after.json"]
    for file, content in zip(files, (before, after), strict=True):
        file.write_text(json.dumps(content), encoding="utf-8")
    result = CliRunner().invoke(same_results.app, ["compare", *map(str, files), *options])
    return result.exit_code, result.output.splitlines()


def test_the_same_is_said_in_one_line(record: dict[str, Any], tmp_path: Path) -> None:
    status, lines = compare(record, record, tmp_path)
    assert (status, lines) == (0, ["The same within 1e-06: 1 nodes in 1 collections, 1 questions."])


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("passages/0/ranks/dense", 2, "/passages/1/ranks/dense: 1, now 2"),
        ("passages/0/score", 0.51, "/passages/1/score: 0.5, now 0.51 (+0.01)"),
        ("passages/1/text", "aa", "/passages/2/text: '0f', now 'aa'"),
        ("passages/0/id", "b-0000001", "/passages/1/id: 'a-0000001', now 'b-0000001'"),
        ("answer/probability", None, "/answer/probability: 0.9, now None"),
        ("answer/refused", True, "/answer/refused: False, now True"),
        ("answer/citations", [], "/answer/citations: 1 entries, now 0"),
        ("answer/citations/0/page", 4, "/answer/citations/1/page: 3, now 4"),
        ("answer/citations/0/boxes/0/x0", 65.0, "/answer/citations/1/boxes/1/x0: 64.0, now 65.0 (+1)"),
    ],
)
def test_differences_of_a_question_are_found(
    record: dict[str, Any], path: str, value: object, place: str, tmp_path: Path
) -> None:
    after = copy.deepcopy(record)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    target = after["questions"][QUESTION]
    for key in parents:
        target = target[key]
    target[last] = value
    status, lines = compare(record, after, tmp_path)
    assert (status, lines[0]) == (1, f"/questions/{QUESTION}{place}")
    assert lines[1].startswith("1 differences between")


def test_a_missing_question_and_a_new_node_are_found(record: dict[str, Any], tmp_path: Path) -> None:
    after = copy.deepcopy(record)
    del after["questions"][QUESTION]
    after["collections"]["places"]["nodes"]["b-0000001"] = {"content": "0f", "vector": "1e"}
    status, lines = compare(record, after, tmp_path)
    assert status == 1
    assert lines[:2] == [
        "/collections/places/nodes/b-0000001: is new",
        f"/questions/{QUESTION}: is missing",
    ]


def test_scores_may_differ_by_the_tolerance(record: dict[str, Any], tmp_path: Path) -> None:
    after = copy.deepcopy(record)
    after["questions"][QUESTION]["passages"][0]["score"] += 5e-7
    assert compare(record, after, tmp_path)[0] == 0
    assert compare(record, after, tmp_path, "--tolerance", "1e-7")[0] == 1


def test_no_more_lines_than_asked_for(record: dict[str, Any], tmp_path: Path) -> None:
    after = copy.deepcopy(record)
    for passage in after["questions"][QUESTION]["passages"]:
        passage["text"] = "aa"
    _, lines = compare(record, after, tmp_path, "--most", "1")
    assert len(lines) == 2
    assert lines[1].startswith("2 differences")


@pytest.mark.slow
def test_whole_script(squad: Path, tmp_path: Path, local_model: Path) -> None:
    files = [tmp_path / name for name in ("first.json", "again.json")]
    for file in files:
        arguments = ["dump", str(squad), "--storage", str(tmp_path / "storage"), "--out", str(file)]
        result = CliRunner().invoke(same_results.app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    first, again = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    assert list(first["collections"]) == ["places", "documents"]
    assert first["questions"][QUESTION]["answer"]["citations"][0]["file"] == "places_001.pdf"
    assert compare(first, again, tmp_path)[0] == 0
