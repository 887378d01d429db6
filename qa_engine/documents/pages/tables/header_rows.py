"""Which rows of a table name its columns: the texts of its cells in, the number of header rows out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.documents.pages.lines.cleaning import count_han
from qa_engine.documents.pages.tables.values import Kind, kind

_MAX_HEADER_ROWS = 3
_LONG = 120
"""A name of a column has no more characters than this; Han characters count twice."""
_LONG_VALUE = 28
"""A first cell beside a key is its value from this many characters on; Han characters count twice."""
_SMALL = re.compile(r"\d{1,3}")
"""A number that may be a name: of a quarter, a class, a size."""
_MIN_PAIRS = 3
_KEYS = 1 / 3
"""This share of the first cells tells a list of keys and values."""
_KEY = re.compile(
    r".*(名称?|[简全]称|代码|编[号码]|序列号|[地网]址|邮编|电话|传真|手机|[邮信]箱|网站|表人|负责人|[^ ]人|日期|时间|地点"
    r"|部门|岗位|职[务位称]|性别|年龄|民族|学历|专业|籍贯|型号|规格|品牌|产地|厂家|[账帐]号|开户行|税号|资本|范围|期限|方式|性质|状态"
    r"|事由|原因|用途|来源|意见|金额|版本|作者|主管|标题|密级)([（(].*[）)])?[：:]?|.*[：:]"
    r"|(.*[ -])?(name|address|e-?mail|phone|telephone|fax|mobile|website|url|date|no\.?|number|code|id|title|city"
    r"|country|zip|contact|department|position|model|brand|version|author|status|currency|symbol)s?",
    re.I,
)
_USUAL = re.compile(
    r".*(评级|价格?|行业|市值|股本|股价|净资产|负债率|换手率|[甲乙丙丁买卖双]方|委托人|受托人|项目|地区|材质|重量|尺寸|温度|湿度|电压|电流"
    r"|功率|频率|容量|寿命|精度|接口|等级|单位|分析师|联系人)([（(].*[）)])?|.*(rating|price|shares|cap|range|yield|party|weight"
    r"|size|voltage|temperature|power|capacity|ticker|sector|industry|analyst)s?(\s?\(.*\))?",
    re.I,
)
"""Labels of covers, boxes of market data and data sheets."""
_NAME_OF_VALUES = re.compile(
    r"(具体|主要)?(内容|说明|描述|释义|金额|数量|数值|值|参数值?|结果|标准|要求|比[例率重]|占比|单价|价格|合计|描述|含义|定义|备注)([（(].*[）)])?"
    r"|(value|description|amount|contents?|details?|definition|meaning|price|quantity|total|result|remarks?)s?(\s?\(.*\))?",
    re.I,
)
_DATE_KEY = re.compile(r".*(日期|时间|日)[：:]?|(.*\s)?(date|as of)[：:]?", re.I)
"""A date beside one of these is its value, and names no column."""
_UNIT_OF_AMOUNT = re.compile(r"^\D?[\d.,]+\s?")
_YEARS = frozenset({Kind.YEAR, Kind.DATE})


def count_header_rows(rows: Sequence[Sequence[str]], reach: int = 1, separated: Sequence[bool] = ()) -> int:
    """How many rows at the top name the columns: at most three, and none that hold what the rows below them hold.

    A second one counts only if it fills cells, the first aside, that the row above leaves empty, as the names of columns
    under a common name do, or if the rules say so.

    Args:
        rows: the texts of the cells; those of a cell over several rows or columns in the first of them only.
        reach: how many rows the first cell reaches over.
        separated: whether a rule is below each row from the left to the right.
    """
    if len(rows) < 2 or reach >= len(rows) or is_key_value(rows):
        return 0
    block = next((number + 1 for number, below in enumerate(separated) if below), 0)
    headers = 0
    for number, row in enumerate(rows[:_MAX_HEADER_ROWS]):
        if not _names_columns(row, rows[number + 1 :]) or (number and sum(map(bool, row)) == 1):
            break
        if headers and number >= reach and not number < block <= _MAX_HEADER_ROWS:
            above = rows[headers - 1]
            if not any(cell and not over for cell, over in zip(row[1:], above[1:], strict=True)):
                break
            if row[0] and rows[0][0]:
                break
        headers += 1
    if headers == 1 and rows[0][0] and not any(rows[0][1:]) and len(rows[0]) > 1:
        return 0  # a heading inside the table
    return min(headers, len(rows) - 1)


def _names_columns(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row can name columns that hold these rows."""
    filled = [(column, cell) for column, cell in enumerate(row) if cell]
    kinds = {column: kind(cell) for column, cell in filled}
    if len(kinds) == 2 and Kind.NUMBER in kinds.values():
        return False
    if list(kinds.values()).count(Kind.NUMBER) > 1:
        return False
    others = [other for other in below if _shared_cells(row, other) < len(filled) / 2]
    return all(_is_name(column, cell, kinds[column], others) for column, cell in filled)


