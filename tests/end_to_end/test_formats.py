"""A folder with documents of many formats: each is ingested, answered from with its place, and marked on its page."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pymupdf
import pytest
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine, ingest
from qa_engine.config import DocumentsConfig
from qa_engine.documents.pdf.opening import opened_pdf
from qa_engine.documents.processes.parsing_pool import reading_options
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import content_path

QUESTIONS = {
    "休假制度.docx": ("年假有多少天？", "十五天", "“休假 › 年假”（转换后第1页）"),
    "报销.md": ("出差住宿每晚最多报销多少？", "600元", "“报销 › 住宿”（转换后第1页）"),
    "食堂.html": ("食堂几点关门？", "二十点三十分", "“食堂”（转换后第1页）"),
    "车辆.txt": ("公司有几辆班车？", "九辆", "转换后第1页"),
    "部件.xlsx": ("离心水泵的单价是多少？", "7100", "工作表“部件”A3:C3"),
    "仓库.csv": ("三号仓库的面积是多少？", "4200", "A4:B4"),
    "汇报.pptx": ("第二季度营业收入是多少？", "八千三百万元", "第2张幻灯片"),
    "搬迁.eml": ("办公室什么时候搬迁？", "十一月九日", "邮件“关于办公室搬迁”"),
    "须知.pdf": ("地下车库限高多少？", "两米二", "第1页"),
}
"""For each file, a question, what the answer holds, and the place that it names. The PDF is attached to the mail."""


def _write_all(folder: Path) -> None:
    docx, openpyxl, pptx = (pytest.importorskip(name) for name in ("docx", "openpyxl", "pptx"))
    document = docx.Document()
    document.add_heading("休假", 1)
    document.add_heading("年假", 2)
    document.add_paragraph("工作满一年的员工，年假为十五天。")
    document.save(folder / "休假制度.docx")
    (folder / "报销.md").write_text("# 报销\n\n## 住宿\n\n出差住宿每晚最多报销600元。\n", "utf-8")
    page = "<nav><a href='/'>首页</a></nav><h1>食堂</h1><p>食堂每天二十点三十分关门。</p>"
    (folder / "食堂.html").write_text(page, "gbk")
    (folder / "车辆.txt").write_text("公司共有九辆班车，每天早上七点发车。\n", "gb18030")
    book = openpyxl.Workbook()
    book.active.title = "部件"
    for row in (["名称", "型号", "单价（元）"], ["球阀", "QF-2", 120], ["离心水泵", "LX-7", 7100]):
        book.active.append(row)
    book.save(folder / "部件.xlsx")
    (folder / "仓库.csv").write_text(
        "仓库,面积（平方米）\n一号仓库,3600\n二号仓库,1800\n三号仓库,4200\n", "utf-8-sig"
    )
    slides = pptx.Presentation()
    for title, text in (
        ("第一季度", "第一季度营业收入为七千一百万元。"),
        ("第二季度", "第二季度营业收入为八千三百万元。"),
    ):
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text_frame.text = title, text
    slides.save(folder / "汇报.pptx")
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "关于办公室搬迁", "行政部 <office@example.com>"
    mail.set_content("各位同事：办公室将于十一月九日搬迁到新楼。")
    with pymupdf.open() as pdf:
        pdf.new_page().insert_text((72, 72), "新楼地下车库限高两米二。", fontname="china-s")
        mail.add_attachment(pdf.tobytes(), maintype="application", subtype="pdf", filename="须知.pdf")
    (folder / "搬迁.eml").write_bytes(mail.as_bytes())
    chinese_pdf(folder / "西湖.pdf")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    docs = folder / "docs"
    docs.mkdir()
    _write_all(docs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        report = ingest(docs, folder / "storage", config={})
    assert (report.added, report.failures) == (len(QUESTIONS) + 1, [])
    return folder / "storage"


@pytest.fixture(scope="module")
def engine(storage: Path) -> Iterator[QueryEngine]:
    with QueryEngine.open(storage) as opened:
        yield opened


@pytest.fixture(scope="module")
def records(storage: Path) -> dict[str, FileRecord]:
    catalog = Catalog(collection_paths(storage, "default").catalog)
    found = {record.file_name: record for record in catalog.files().values()}
    catalog.close()
    return found


@pytest.mark.usefixtures("local_model")
@pytest.mark.parametrize("file", QUESTIONS)
def test_each_is_answered_from_with_its_place_and_the_words_are_under_the_mark(
    engine: QueryEngine, storage: Path, records: dict[str, FileRecord], file: str
) -> None:
    question, expected, place = QUESTIONS[file]
    answer = engine.query(question)
    assert expected in answer.response.replace(",", ""), answer.response
    citation = next(one for one in answer.citations if one.file == file)
    assert citation.place == place
    assert place in answer.response
    options = reading_options(DocumentsConfig(), storage)
    with opened_pdf(content_path(records[file], storage), options) as pdf:
        words = "".join(
            pdf[box.page - 1].get_textbox((box.x0, box.y0, box.x1, box.y1)) for box in citation.boxes
        )
    assert expected in "".join(words.split())
