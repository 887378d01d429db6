"""Where sentences end: one row a case, with what it guards. ``|`` stands where the sentences must be cut."""

from __future__ import annotations

import time

import pytest

from qa_engine.documents.sentences.ends import (
    MAY_END,
    NEVER_END,
    STARTERS,
    WORDS,
    last_word,
    sentence_ends,
)
from qa_engine.documents.sentences.splitting import split_sentences
from qa_engine.text.language import is_chinese


def marked(text: str) -> str:
    """The sentences of a text with `` | `` between them."""
    return " | ".join(text[found.start : found.end] for found in split_sentences(text))


ENGLISH = {
    "decimal": "Its mass is 2.5 times as large. | The other is small.",
    "percentage": "Growth was 3.2% in spring. | It fell in autumn.",
    "thousands": "Sales reached 1,234.56 dollars. | They fell again.",
    "year_at_the_end": "It began in 2020. | The next year it ended.",
    "version_at_the_end": "This is version 3. | The other is version 4.",
    "version_number": "Use v1.2.3 for that. | Then stop it.",
    "money": "She has $100.00. | It is in her bag.",
    "eg_and_ie": "Some fruits, e.g. apples, i.e. Malus, are red. | Others are not.",
    "ie_comma": "The mean, i.e., the average, is low. | We know why.",
    "et_al_year": "As Smith et al. (2020) showed, it works. | We agree.",
    "et_al_comma": "It works (Smith et al., 2020). | We agree.",
    "et_al_verb": "As Smith et al. showed in detail, it works.",
    "et_al_ends": "It was shown by Smith et al. | The results are clear.",
    "fig": "See Fig. 3 for the results. | They are clear.",
    "figs": "See Figs. 3 and 4 for them. | They are clear.",
    "eq_in_brackets": "This follows from Eq. (2) above. | We use it below.",
    "sec": "We show this in Sec. 4.1 below. | It is long.",
    "number_five": "The answer to No. 5 is red. | Next one.",
    "no_as_a_word": "The answer is no. | We know why.",
    "vs_cf_approx": "It is red vs. Blue, cf. Smith, approx. 5 tons. | Enough of it.",
    "titles": "Mr. Brown, Mrs. Brown and Dr. Smith came by. | They left.",
    "title_and_starter": "We met Dr. No and Prof. The in the hall.",
    "us_inside": "The U.S. Government grew. | Nobody expected it.",
    "us_ends": "She lives in the U.S. | The law differs there.",
    "initials": "J. R. Smith and A. Jones wrote it. | They did it well.",
    "hyphenated_initials": "It was by J. Devlin, M.-W. Chang and K. Lee. | They did it well.",
    "initial_that_ends": "We chose plan B. | It was the better one.",
    "inc_inside": "Apple Inc. was founded by Foo Ltd. was it not?",
    "inc_ends": "He works for Apple Inc. | The company is large.",
    "inc_before_a_name": "He works for Apple Inc. California has more of them.",
    "pages": "See p. 12 and pp. 3-5 of vol. 2 for it. | There it is.",
    "am_inside": "At 5 a.m. Mr. Smith went out. | He left early.",
    "pm_ends": "We met at 6 p.m. | The bank was closed.",
    "month": "On Jan. 3 it broke. | We mended it.",
    "web_address": "Look at www.example.com/a.b today. | It is there.",
    "address_at_the_end": "See https://a.example.com/x?y=Z.html. | Please look.",
    "email": "Write to Jane.Doe@example.com. | She will answer.",
    "file_name": "Open file.name.txt first. | Then close it.",
    "dotted_names": "It runs on System.Windows.Forms and Node.JS here.",
    "reference_before": "It is well known [12]. | Next sentence here.",
    "reference_after": "It ends here.[3] | Next sentence here.",
    "references_after": "It ends here.[3, 4][5] | Next sentence here.",
    "footnote_after": "It ends here.2 | Next sentence follows.",
    "footnote_after_quote": "He said “it is done.”18 | “One does not know.”",
    "number_no_footnote": "It is v1.2 Next to the other.",
    "bracket_within": "He teaches (He was an engineer.) at the school.",
    "bracket_of_its_own": "It ends there. | (See above.) | Next sentence here.",
    "bracket_then_capital": "It ends there (see above.) | Next sentence here.",
    "blank_before_the_stop": "It was seen (Smith, 2006) . | However, we did not.",
    "stop_in_a_short_bracket": "We ask (Is it so? Is it not? We wonder.) and go on.",
    "quote_then_capital": 'He said "Yes, I do." | Then he left us.',
    "quote_then_lower": 'He said, "Yes, I do." and then he left us.',
    "single_quotes": "'I am the one.' | Then he left.",
    "single_quotes_lower": "'I am the one.' he said. | Nobody knew.",
    "curly_quotes": "“It is what it is.” | Then he left.",
    "shout_within": 'He said "Stop!" and left. | Nobody followed him.',
    "apostrophes": "It’s the dogs’ food. | They don't like it.",
    "quotation_never_closed": "He said “it is so. | We heard it. | Then he left.",
    "bracket_never_closed": "It is so (as we know. | We heard it. | Then he left.",
    "ellipsis_goes_on": "Wait... what is it? | Yes it is!",
    "ellipsis_ends": "I never meant that.... | She left the store.",
    "spaced_ellipsis": "It was . . . not so. | Then it came.",
    "question_and_shout": "Is it really so?! | No way at all!! | Indeed.",
    "name_with_a_shout": "She works at Yahoo! in the evening. | He does not.",
    "heading": "3. Results of the study",
    "deep_heading": "3.1.2 Methods are here. | They are good.",
    "roman_heading": "II. Background of the study. | III. Methods of it.",
    "letter_heading": "A. Details of the study. | They are many.",
    "caption": "Figure 3. Example of a network.",
    "list_in_a_sentence": "It has (a) the first; (b) the second. | (c) is the third.",
    "list_with_bracket": "1) The first item. | 2) The second item.",
    "list_with_stops": "1. The first item. | 2. The second item. | 3. The third.",
    "starts_lower": "The shop was closed. | iPhones are sold there.",
    "starts_with_digit": "The shop was closed. | 3 people came by.",
    "starts_with_quote": "The shop was closed. | “Quoted words” began it.",
    "starts_with_bracket": "The shop was closed. | [Some] went home.",
    "phd_students": "Ph.D. students came by. | They left.",
    "phd_ends": "She has a Ph.D. | They know it.",
    "etc": "Apples, pears etc. and so on. | Apples, etc. | The end.",
    "me_as_a_word": "She asked me. | John told her so.",
    "species": "Eimeria spp. may be seen, and E. coli. | No more.",
    "other_script": "वह आया। | वह चला गया।",
}
CHINESE = {
    "plain": "西湖位于杭州。 | 它三面环山！ | 你去过西湖吗？",
    "traditional": "西湖位於杭州。 | 它三面環山！ | 你去過西湖嗎？",
    "blank_between": "西湖位于杭州。 | 它三面环山。",
    "semicolon_goes_on": "第一是好；第二是快；第三是省。 | 没有别的了。",
    "colon_goes_on": "结论如下：第一是好。 | 没有别的了。",
    "year_begins": "公司成立于2001年。 | 2005年公司上市。",
    "letter_begins": "公司生产芯片。 | GPU是其中之一。",
    "numbers": "增长3.2%，收入1,234.56元。 | 明年继续增长。",
    "article": "根据第3.2.1条，合同有效。 | 双方无异议。",
    "standard": "执行GB/T 1234.5-2010标准。 | 其他标准不用。",
    "date": "截至2020.12.31为止有效。 | 之后另行通知。",
    "figure": "如图3.2和式(2.5)所示。 | 其他的不看。",
    "quoted_abbreviation": "编号为“No.5”的产品。 | 其他的不卖。",
    "half_width": "这是第一句话. | 这是第二句话.",
    "half_width_blank": "这是第一句话. | 这是第二句话.",
    "half_width_after_year": "公司成立于2001年. | 主营业务是软件.",
    "half_width_after_latin": "本文使用了GPU. | 结果比以前好.",
    "half_width_latin_blank": "我们使用 Llama 2. | 它有七十亿个参数。",
    "half_width_then_latin": "结果比以前好. | We用的是新方法.",
    "half_width_question": "你觉得好吗? | 我觉得很好! | 那就这样定了吧",
    "full_width_stop": "这是第一句话． | 这是第二句话．",
    "middle_dot": "乔治.华盛顿是美国总统。 | J.托尔金是作家。",
    "caption_dot": "结果见图.3所示的曲线。 | 其他的不看。",
    "title_before_han": "Mr. 王来自北京城。 | 他今年三十岁。",
    "us_before_han": "他来自U.S. 现居北京城。 | 他今年三十岁。",
    "ellipsis_goes_on": "这件事说来话长……后来他就离开了。 | 难道没有了吗？",
    "full_stops": "好的就是这样。。。 | 然后没有了呢。",
    "question_and_shout": "真的是这样吗！？ | 就是这样的！！ | 那就这样吧。",
    "quote_then_sentence": "他说：“今天不去了。” | 然后他走了出去。",
    "quote_then_speaker": "“今天天气真好啊！”他说。 | 大家都同意了。",
    "quote_speaker_quote": "“天气真好啊！”妈妈高兴地说：“我们出去吧。” | 大家都同意了。",
    "quote_after_speaker": "他说：“今天不去了。” | 小王说明天也不去。",
    "quote_as_a_word": "他认为“为什么会这样？”这个问题很重要。 | 难道没有了吗？",
    "quote_then_particle": "“我们要去哪里？”的答案没有人知道。 | 难道没有了吗？",
    "quote_then_comma": "“我们今天不去了。”，他这样告诉大家。 | 难道没有了吗？",
    "quote_of_two": "他说：“今天不去了。明天再去。” | 然后他走了出去。",
    "quote_of_two_first": "“今天不去了。明天再去。”他说。 | 然后他走了出去。",
    "quote_with_ellipsis": "“这件事说来话长……” | 然后他走了出去。",
    "quote_within_quote": "他说：“她说‘不去了。’就走了。” | 然后他也走了。",
    "quote_never_closed": "他说：“今天不去了。 | 明天我们再去。 | 然后他走了出去。",
    "blank_before_quote": "他说：“今天不去了。 ” | 然后他走了出去。",
    "straight_quotes": '"今天不去了。"他说完就走了。 | "明天再去吧。" | 大家都同意了。',
    "corner_quotes": "他說：「今天不去了。」 | 然後他走了出去。",
    "corner_quote_speaker": "「今天不去了。」他說。 | 『明天再去吧。』她說。",
    "book_title": "《你好，李焕英！》是一部电影。 | 《谁是凶手？》也是。",
    "bracket_of_its_own": "（本段到此完毕。） | 下一段从这里开始。",
    "bracket_that_ends": "公司有多个部门（参见第三章。） | 下一段从这里开始。",
    "bracket_within": "他（真是太可惜了！）没有来。 | 难道没有了吗？",
    "reference_after": "这个结论已经证实。[3] | 后来又有人证实。",
    "circled_note": "这个结论已经证实。① | 后来又有人证实。",
    "han_list": "一、总则与目的。 | 二、细则与附录。",
    "han_list_dots": "一.总则与目的 二.细则与附录",
    "bracket_list": "（一）第一款的内容。 | （二）第二款的内容。",
    "digit_list": "1. 第一条的内容。 | 2. 第二条的内容。",
    "tight_digit_list": "1.第一条的内容。 | 2.第二条的内容。",
    "full_width_list": "1．第一条的内容． | 2．第二条的内容．",
    "enumeration": "品种有苹果、梨、桃等。 | 还有别的吗？",
    "addresses": "网址是www.example.com/a.b，电邮是jane.doe@example.com。 | 请联络我们。",
    "leader": "第一章 总则 … 12",
    "english_inside": "The model is large. | It has many parameters. | 我们使用它来做实验。 | It is good.",
    "chinese_inside": "This is an English text with 中文句子。 | And it goes on. | 然后是中文。 | Then English.",
    "name_with_initial": "導演是Louis B. Mayer先生。 | 他很有名氣。",
}


