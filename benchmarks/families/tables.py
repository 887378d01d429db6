"""The columns of the tables of a report, and what stands in them for an item."""

from __future__ import annotations

from families.figures import GROUP, Figures

UNITS = {"元": 1.0, "万元": 1e4, "thousands": 1.0, "millions": 1e3}
"""Those that stand above tables, in the unit of `Figures` (a hundred of which are one 元)."""
NOTE_OF = {
    key: f"七、{number}"
    for number, key in enumerate(
        ("cash", "receivables", "inventory", "fixed", "short_loans", "payroll", "selling", "admin", "research",
         "other_income"),
        start=1,
    )
}  # fmt: skip
"""What the column of notes of a Chinese statement refers to."""
CellValue = tuple[int, str, str]
"""Year, what of the item, and the value as it is printed."""


def column_heads(style: str, language: str, year: int, ending: str) -> list[str]:
    """The heads of a table, the first that of the labels.

    Args:
        style: of the table, as a template names it.
        language: of the report.
        year: of the report.
        ending: the last day of the fiscal year, in English.
    """
    if language == "zh":
        heads = {
            "ends": f"项目|附注|{year}年12月31日|{year - 1}年12月31日",
            "flows": f"项目|附注|{year}年度|{year - 1}年度",
            "closing": "项目|期末余额|期初余额",
            "period": "项目|本期发生额|上期发生额",
            "key": f"主要指标|{year}年|{year - 1}年|本期比上年同期增减(%)|{year - 2}年",
            "net": "项目|账面余额|减值准备及折旧|账面价值",
            "roll": "项目|期初余额|本期增加|本期减少|期末余额",
            "margin": "分产品|营业收入|营业成本|毛利率(%)",
            "share": "分地区|营业收入|占比(%)",
            "count": "类别|人数",
            "quarters": "项目|第一季度|第二季度|第三季度|第四季度",
        }
    else:
        heads = {
            "ends": f"{ending},|{year}|{year - 1}",
            "flows": f"Years ended {ending},|{year}|{year - 1}",
            "closing": f"At {ending},|{year}|{year - 1}",
            "period": f"Fiscal years|{year}|{year - 1}",
            "key": f"Fiscal years|{'|'.join(str(year - back) for back in range(5))}",
            "net": f"At {ending}, {year}|Gross|Reserves and depreciation|Net",
            "roll": "|Beginning|Additions|Payments|Ending",
            "margin": "Product line|Net sales|Cost|Gross margin (%)",
            "share": "Region|Net sales|Share (%)",
            "counts": f"|{year}|{year - 1}",
            "quarters": "|First quarter|Second quarter|Third quarter|Fourth quarter",
        }
    return heads[style].split("|")


def row_cells(
    style: str, figures: Figures, key: str, year: int, scope: str, unit: str, minus: bool, group: str
) -> list[CellValue]:
    """The cells of an item in a table.

    Args:
        style: of the table, as a template names it.
        figures: of the firm.
        key: of the item.
        year: of the report.
        scope: the group, or the parent company.
        unit: of the table.
        minus: the amounts are shown as outflows, in parentheses.
        group: of the table, for parts of a total.
    """

    def plain(back: int) -> CellValue:
        return year - back, "", shown(figures, key, year - back, scope, unit, minus)

    value = figures.of(key, year, scope)
    if style in ("ends", "flows", "closing", "period", "counts"):
        return [plain(0), plain(1)]
    if style == "key" and figures.firm.language == "en":
        return [plain(back) for back in range(5)]
    if style == "key":
        change = f"{100 * (value / figures.of(key, year - 1) - 1):.2f}"
        return [plain(0), plain(1), (year, "change", change), plain(2)]
    chance = figures.chance(group if key in NOTE_OF else key, style, year)
    if style == "net":
        allowance = _parts(figures, key, year, 0.22)
        return [
            (year, "gross", _amount(value + allowance, unit)),
            (year, "allowance", _amount(allowance, unit)),
            plain(0),
        ]
    if style == "roll":
        added = _parts(figures, key, year, 9.0)
        opening = figures.of(key, year - 1)
        return [
            plain(1),
            (year, "increase", _amount(added, unit)),
            (year, "decrease", _amount(opening + added - value, unit)),
            plain(0),
        ]
    if style == "margin":
        cost = figures.of("cost", year) if key == "revenue" else round(value * chance.uniform(0.55, 0.75))
        return [
            plain(0),
            (year, "cost", _amount(cost, unit)),
            (year, "margin", f"{100 * (1 - cost / value):.2f}"),
        ]
    if style == "share":
        return [plain(0), (year, "share", f"{100 * value / figures.of('revenue', year):.2f}")]
    if style == "quarters":
        parts = [chance.uniform(0.2, 0.27) for _ in range(3)]
        first = [round(value * part) for part in parts]
        amounts = [*first, value - sum(first)]
        return [(year, f"q{number}", _amount(part, unit)) for number, part in enumerate(amounts, start=1)]
    return [plain(0)]


def shown(
    figures: Figures, key: str, year: int, scope: str = GROUP, unit: str = "", minus: bool = False
) -> str:
    """An item as it is printed; the unit counts for amounts only."""
    value = figures.of(key, year, scope)
    kind = figures.kind(key)
    if kind == "amount":
        return _amount(-value if minus else value, unit)
    return f"{value:,.0f}" if kind == "people" else f"{value:.2f}"


def change_text(figures: Figures, key: str, year: int, language: str) -> str:
    """By how much an item has changed since the year before."""
    change = 100 * (figures.of(key, year) / figures.of(key, year - 1) - 1)
    if language == "zh":
        return f"{'增长' if change >= 0 else '下降'}{abs(change):.2f}%"
    return f"{'an increase' if change >= 0 else 'a decrease'} of {abs(change):.2f}%"


def _amount(value: float, unit: str) -> str:
    """Chinese statements put a minus before what is less than nothing, English ones parentheses around it."""
    if unit in ("元", "万元"):
        return f"{value / 100 / UNITS[unit]:,.2f}"
    text = f"{abs(value) / UNITS[unit]:,.{1 if unit == 'millions' else 0}f}"
    return f"({text})" if value < 0 else text


def _parts(figures: Figures, key: str, year: int, share: float) -> float:
    """A share of an item with noise; for a total, the sum of what its parts have."""
    parts = {
        "inventory": ("raw", "progress", "parts", "goods"),
        "fixed": ("machines", "vehicles", "office", "houses"),
        "payroll": ("pay_welfare", "pay_union", "pay_wages"),
    }
    if key in parts:
        return sum(_parts(figures, part, year, share) for part in parts[key])
    noise = figures.chance(key, "part", year).uniform(0.7, 1.3)
    return round(figures.of(key, year) * share * noise)
