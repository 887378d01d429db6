"""Chinese names in a question: organisations, and firms, places and persons that no dictionary knows.

What the dictionary of the tokenizer lacks, it cuts into single characters, or its model of unknown words guesses a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa_engine.text.language import is_chinese

_SUFFIX = frozenset(
    "公司 股份 集团 大学 银行 证券 学院 医院 药业 酒业 保险 基金 电子 科技 制造 汽车 实业 控股".split()  # noqa: SIM905
)
_PLACES = frozenset(
    """北京 上海 天津 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南
    陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门 石家庄 唐山 太原 大同 呼和浩特 沈阳 大连 鞍山 长春 哈尔滨
    大庆 南京 苏州 无锡 常州 南通 徐州 扬州 镇江 盐城 杭州 宁波 温州 绍兴 嘉兴 湖州 金华 台州 合肥 芜湖 福州 厦门 泉州
    漳州 南昌 九江 赣州 济南 青岛 烟台 潍坊 淄博 临沂 郑州 洛阳 武汉 宜昌 襄阳 长沙 株洲 湘潭 岳阳 广州 深圳 珠海 佛山
    东莞 中山 惠州 汕头 南宁 桂林 柳州 海口 三亚 成都 绵阳 宜宾 贵阳 遵义 昆明 大理 拉萨 西安 宝鸡 咸阳 兰州 西宁 银川
    乌鲁木齐 台北 高雄""".split()  # noqa: SIM905
)
"""Places that names begin with. What the dictionary calls a place is often none (长度, 上市)."""
_NOUNS = frozenset({"n", "nr", "ns", "nz", "nt", "g"})
_GENERIC = frozenset(
    """公司 本公司 母公司 子公司 分公司 总公司 上市公司 股份公司 有限公司 集团 本集团 股份 普通股 大学 银行 证券 学院 医院
    保险 基金 电子 科技 制造 汽车 实业 控股 中国 全国 我国 国家 国内 国外 境内 境外 中文 英文 英语 汉语 中华 人民币 美元 欧元
    日元 港元 港币 该公司 这家 哪家 本行 本校 该校 这所 央行 中央 海外 亚洲 世界 西方 东方 内地 大陆""".split()  # noqa: SIM905
)
_TRADES = frozenset(
    """精机 精工 精密 精密机械 机械 重工 医疗 医疗器械 医药 制药 药业 生物 能源 新能源 啤酒 科技 电子 股份 集团 证券 银行
    控股 化工 新材 电力 电气 电器 乳业 动保 环保 光电 半导体 钢铁 矿业 酒业 置业 地产 航空 传媒 通信 保险 基金""".split()  # noqa: SIM905
)
"""What the names of firms go on with after the part that tells them from others."""
_PERIOD_BEFORE = re.compile(r"^[年月日号末底度]+")
_WORDS_BETWEEN = re.compile("[在的了着和与及或对从向把被给让是有为由之等个该其某]")
"""In what is cut wrongly: 局在 of 投资局在生物股份."""
_NAMES = frozenset({"nr", "nz", "nt"})
_COMPANY = re.compile("(?:股份|有限|责任|集团|总)*(?:公司|集团)")
_LONGEST = 4


_PLACE = re.compile("([\u4e00-\u9fff]{2,3})([市县镇乡村])")
_NO_PLACE = re.compile(
    "[本该各全某这那每所何此外同我你他她它老新城都超股夜楼车房农山乡渔市县镇]|[^的]*[的在和与及或是有为由了从到对]"
)
"""What no name of a place begins with, or holds."""
_PLACE_TAGS = frozenset({"ns", "nr", "nz", "nt", "nrt"})
_IN_PLACE = re.compile(
    "(?:在|位于|设于|去|到)([\u4e00-\u9fff]{1,2}[^上股超都门夜菜楼集城])([市县镇])(?=[的有设内里，,是哪共])"
)
"""A place behind a word that says where, whatever the dictionary cuts there."""
_REGION = re.compile("(华东|华南|华北|华中|西南|西北|东北)(?:地区|区域|大区|片区|市场|分部|区(?!别))")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪"
    "庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕"
    "屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣"
)
_ASKS_PERSON = re.compile(
    "(?:先生|女士|律师|教授|老师|同志)?(?:是(?:谁|哪|做什么|干什么)|的?(?:电话|手机号|职务|职位|职称|邮箱|工号|学历|年龄|工资|薪酬|生日)"
    "|(?:是?从|在|于)?(?:哪一?年|什么时候|何时).{0,8}(?:任|当|加入|入职|离职|退休)|担任|任职|分管|在(?:哪|公司|合同|单位|文件)|代表(?:哪|谁)|负责(?:什么|哪))"
)
"""What is asked of a person."""


def chinese_names(question: str) -> Iterator[str]:
    """Words that make up a name: a place and what it begins, or what ends in 股份 and the like."""
    import rjieba

    run: list[tuple[str, str]] = []
    for word, tag in [*rjieba.tag(question), ("", "x")]:
        is_han = len(word) > 1 and is_chinese(word)
        follows = word in _PLACES or (tag in _NOUNS and run and run[-1][0] in _PLACES)
        if is_han and run and (word in _SUFFIX or (follows and run[-1][0] not in _SUFFIX)):
            run.append((word, tag))
            continue
        name = "".join(word for word, _ in run)
        is_place = any(word in _PLACES for word, _ in run)
        has_suffix = len(run) > 1 and run[-1][0] in _SUFFIX
        if (is_place or has_suffix) and name not in _GENERIC:
            yield name
        begins = is_han and (word in _PLACES or (tag in _NOUNS and word not in _SUFFIX))
        run = [(word, tag)] if begins else []


def name_parts(name: str) -> list[str]:
    """The words of a name that tell it from others: 茅台 of 贵州茅台股份."""
    import rjieba

    if name.isascii():
        return [name]
    parts = [word for word in rjieba.cut_for_search(name) if len(word) > 1 and word not in _SUFFIX]
    return [part for part in parts if part not in _GENERIC] or [name]


def firm_names(question: str) -> Iterator[tuple[str, str]]:
    """The names of firms in a question, each with the part that tells it from others: ``("泽宁重工", "泽宁")``.

    This part is a word that the dictionary lacks or has as a name. So 高端医疗 is no name, and what is cut wrongly is
    none unless a trade follows.
    """
    import rjieba

    words = [("", ""), *rjieba.tag(question), ("", ""), ("", "")]
    for (before, _), (word, tag), (following, _), (then, _) in zip(
        words, words[1:], words[2:], words[3:], strict=False
    ):
        part = _PERIOD_BEFORE.sub("", word) if before[-1:].isdigit() else word
        trade = following if following in _TRADES else ""
        if not trade and is_chinese(following) and len(following) > 1 and _COMPANY.fullmatch(then):
            trade = following + then
        is_name = is_chinese(part) and (tag in _NAMES or _is_unknown(part))
        if trade and is_name and 1 < len(part) <= _LONGEST and not _WORDS_BETWEEN.search(part):
            yield part + trade, part


def place_names(question: str) -> Iterator[tuple[str, str]]:
    """Towns, counties and regions in a question, each with the part that tells it from others: ``("霖川市", "霖川")``."""
    import rjieba

    words, found = rjieba.tag(question), set[str]()
    for number, (word, tag) in enumerate(words):
        before, tag_before = words[number - 1] if number else ("", "")
        name, is_name = word, tag in _PLACE_TAGS
        if len(word) == 1 and 1 < len(before) < 4:
            name, is_name = before + word, tag_before in _PLACE_TAGS
        elif len(word) == 2 and len(before) == 1 and tag_before in _PLACE_TAGS:
            name = before + word
        match = _PLACE.fullmatch(name)
        if match is None or _NO_PLACE.match(name) or match[1] in _GENERIC:
            continue
        if is_name or _is_unknown(match[1]):
            found.add(name)
            yield name, match[1]
    for match in _IN_PLACE.finditer(question):
        if match[1] + match[2] not in found and not _NO_PLACE.match(match[1]) and _is_unknown(match[1]):
            yield match[1] + match[2], match[1]
    for match in _REGION.finditer(question):
        yield match[0], match[1]


def person_names(question: str) -> Iterator[str]:
    """The persons that a question is about, if it asks what only persons have: a telephone number, an office."""
    import rjieba

    words, start = rjieba.tag(question), 0
    for number, (word, _) in enumerate(words):
        for name in (word, word + words[number + 1][0] if number + 1 < len(words) else ""):
            is_name = 1 < len(name) < 4 and is_chinese(name) and name[0] in _SURNAMES
            if not is_name or _WORDS_BETWEEN.search(name) or question[:start].endswith(("·", "•")):
                continue
            if _ASKS_PERSON.match(question, start + len(name)) and _is_person(words, number, name):
                yield name
                break
        start += len(word)


def _is_person(words: list[tuple[str, str]], number: int, name: str) -> bool:
    word, tag = words[number]
    return tag == "nr" or (len(word) > 1 and _is_unknown(name))


def _is_unknown(word: str) -> bool:
    """Whether the dictionary has neither a word nor a part of it."""
    import rjieba

    return is_chinese(word) and all(len(piece) == 1 for piece in rjieba.cut(word, False))
