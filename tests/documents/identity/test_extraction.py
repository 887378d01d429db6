"""What is read of a document's own words, and what is left empty."""

from __future__ import annotations

import pytest

from qa_engine.documents.identity.extraction import IdentityLine, document_identity
from qa_engine.documents.identity.organisations import is_organisation, short_name, short_names
from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.documents.identity.reported_periods import reported_period
from qa_engine.text.periods import period_of


def page(*texts: str, number: int = 1, headings: tuple[str, ...] = ()) -> list[IdentityLine]:
    return [IdentityLine(text, number, text in headings) for text in texts]


def filing(name: str, form: str, ended: str, *more: str) -> list[IdentityLine]:
    heading = f"FORM {form}"
    return page(
        "UNITED STATES SECURITIES AND EXCHANGE COMMISSION",
        heading,
        f"For the {'fiscal year' if form == '10-K' else 'quarterly period'} ended {ended}",
        name,
        "(Exact name of registrant as specified in its charter)",
        *more,
        headings=(heading, name),
    )


def test_a_text_that_says_nothing_of_itself_has_only_its_file_name() -> None:
    identity = document_identity(page("It was raining.", "Nobody came."), "scan_0001.pdf")
    assert identity == DocumentIdentity(title="scan 0001")


@pytest.mark.parametrize(
    "line", ["本公司", "有限公司", "We sell to Acme Corporation and others every day", "2021年", "x" * 10_000]
)
def test_what_is_no_organisation_alone_on_its_line(line: str) -> None:
    assert not is_organisation(line)


def test_companies_that_a_text_only_speaks_of_are_not_its_own() -> None:
    identity = document_identity(page("我们与华山科技股份有限公司签有协议。", headings=()), "memo.pdf")
    assert not identity.organisation


def test_a_template_leaves_its_title_in_the_metadata() -> None:
    lines = page("年度采购计划", headings=("年度采购计划",))
    assert (
        document_identity(lines, "a.pdf", file_title="Microsoft Word - vorlage.doc").title == "年度采购计划"
    )
    assert document_identity(lines, "a.pdf", file_title="股份有限公司").title == "年度采购计划"


def test_a_filing_names_its_company_its_form_and_its_year() -> None:
    lines = filing("NORDLICHT CO., INC.", "10-K", "December 31, 2022", "Trading Symbol: NLCO")
    identity = document_identity(lines, "NORDLICHT_2022_10K.pdf")
    assert identity.organisation == "NORDLICHT CO., INC."
    assert identity.names == ("NORDLICHT", "NLCO")
    assert (identity.kind, identity.period.label, identity.period.end) == (
        "annual_report",
        "2022",
        "2022-12-31",
    )


def test_the_fiscal_year_is_called_as_the_company_calls_it() -> None:
    """The year that ends in January is named by its end here, and by its beginning there."""
    for own in (2023, 2022):
        lines = filing("Kessel Stores, Inc.", "10-K", "January 28, 2023")
        lines += page(*[f"Sales rose in fiscal {own}."] * 4, f"In fiscal {own - 1} they fell.", number=9)
        period = document_identity(lines, "kessel.pdf").period
        assert (period.year, period.end) == (own, "2023-01-28")
    assert period.calendar_year == 0
    assert reported_period(["For the year ended January 28, 2023"], [], False).calendar_year == 2022


def test_a_quarter_of_a_fiscal_year() -> None:
    lines = filing("Kessel Stores, Inc.", "10-Q", "July 29, 2023")
    lines += page(*["The second quarter of fiscal 2024 was good."] * 3, number=5)
    identity = document_identity(lines, "q.pdf")
    assert (identity.kind, identity.period.label) == ("quarterly_report", "2024Q2")


def test_a_chinese_annual_report_by_its_labels_and_its_file_name() -> None:
    lines = page("公司代码：600999 公司简称：远山股份", "远山生物技术股份有限公司", "2021 年年度报告")
    lines += page(
        "公司的中文名称：远山生物技术股份有限公司", "股票简称: 远山股份; 股票代码: 600999", number=4
    )
    identity = document_identity(
        lines, "2022-04-20__远山生物技术股份有限公司__600999__远山股份__2021年__年度报告.pdf"
    )
    assert identity.organisation == "远山生物技术股份有限公司"
    assert {"远山股份", "600999", "远山生物技术"} <= set(identity.names)
    assert (identity.kind, identity.period.label) == ("annual_report", "2021")
    assert identity.label == "远山股份2021年年度报告"


def test_a_broker_report_is_about_a_company() -> None:
    lines = page(
        "公司报告 | 季报点评",
        "远山啤酒（600998）",
        "证券研究报告 2024 年05 月06 日",
        "投资评级 买入（维持评级）",
    )
    lines += page("青崖证券股份有限公司的声明。", "青崖证券研究所", number=2)
    identity = document_identity(lines, "a.pdf")
    assert (identity.organisation, identity.kind) == ("远山啤酒", "broker_report")
    assert set(identity.names) == {"600998", "青崖证券"}
    assert identity.period.end == "2024-05-06"


def test_a_contract_knows_both_parties() -> None:
    lines = page(
        "设备采购合同",
        "甲方：东湖精密制造有限公司",
        "乙方（供方）：北岭自动化有限公司",
        headings=("设备采购合同",),
    )
    names = {*(identity := document_identity(lines, "合同.pdf")).names, identity.organisation}
    assert identity.kind == "contract"
    assert {"东湖精密制造有限公司", "北岭自动化有限公司", "北岭自动化"} <= names


def test_a_data_sheet_has_a_model() -> None:
    assert document_identity(page("Contents"), "VX-320-3.2V-Datasheet.pdf").product == "VX-320-3.2V"


@pytest.mark.parametrize(
    ("full", "short"),
    [("3M Company", "3M"), ("Best Wheel Co., Inc.", "Best Wheel"), ("Amber plc", "Amber"), ("北岭（苏州）有限公司", "北岭"),
     ("Zug Maschinen GmbH", "Zug Maschinen"), ("远山集团股份有限公司", "远山"), ("Company", "Company")],
)  # fmt: skip
def test_short_names(full: str, short: str) -> None:
    assert short_name(full) == short


def test_the_first_word_stands_for_a_company_if_its_text_uses_it_so() -> None:
    assert "Veridia" in short_names("Veridia Networks Inc.", "Veridia grew. At Veridia we care.")
    assert "Veridia" not in short_names("Veridia Networks Inc.", "Veridia Networks grew.")
    assert "NLW" in short_names("NORD LAMP WORKS, INC.", "NLW grew. We at NLW care.")
    assert "American" not in short_names("American Lamps Inc.", "American people. An American way.")


def test_what_a_user_noted_has_the_last_word() -> None:
    identity = DocumentIdentity("t", "Amber plc", ("Amber",), "annual_report", period_of("2021"))
    changed = identity.corrected({"organisation": "Zug AG", "period": 2022, "kind": "letter"})
    assert changed.to_dict() == {"title": "t", "organisation": "Zug AG", "kind": "letter", "period": "2022"}
    assert identity.corrected({"year": 3}) is identity
    assert DocumentIdentity.unpacked(identity.packed()) == identity
