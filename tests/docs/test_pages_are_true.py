"""Compares what the documentation says with what the code and the project file have."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from docs.pages import PAGES, ROOT, blocks, prose
from docs.settings_table import fields, rows
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine import Answer, Citation, IngestReport, errors
from qa_engine.answering.answer import passage_to_dict
from qa_engine.cli.app import app
from qa_engine.diagnosis.report import Check, Diagnosis
from qa_engine.ingestion.files.info import FileInfo, FileLine
from qa_engine.ingestion.maintenance.delete import DeleteReport
from qa_engine.ingestion.report import FileStatus
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord, Translation
from qa_engine.retrieval.expansion.expanded_query import Expansion
from qa_engine.retrieval.explanation import Condensation, Explanation
from qa_engine.retrieval.glossary.glossary import GlossaryTerm

DOCS = ROOT / "docs"
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)")


def _text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


# -- configuration


def _documented_settings() -> dict[str, tuple[str, str]]:
    found = {}
    section = ""
    for line in _text("configuration.md").splitlines():
        if line.startswith("### "):
            section = line[4:].strip()
        elif row := re.match(r"\| `(\w+)` \| ([^|]+) \| ([^|]+) \| .+ \|$", line):
            name = row[1] if section == "Without a section" else f"{section}.{row[1]}"
            found[name] = (row[2], row[3])
    return found


def test_configuration_lists_every_setting_with_its_default_and_bounds() -> None:
    assert _documented_settings() == {name: (default, values) for name, default, values in rows()}


def test_the_example_file_lists_every_setting_with_its_default() -> None:
    text = (ROOT / "qa_engine.example.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text).keys() <= {name.split(".")[0] for name, _ in fields()}
    uncommented = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    tree = tomllib.loads(uncommented)
    shown: dict[str, Any] = {}
    for key, value in tree.items():
        shown |= (
            {f"{key}.{name}": inner for name, inner in value.items()}
            if isinstance(value, dict)
            else {key: value}
        )
    expected = {name: field.default for name, field in fields() if not name.endswith("api_key")}
    assert shown.keys() == expected.keys()
    for name, default in expected.items():
        if default is not None:
            assert str(shown[name]) == str(default) or shown[name] == default, name


def test_settings_named_in_prose_exist() -> None:
    names = {name for name, _ in fields()}
    sections = {name.split(".")[0] for name in names if "." in name}
    for page in PAGES:
        for name in re.findall(r"`([a-z0-9]+\.(?!py`)[a-z0-9_]+)`", prose(page)):
            if name.split(".")[0] in sections:
                assert name in names, f"{page.name}: {name}"
        for name in re.findall(r"QA_ENGINE_([A-Z0-9]+__[A-Z0-9_]+)=", page.read_text(encoding="utf-8")):
            assert name.lower().replace("__", ".") in names or name == "ANSWERING__TRESHOLD", (
                f"{page.name}: {name}"
            )


# -- dependencies


def _package(requirement: str) -> str:
    return re.split(r"[<>=!~\[ ;]", requirement, maxsplit=1)[0]


def test_dependencies_lists_each_dependency_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core, _, extras = _text("dependencies.md").partition("Extras:")
    assert re.findall(r"^\| `([^`]+)` \| \S", core, re.MULTILINE) == [
        _package(r) for r in project["dependencies"]
    ]
    expected = [
        (extra, _package(requirement))
        for extra, requirements in project["optional-dependencies"].items()
        for requirement in requirements
    ]
    assert re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| \S", extras, re.MULTILINE) == expected


# -- links


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_resolve(page: Path) -> None:
    for target, anchor in _LINK.findall(prose(page)):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(path), f"{page.name} links to {target}{anchor}"


def test_every_page_is_linked_from_the_readme() -> None:
    for readme in ("README.md", "README.zh-CN.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in text] == []


# -- commands


def _commands() -> dict[str, set[str]]:
    """The options of every command, ``models prepare`` and the like by both words."""
    found: dict[str, set[str]] = {}

    def visit(command: Any, name: str) -> None:
        found[name] = {option for parameter in command.params for option in parameter.opts}
        for key in command.list_commands(None) if hasattr(command, "list_commands") else ():
            visit(command.get_command(None, key), f"{name} {key}".strip())

    visit(typer.main.get_command(app), "")
    return found


def test_commands_and_options_in_code_blocks_exist() -> None:
    commands = _commands()
    seen = 0
    for page in PAGES:
        for block in blocks(page):
            for line in block.code.splitlines() if block.is_shell else []:
                for call in re.findall(r"qa-engine (?!&&)([^|&;#]+)", line):
                    words = re.sub(r"\"[^\"]*\"|'[^']*'", "X", call).split()
                    name = next((n for n in (" ".join(words[:2]), words[0]) if n in commands), None)
                    assert name is not None, f"{page.name}: qa-engine {call}"
                    options = {word.split("=")[0] for word in words if word.startswith("-")}
                    assert options <= commands[name] | {"--help"}, f"{page.name}: {line}"
                    seen += 1
    assert seen > 20


def test_options_in_prose_exist() -> None:
    known = set().union(*_commands().values()) | {"--help"}
    for page in PAGES:
        if page.name != "benchmarks.md":
            options = set(re.findall(r"`(?:qa-engine [^`]*?)?(--[a-z-]+)[^`]*`", prose(page)))
            assert options <= known, page.name


# -- errors and JSON


def test_errors_lists_every_class_with_its_exit_code() -> None:
    classes = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.QAEngineError)
    }
    documented = re.findall(r"^\| `(\w+Error)`[^|]* \| (\d) \|", _text("errors.md"), re.MULTILINE)
    assert {name: int(code) for name, code in documented} == classes


def test_ingestion_lists_every_status_of_a_file() -> None:
    section = _text("ingestion.md").partition("\n## What has become of a file\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(get_args(FileStatus))


def test_ingestion_lists_every_reason_of_failure() -> None:
    reasons = set(re.findall(r"``(\w+)``", errors.DocumentError.__doc__ or ""))
    section = _text("ingestion.md").partition("\n## Files that fail\n")[2]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert set(documented) == reasons
    assert len(documented) == len(reasons)


def _documented_keys(kind: str) -> list[str]:
    table = _text("json.md").partition(f"<!-- keys: {kind} -->\n")[2].partition("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]


def test_json_lists_every_key() -> None:
    passage = passage_to_dict(1, NodeWithScore(node=TextNode(text="甲")))
    assert _documented_keys("ingest") == list(IngestReport("c").to_dict())
    assert _documented_keys("ask") == list(Answer(response="甲").to_dict())
    (citation,) = Answer(response="甲", citations=[Citation(1, "a.pdf", 1, 1, "甲")]).to_dict()["citations"]
    assert _documented_keys("citation") == list(citation)
    assert set(_documented_keys("passage")) == set(passage)


def test_json_lists_every_key_of_files_and_checks() -> None:
    assert _documented_keys("list") == [field.name for field in dataclass_fields(FileLine)]
    assert _documented_keys("file") == [field.name for field in dataclass_fields(FileInfo)]
    assert _documented_keys("delete") == list(DeleteReport("c").to_dict())
    assert _documented_keys("doctor") == list(Diagnosis("s", []).to_dict())
    assert _documented_keys("check") == list(Check("c", "ok", "m").to_dict())


def test_json_lists_every_key_of_an_explanation() -> None:
    explanation = Explanation(
        [NodeWithScore(node=TextNode(text="甲"))],
        expansion=Expansion(),
        condensation=Condensation("甲", "乙"),
        glossary=[GlossaryTerm("甲", ("乙",))],
        translated=[TranslatedWord("甲", (Translation("first", ("first",)),), 0, 1)],
    ).to_dict()
    assert _documented_keys("explanation") == list(explanation)
    assert _documented_keys("expansion") == list(explanation["expansion"])
    assert _documented_keys("glossary term") == list(explanation["glossary"][0])
    assert _documented_keys("translated word") == list(explanation["translated"][0])
    assert _documented_keys("condensation") == list(explanation["condensation"])
    assert set(_documented_keys("explained passage")) == set(explanation["passages"][0])
