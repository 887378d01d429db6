"""Pages whose text layer is garbage, and odd pages that are none."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.documents.pages.garbling import examine_text

FINANCE = (
    "报告期内公司实现营业收入三十六亿元，同比增长百分之十二，归属于上市公司股东的净利润为四亿二千万元。增长主要来自"
    "新产品上市以及海外市场的订单增加。管理层认为，原材料价格在下半年仍有上涨的压力，公司将继续控制成本，扩大研发投入，"
    "并与主要供应商签订长期合同。董事会建议每十股派发现金红利三元，剩余的未分配利润结转以后年度。审计机构出具了标准无保留意见。"
)
LAW = (
    "当事人一方不履行合同义务或者履行合同义务不符合约定的，应当承担继续履行、采取补救措施或者赔偿损失等违约责任。"
    "原告请求法院判令被告返还借款本金及利息，并承担本案的诉讼费用。经审理查明，双方于去年三月签订借款协议，约定期限为一年，"
    "被告到期后未按照约定还款。本院认为，借款关系合法有效，被告的行为已经构成违约，对原告的诉讼请求依法予以支持。"
)
TRADITIONAL = (
    "這座圖書館建於上個世紀初，戰爭期間曾經兩度遷移，許多珍貴的書籍因此遺失。戰後政府撥款重建，並聘請專家整理館藏。"
    "現在館內設有閱覽室、展覽廳與兒童區，每年接待數十萬名讀者。為了保護古籍，館方還將超過三萬冊的善本製成數位檔案，"
    "讓研究人員可以透過網路查閱。附近的居民經常在週末帶著孩子來參加講座，聽老師講述這個城市的歷史與發展。"
)
CLASSICAL = (
    "先帝创业未半而中道崩殂，今天下三分，益州疲弊，此诚危急存亡之秋也。然侍卫之臣不懈于内，忠志之士忘身于外者，"
    "盖追先帝之殊遇，欲报之于陛下也。诚宜开张圣听，以光先帝遗德，恢弘志士之气，不宜妄自菲薄，引喻失义，以塞忠谏之路也。"
    "宫中府中，俱为一体，陟罚臧否，不宜异同。若有作奸犯科及为忠善者，宜付有司论其刑赏，以昭陛下平明之理。"
)
CLASSICAL_TRADITIONAL = (
    "學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？人不知而不慍，不亦君子乎？其為人也孝弟，而好犯上者鮮矣；"
    "不好犯上而好作亂者，未之有也。君子務本，本立而道生。孝弟也者，其為仁之本與！巧言令色，鮮矣仁。"
    "吾日三省吾身：為人謀而不忠乎？與朋友交而不信乎？傳不習乎？道千乘之國，敬事而信，節用而愛人，使民以時。"
)
POEMS = (
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n白日依山尽，黄河入海流。欲穷千里目，更上一层楼。\n"
    "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。\n国破山河在，城春草木深。感时花溅泪，恨别鸟惊心。"
)
ENGLISH = (
    "The committee met in the spring to discuss the results of the survey. Most members agreed that the old bridge "
    "should be repaired before winter, because the cost of a new one would be far higher than expected. Several people "
    "from the village had written letters asking for better lighting along the river. After a long debate the plan was "
    "accepted, and work is going to begin as soon as the necessary money has been found by the council."
)
MIXED = (
    "本文提出的模型在 ImageNet 数据集上取得了 76.4% 的准确率，比基线方法提高了两个百分点。训练时我们使用 AdamW 优化器，"
    "学习率为 0.001，并采用 cosine 退火策略。实验结果表明，该方法在小样本条件下仍然有效（见表 3）。"
)
NATURAL = {
    "finance": FINANCE,
    "law": LAW,
    "traditional": TRADITIONAL,
    "classical": CLASSICAL,
    "classical, traditional": CLASSICAL_TRADITIONAL,
    "poems": POEMS,
    "English": ENGLISH,
    "English in capitals": ENGLISH.upper(),
    "mixed": MIXED,
    "German": (
        "Die Gemeinde hat beschlossen, die alte Brücke über den Fluss noch vor dem Winter zu reparieren. "
        "Für die Bürger entstehen dadurch keine zusätzlichen Kosten, heißt es in der Erklärung."
    ),
    "Polish": (
        "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem "
        "i sumieniem i powinni postępować wobec innych w duchu braterstwa."
    ),
    "Vietnamese": (
        "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con người đều được tạo hoá "
        "ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình bằng hữu."
    ),
    "pinyin": "zhongguo shi shijie shang lishi zui youjiu de guojia zhi yi, quanguo renmin xuexi he yanjiu lishi "
    * 2,
    "Japanese": (
        "漏電遮断機構と検知機構を一つの箱内に収めたものは、漏電遮断器と解釈し、対象として取り扱う。"
        "図書館では毎年多くの利用者を受け入れており、古い書籍の保存にも力を入れている。"
    ),
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 이성과 양심을 부여받았다.",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Arabic": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق، وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม",
    "names": "王伟 李娜 张敏 刘洋 陈静 杨帆 赵磊 黄婷 周杰 吴倩 徐鹏 孙丽 胡军 朱琳 高峰 林涛 何欢 郭亮 马超 罗佳\n"
    * 4,
    "names in one line": "、".join(
        ["欧阳娜娜", "司马相如", "诸葛亮", "上官婉儿", "赵云", "关羽", "张飞", "鲁肃", "周瑜", "孙权"] * 4
    ),
    "table of numbers": "营业收入 1,234.56 1,100.02 12.2%\n净利润 (45.10) 38.77 -16.3%\n合计 9,876.54 8,765.43 12.7%\n"
    * 6,
    "formulas": "f(x) = ∑ αᵢ·K(x, xᵢ) + b, ∂L/∂w = 0 ⇒ w = ∑ αᵢ yᵢ xᵢ\n‖w‖² ≤ 1/γ², ∀ i: yᵢ(w·xᵢ + b) ≥ 1 − ξᵢ, ξᵢ ≥ 0\n"
    * 4,
    "code": (
        "def parse(line: str) -> dict[str, int]:\n    key, _, value = line.partition('=')\n"
        "    return {key.strip(): int(value)} if value else {}\n\n"
        "for (i = 0; i < len; i++) { buf[i] ^= mask[i % 4]; if (!buf[i]) break; }\n"
        'printf("%s: %d\\n", argv[1], strtol(ptr, NULL, 16)); /* done */\n'
    )
    * 3,
    "URLs": "https://www.example.org/a/b?id=37&lang=zh#top http://example.com/~user/x.html;v=2\n" * 5,
    "hex dump": "00000010  de ad be ef 00 01 7f 45  4c 46 02 01 01 00 00 00  |.....ELF........|\n" * 12,
    "base64": "c29tZSB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2ggdG8gZmlsbCBhIGxpbmUgb3IgdHdv\nK3/9aGVsbG8+d29ybGQ/\n"
    * 5,
    "proteins": "MKTAYIAKQR QISFVKSHFS RQLEERLGLI EVQAPILSRV GDGTQDNLSG AEKAVQVKVK ALPDAQFEVV\n" * 5,
    "abbreviations": "NVDA AAPL MSFT GOOG TSLA XOM CVX JPM BRK UNH JNJ PG HD MA WMT LLM NLP RNN LSTM CNN SGD\n"
    * 4,
    "contents": "第一章 绪论……………………1\n1.1 研究背景 . . . . . . . . . 3\n1.2 研究意义..............7\n第二章 方法------12\n"
    * 5,
    "line art": "+------+------+\n| a    | b    |\n+======+======+\n***** ##### ~~~~~\n" * 8,
    "empty": "",
    "blank": " \n\t\u3000\n",
    "page number": "- 12 -",
    "one bullet": "\uf0b7",
}


@pytest.mark.parametrize("text", NATURAL.values(), ids=NATURAL.keys())
def test_natural_text_is_readable_without_a_doubt(text: str) -> None:
    verdict = examine_text(text)
    assert verdict.readable
    assert verdict.doubts == ()
    assert verdict.share == 0


HAN = re.compile("[\u4e00-\u9fff]")


def exchanged(text: str, alphabet: str, seed: int = 3) -> str:
    """A substitution cipher: each character of `alphabet` stands for another one."""
    others = list(alphabet)
    random.Random(seed).shuffle(others)
    return text.translate(dict(zip(map(ord, alphabet), others, strict=True)))


def chinese_exchanged(text: str) -> str:
    """A cipher over the characters of several texts, as of a font used in a whole document."""
    return exchanged(text, "".join(sorted(set(HAN.findall("".join(NATURAL.values()))))))


def letters_exchanged(text: str) -> str:
    keys = "qwertyuiopasdfghjklzxcvbnm"
    return text.translate(str.maketrans(string.ascii_letters, keys + keys.upper()))


def glyph_numbers(text: str) -> str:
    """TrueType glyph numbers for characters, as with an Identity-H font without ToUnicode: all 29 less."""
    return "".join(chr(ord(c) - 29) for c in text)


def moved(text: str, by: int) -> str:
    return HAN.sub(lambda found: chr(ord(found[0]) + by), text)


def numbered(text: str) -> str:
    """Characters numbered in the order in which they occur, as in the subset of a font."""
    order = {character: chr(33 + number % 90) for number, character in enumerate(dict.fromkeys(text))}
    return "".join(order[character] for character in text)


GARBLED: dict[str, tuple[str, str]] = {
    "private-use": (
        FINANCE.translate({ord(c): 0xE000 + i for i, c in enumerate(set(FINANCE))}),
        "private-use",
    ),
    "replacement": (re.sub("[a-z]", "\ufffd", ENGLISH), "replacement"),
    "half replaced": (FINANCE + "\n" + re.sub(r"\w", "\ufffd", ENGLISH), "replacement"),
    "replaced, apart": ("\ufffd \ufffd \ufffd\n\ufffd \ufffd \ufffd 12", "replacement"),
    "control": ("".join(c if c in " \n" else chr(ord(c) % 8 + 1) for c in ENGLISH), "control"),
    "surrogates": ("\ud800" * 40, "replacement"),
    "GBK as Latin-1": (LAW.encode("gbk").decode("latin-1"), "wrong encoding"),
    "UTF-8 as Windows-1252": (LAW.encode().decode("cp1252", "ignore"), "wrong encoding"),
    "Chinese as ASCII": (numbered(LAW + FINANCE), "marks"),
    "finance exchanged": (chinese_exchanged(FINANCE), "words"),
    "law exchanged": (chinese_exchanged(LAW), "words"),
    "traditional exchanged": (chinese_exchanged(TRADITIONAL), "words"),
    "next characters": (moved(LAW, 1), "rare"),
    "characters before": (moved(TRADITIONAL, -3), "rare"),
    "letters exchanged": (letters_exchanged(ENGLISH), "Latin"),
    "glyph numbers": (glyph_numbers(ENGLISH), "Latin"),
}


@pytest.mark.parametrize(("text", "doubt"), GARBLED.values(), ids=GARBLED.keys())
def test_garbled_text_is_not_readable(text: str, doubt: str) -> None:
    verdict = examine_text(text)
    assert not verdict.readable
    assert doubt in " ".join(verdict.doubts)
    assert verdict.share > 0.1


def test_letters_moved_by_a_constant_are_found() -> None:
    text = f"{ENGLISH} {ENGLISH}"
    found = 0
    for shift in range(1, 26):
        letters = string.ascii_lowercase[shift:] + string.ascii_lowercase[:shift]
        found += not examine_text(
            text.translate(str.maketrans(string.ascii_letters, letters + letters.upper()))
        ).readable
    assert found >= 23


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(" ", "\x03"),
        lambda text: text.replace("ll", "\x0e").replace("th", "\x0f"),
        lambda text: text.encode("utf-16-be").decode("latin-1"),
        lambda text: text.replace(" ", "\uf020", 20),
        lambda text: re.sub(r"\. ", ".\n\uf06c ", text),
    ],
    ids=["controls for blanks", "controls for ligatures", "UTF-16 in bytes", "private-use blanks", "bullets"],
)
def test_text_with_odd_characters_is_readable(change: Callable[[str], str]) -> None:
    assert examine_text(change(ENGLISH)).readable


def test_formulas_of_a_symbol_font_leave_a_doubt_only() -> None:
    verdict = examine_text(MIXED + "\n" + "\uf03d\uf02b\uf061 = \uf0e5\uf062" * 4)
    assert verdict.readable
    assert verdict.doubts == ("14% of the characters have no meaning, most of them private-use",)
    assert 0.1 < verdict.share < 0.2


def test_a_few_rare_characters_leave_a_doubt_only() -> None:
    verdict = examine_text(LAW + "輱輩輨輮輯輰輲輳輴輵輶輷輨輩輱輱輮輯輰輲")
    assert verdict.readable
    assert "rare" in verdict.doubts[0]


@pytest.mark.parametrize("text", ["鱻龘", "xqzk vwqx", "\uf0b7 \uf0b7\n\ufffd", "輱輩輨 12", '!"#$ %&'])
def test_a_few_characters_condemn_nothing(text: str) -> None:
    assert examine_text(text).readable


@settings(deadline=None)  # the first Chinese text loads the dictionary
@given(st.text())
def test_any_text_gets_a_verdict(text: str) -> None:
    verdict = examine_text(text)
    assert 0 <= verdict.share <= 1
    assert verdict.readable or verdict.doubts


@settings(deadline=None)  # the first Chinese text loads the dictionary
@given(st.text(st.characters(codec=None, categories=["Cs", "Co", "Cc", "Cn", "Lo", "Po"])))
def test_odd_characters_get_a_verdict(text: str) -> None:
    assert 0 <= examine_text(text).share <= 1


@settings(deadline=None)  # the first Chinese text loads the dictionary
@given(
    st.sampled_from([FINANCE, LAW, TRADITIONAL, CLASSICAL, ENGLISH, MIXED]),
    st.lists(
        st.tuples(st.integers(0, 100), st.sampled_from("\uf0b7\uf06c\uf0d8\uf0a7\ufffd\x01")), max_size=12
    ),
)
def test_a_few_odd_characters_do_not_condemn_a_page(text: str, odd: list[tuple[int, str]]) -> None:
    for place, character in odd:
        text = f"{text[:place]}{character}{text[place:]}"
    assert examine_text(text).readable


@settings(deadline=None)  # the first Chinese text loads the dictionary
@given(st.sampled_from([FINANCE, LAW, TRADITIONAL, ENGLISH]), st.integers(0, 100), st.integers(1, 200))
def test_no_piece_of_natural_text_is_condemned(text: str, start: int, length: int) -> None:
    assert examine_text(text[start : start + length]).readable
