"""Yearly reports of one company and those of another: the one that a question names is cited, and a tie is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine, ingest
from qa_engine.index.catalog import Catalog

pytestmark = pytest.mark.usefixtures("local_model")
FIRMS = {"沧麓生物股份有限公司": 300, "砾原机械股份有限公司": 500}
YEARS = (2020, 2021, 2022)


def report(firm: str, year: int, income: int) -> list[str]:
    return [
        f"{firm}{year}年年度报告",
        f"本报告期内，公司实现营业收入{income}万元，比上年增长一成。",
        f"{firm}全体股东：我们审计了{firm}的财务报表，认为其在所有重大方面公允反映了{firm}的情况。",
    ]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        for firm, base in FIRMS.items():
            for year in YEARS:
                chinese_pdf(folder / f"{year}-{base}.pdf", report(firm, year, base + year))
        (folder / "2021-500.pdf.meta.json").write_text('{"organisation": "改名股份有限公司"}')
        ingest(folder, folder / "storage", "default", {})
    return folder / "storage"


@pytest.fixture(scope="module")
def engine(storage: Path) -> QueryEngine:
    return QueryEngine.open(storage, "default")


@pytest.mark.parametrize("year", YEARS)
def test_the_report_of_the_firm_and_the_year_is_cited(engine: QueryEngine, year: int) -> None:
    answer = engine.query(f"沧麓生物{year}年营业收入是多少？")
    assert [citation.file for citation in answer.citations][:1] == [f"{year}-300.pdf"]
    assert str(300 + year) in (answer.response or "")
    assert answer.nearest == []
    assert answer.citations[0].identity["period"] == str(year)
    assert answer.to_dict()["passages"][0]["identity"]["organisation"] == "沧麓生物股份有限公司"


def test_the_year_after_has_the_year_before_to_compare_with(engine: QueryEngine) -> None:
    assert engine.retrieve("沧麓生物2019年营业收入是多少？")[0].node.metadata["file_name"] == "2020-300.pdf"


def test_without_a_year_the_newest_answers_and_the_others_are_told(engine: QueryEngine) -> None:
    answer = engine.query("沧麓生物的营业收入是多少？")
    assert answer.source_nodes[0].node.metadata["file_name"] == "2022-300.pdf"
    uncited = {f"{year}-300.pdf" for year in YEARS} - {citation.file for citation in answer.citations}
    assert uncited
    assert {one.file for one in answer.nearest} == uncited
    nearest = answer.nearest[-1]
    assert (nearest.kind, nearest.file) == ("document", f"{nearest.value}-300.pdf")
    assert nearest.text == f"沧麓生物{nearest.value}年年度报告"
    assert answer.to_dict()["nearest"][-1]["value"] == nearest.value


def test_what_a_user_noted_counts(engine: QueryEngine) -> None:
    assert engine.retrieve("改名股份营业收入")[0].node.metadata["file_name"] == "2021-500.pdf"


def test_pages_of_other_periods_and_other_firms_are_told_apart(engine: QueryEngine, storage: Path) -> None:
    question = "沧麓生物2021年营业收入是多少？"
    catalog = Catalog(next(storage.rglob("catalog.sqlite")))
    documents = {file.file_name: file.document_id for file in catalog.files().values()}
    traces = {name: engine.explain_page(question, "default", one, 1) for name, one in documents.items()}
    found = {node.node.metadata["file_name"] for node in engine.retrieve(question)}
    assert {name for name, trace in traces.items() if trace.outcome == "shown"} == found
    named = {one.stage for one in traces["2021-300.pdf"].parts[0].lists}
    other = {one.stage for one in traces["2022-500.pdf"].parts[0].lists}
    assert (named, other) == ({"dense", "bm25"}, {"bm25"})
    assert traces["2022-300.pdf"].outcome == "set_aside"
    catalog.close()


def test_a_collection_of_an_earlier_version_is_identified_by_the_next_run(storage: Path) -> None:
    catalog = Catalog(next(storage.rglob("catalog.sqlite")))
    known = catalog.identities()
    with catalog.together():
        for document in known:
            catalog._connection.execute("DELETE FROM meta WHERE key = ?", (f"document_identity {document}",))
    assert catalog.identities() == {}
    engine = QueryEngine.open(storage, "default")
    assert len(engine.query("沧麓生物2021年营业收入是多少？").source_nodes) > 0
    ingest(storage.parent, storage, "default", {})
    assert catalog.identities() == known
