"""Characters that stand for others in the fonts of some files: radicals, compatibility forms and ligatures."""

from __future__ import annotations

import unicodedata

_EQUIVALENTS = (
    "厂乛乚乙亻冂几刀刂卜㔾小小兀尣尢尢巳幺彑彐忄㣺扌攵 旡日月歺母民氵氺灬爫爫丬牛犭王疋目示礻竹糹纟罓罒㓁㓁网"
    "羊羊羊耂肀聿肉臼艹艹艹虎衤覀西见角角讠贝足车辶辶辶阝钅長镸长门阜阝雨青韦页风飞食食飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟"
)
"""For the radicals from U+2E81 on, of which Unicode's normalisation knows two."""
FOLDED = {0x2E81 + index: character for index, character in enumerate(_EQUIVALENTS) if character != " "} | {
    code: folded
    for start, end in ((0x2F00, 0x2FD6), (0xF900, 0xFAFF), (0xFB00, 0xFB07))
    for code in range(start, end)
    if (folded := unicodedata.normalize("NFKC", chr(code))) != chr(code)
}
"""Radicals and compatibility forms that stand for ordinary Han characters in some fonts, and ligatures."""

_USUAL = 5
"""Ordinary lines have fewer than one blank in so many characters."""
