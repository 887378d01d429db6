"""The words of the page of a citation, in both its languages."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "zh-CN": {
        "page": "第 {} 页",
        "pages": "第 {}–{} 页",
        "printed": "页面上印的页码：{}",
        "converted": "页面是由文件转换而成的，原文件没有这样的页码",
        "quote": "引用的内容",
        "quote_of_old": "当时引用的内容",
        "to_marks": "看页面上标出的句子",
        "page_image": "{} 第 {} 页的图像",
        "page_image_marked": "{} 第 {} 页的图像，引用的句子已标出；句子的文字见上文",
        "page_not_drawn": "这一页无法显示。请打开原文件查看。",
        "no_page": "这段文字不是来自文件，没有页面可以显示。",
        "elsewhere": "原文件在另一台服务器上，这里无法显示它的页面。引用的内容见上文。",
        "previous": "上一页",
        "next": "下一页",
        "back": "回到引用的页",
        "original": "在这一页打开原文件",
        "download": "下载原文件",
        "navigation": "页面与文件",
        "gone": "这个版本的文件已经不在了",
        "gone_detail": "“{}”在被引用之后改变了，或者已经移走。下面是当时引用的内容；请重新提问，以查看现在的版本。",
        "gone_detail_unknown": "文件在被引用之后改变了，或者已经移走。请重新提问，以查看现在的版本。",
        "not_found": "没有这条引用",
        "not_found_detail": "链接可能不完整，或者引用的内容已经不再保存。请重新提问。",
        "problem": "现在无法显示这条引用",
    },
    "en": {
        "page": "page {}",
        "pages": "pages {}–{}",
        "printed": "Printed page number: {}",
        "converted": "The pages were made from the file, which has no such numbers of pages",
        "quote": "What was cited",
        "quote_of_old": "What was cited then",
        "to_marks": "Go to the marked sentences on the page",
        "page_image": "Image of {}, page {}",
        "page_image_marked": "Image of {}, page {}, with the cited sentences marked; their text is above",
        "page_not_drawn": "This page cannot be shown. Open the file itself.",
        "no_page": "This text does not come from a file, so there is no page to show.",
        "elsewhere": "The file is on another server, so its pages cannot be shown here. What was cited is above.",
        "previous": "Previous page",
        "next": "Next page",
        "back": "Back to the cited page",
        "original": "Open the file at this page",
        "download": "Download the file",
        "navigation": "Pages and file",
        "gone": "This version of the file is gone",
        "gone_detail": "“{}” was changed after it had been cited, or was removed. This is what was cited; ask again "
        "to see the present version.",
        "gone_detail_unknown": "The file was changed after it had been cited, or was removed. Ask again to see the present "
        "version.",
        "not_found": "There is no such citation",
        "not_found_detail": "The link may be incomplete, or what it stood for is no longer kept. Ask again.",
        "problem": "This citation cannot be shown now",
    },
}
"""Sentences by language and name; ``{}`` stands for a name or a number."""