def _joined(expected: str, between: str) -> str:
    return expected.replace(" | ", between)


@pytest.mark.parametrize("expected", ENGLISH.values(), ids=ENGLISH.keys())
def test_english_sentences(expected: str) -> None:
    assert marked(_joined(expected, " ")) == expected


@pytest.mark.parametrize(("name", "expected"), CHINESE.items(), ids=CHINESE.keys())
def test_chinese_and_mixed_sentences(name: str, expected: str) -> None:
    spaced = {
        "blank_between",
        "half_width_blank",
        "half_width_latin_blank",
        "english_inside",
        "chinese_inside",
    }
    assert marked(_joined(expected, " " if name in spaced else "")) == expected


def test_missing_blank_before_a_word_that_begins_sentences_is_an_end() -> None:
    assert marked("Nobody refused.They made him do it.") == "Nobody refused. | They made him do it."


def test_long_quotation_and_long_bracket_are_split_inside() -> None:
    words = "We went on and on along the road to the sea. " * 6
    assert len(split_sentences(f"He said “{words.strip()}” Then he left.")) == 7
    clause = "我们沿着这条路一直走到了海边。" * 8
    assert len(split_sentences(f"他说：“{clause}”然后他走了。")) == 9


@pytest.mark.parametrize("text", ["", " ", "。", "...", "西湖", "No end at all", "\u3000", "”", "\u0964"])
def test_nothing_to_cut(text: str) -> None:
    assert sentence_ends(text) == []