def _is_name(column: int, cell: str, what: Kind, below: Sequence[Sequence[str]]) -> bool:
    cells = [row[column] for row in below if row[column]]
    kinds = [kind(other) for other in cells]
    same = sum(1 for other in kinds if other is what)
    if what is Kind.WORDS:
        return len(cell) + count_han(cell) <= _LONG and (column == 0 or cell not in cells)
    if column == 0:
        return False
    if what is Kind.NUMBER:
        return _SMALL.fullmatch(cell) is not None and same <= len(cells) / 2 and Kind.NUMBER not in kinds[:1]
    if what is Kind.DATE:
        return 2 * kinds.count(Kind.NUMBER) >= len(kinds)
    if what is Kind.YEAR:
        return sum(1 for other in kinds if other in _YEARS) <= len(cells) / 2
    return same <= len(cells) / 3


def _shared_cells(row: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for one, two in zip(row, other, strict=False) if one and one == two)


def names_anew(row: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a row below the header names the columns again: with the same names, or with other years for the years."""
    kinds = [kind(cell) for cell in row]
    if {Kind.NUMBER, Kind.CODE} & set(kinds):
        return False
    filled = [(cell, name) for cell, name in zip(row, names, strict=True) if cell]
    same = sum(1 for cell, name in filled if name and (cell == name or name.endswith(f" {cell}")))
    years = [kinds[column] for column, name in enumerate(names) if column and kind(name) is Kind.YEAR]
    first = row[0] and row[0] == names[0] and len(filled) > 1
    return (
        bool(first)
        or same >= max(2, 0.6 * len(filled))
        or (len(years) > 1 and all(what is Kind.YEAR for what in years))
    )


def is_key_value(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows are pairs of a key and its value, so that none of them names the columns.

    Of two columns, or of more that alternate; before an odd number, the first column is a label of the pairs.
    """
    width = len(rows[0])
    if width < 2:
        return False
    if width > 2:
        columns = range(width % 2, width, 2)
        pairs = [[(row[column], row[column + 1]) for row in rows if row[column + 1]] for column in columns]
        return all(
            2 * len(pair) >= max(len(rows), _MIN_PAIRS)
            and _share_of_keys([key for key, _ in pair]) > 0.5
            and _share_of_keys([value for _, value in pair]) < 0.2
            for pair in pairs
        )
    keys, values = [row[0] for row in rows], [row[1] for row in rows]
    if not all(kind(key) is Kind.WORDS for key in keys) or _NAME_OF_VALUES.fullmatch(values[0]):
        return False
    kinds = [kind(value) for value in values]
    numbers = kinds[1:].count(Kind.NUMBER) > len(kinds[1:]) / 2
    if kinds[0] is Kind.WORDS:
        long = not numbers and len(values[0]) + count_han(values[0]) >= _LONG_VALUE
        return (
            long
            or _have_units_of_their_own(values[1:])
            or (len(rows) > 1 and _share_of_keys(keys[1:]) >= (2 * _KEYS if numbers else _KEYS))
        )
    return not numbers or kinds[0] not in _YEARS or _DATE_KEY.fullmatch(keys[0]) is not None


def _have_units_of_their_own(values: Sequence[str]) -> bool:
    """Whether each amount has another unit (32.50元, 4.2亿股), as the values of keys have and those of a column do not."""
    units = [unit for value in values if (unit := _UNIT_OF_AMOUNT.sub("", value, count=1)) not in {"", value}]
    return len(units) > 1 and len(set(units)) == len(units)


def is_usual_label(text: str) -> bool:
    """Whether a text, without a colon, is a label that is usual in forms, covers, boxes of market data and data sheets."""
    return _KEY.fullmatch(text) is not None or _USUAL.fullmatch(text) is not None


def may_be_a_pair(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a first row of two cells may be a key and its value as well as the names of the columns: all is words.

    It is not, if its cells are usual names: what they look like on the page has to tell.
    """
    words = all(kind(cell) is Kind.WORDS for cells in (row, *below) for cell in cells if cell)
    return (
        len(row) == 2
        and words
        and not any(is_usual_label(cell) or _NAME_OF_VALUES.fullmatch(cell) for cell in row)
    )


def _share_of_keys(cells: Sequence[str]) -> float:
    return sum(1 for cell in cells if _KEY.fullmatch(cell)) / max(len(cells), 1)
