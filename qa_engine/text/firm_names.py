"""Names of firms in a question that no dictionary knows: 泽宁重工, 云汐川精机."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa_engine.text.language import is_chinese

_TRADES = frozenset(
    """精机 精工 精密 精密机械 机械 重工 医疗 医疗器械 医药 制药 药业 生物 能源 新能源 啤酒 科技 电子 股份 集团 证券 银行
    控股 化工 新材 电力 电气 电器 乳业 动保 环保 光电 半导体 钢铁 矿业 酒业 置业 地产 航空 传媒 通信 保险 基金""".split()  # noqa: SIM905
)
"""What the names of firms go on with after the part that tells them from others."""
_PERIOD_BEFORE = re.compile(r"^[年月日号末底度]+")
_WORDS_BETWEEN = re.compile("[在的和与及或对从向把被给让是有为由之等个该其某]")
"""In what is cut wrongly: 局在 of 投资局在生物股份."""
_NAMES = frozenset({"nr", "nz", "nt"})
_LONGEST = 4


def firm_names(question: str) -> Iterator[tuple[str, str]]:
    """The names of firms in a question, each with the part that tells it from others: ``("泽宁重工", "泽宁")``.

    This part is a word that the dictionary lacks or has as a name. So 高端医疗 is no name, and what is cut wrongly is
    none unless a trade follows.
    """
    import rjieba

    before = word = tag = ""
    for following, following_tag in rjieba.tag(question):
        part = _PERIOD_BEFORE.sub("", word) if before[-1:].isdigit() else word
        if following in _TRADES and 1 < len(part) <= _LONGEST and not _WORDS_BETWEEN.search(part):
            is_unknown = is_chinese(part) and all(len(piece) == 1 for piece in rjieba.cut(part, False))
            if is_unknown or (tag in _NAMES and is_chinese(part)):
                yield part + following, part
        before, word, tag = word, following, following_tag