@pytest.mark.parametrize("word", sorted(NEVER_END))
def test_abbreviation_that_never_ends_a_sentence(word: str) -> None:
    for following in ("3 of it", "(2) of it", "Brown of it", "The one"):
        assert sentence_ends(f"We saw it by {word}. {following} was seen.") == []


@pytest.mark.parametrize("word", sorted(MAY_END))
def test_abbreviation_that_ends_a_sentence_before_a_word_that_begins_one(word: str) -> None:
    text = f"We saw it by {word}. The one was seen."
    assert sentence_ends(text) == [text.index(". The") + 1]
    assert sentence_ends(f"We saw it by {word}. was seen.") == []
    assert sentence_ends(f"We saw it by {word}. Brown was seen.") == []


@pytest.mark.parametrize("word", sorted(WORDS))
def test_word_that_is_no_abbreviation_ends_a_sentence(word: str) -> None:
    text = f"We saw it by {word}. Brown was seen."
    assert sentence_ends(text) == [text.index(". Brown") + 1]


def test_words_of_the_lists_can_match() -> None:
    assert all(word == word.lower() for word in NEVER_END | MAY_END | WORDS)
    assert all(word[0].isupper() for word in STARTERS)
    assert not (NEVER_END & MAY_END) and not (WORDS & (NEVER_END | MAY_END))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("in the U.S", "U.S"),
        ("a Ph.D", "Ph.D"),
        ("3.14", "14"),
        ("来自U.S", "U.S"),
        ("", ""),
        ("a-b", "b"),
        ("(", ""),
    ],
)
def test_last_word(text: str, word: str) -> None:
    assert last_word(text, len(text)) == word


@pytest.mark.parametrize(
    ("text", "chinese"), [("西湖", True), ("lake", False), ("", False), ("Llama 2有多少参数", True)]
)
def test_is_chinese(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


@pytest.mark.parametrize(
    "unit",
    ["。", ".", "(", " ", "a", "1.", "“", '"', "'", ")", "…", "…1 ", "。”", "“。”", "a. ", '"a." ', "(a.) ", "1. ",
     "a@b.cc. ", "，", "《a》", "（，）", "字", "。[1", "“好！”他说", "一.", "!?", "。\n", "\u0301"],
)  # fmt: skip
def test_time_grows_with_the_length_only(unit: str) -> None:
    """200,000 characters take 0.1 to 0.4 s; sentencex alone takes 21 s for opening quotation marks."""
    text = (unit * 200_000)[:200_000]
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 2
