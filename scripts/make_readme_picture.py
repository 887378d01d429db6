"""Draws docs/images/answer.png: a question, its answer, and the cited pages with the cited sentence marked.

Run it when the answer or the example pages have changed: ``python scripts/make_readme_picture.py``.
"""

from __future__ import annotations

import html
import tempfile
from pathlib import Path

import pymupdf

from qa_engine import Citation, QueryEngine, ingest
from qa_engine.documents.pdf.rendering import PageBox, render_boxes

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "answer.png"
QUESTION = "工作满十年的员工每年有几天年假？"
WIDTH, HEIGHT, GAP = 1000, 290, 20
CARD = pymupdf.Rect(GAP, GAP, 420, HEIGHT - GAP)
PAGES = pymupdf.Rect(420 + GAP, GAP, WIDTH - GAP, HEIGHT - GAP)
DPI = 200
ABOVE = {True: 46, False: 12}
"""Points of a page that are shown above the marked lines: on the first page, and on those after it."""
STYLE = """
* { font-family: sans-serif; color: #1f2328; }
p { margin: 0 0 10px 0; font-size: 15px; line-height: 1.5; }
p.command { color: #57606a; font-size: 13px; }
p.place { color: #0550ae; font-weight: bold; }
"""


def main() -> None:
    """Asks the question of a fresh collection and draws what comes back."""
    with tempfile.TemporaryDirectory() as storage:
        ingest(ROOT / "examples", storage=storage)
        answer = QueryEngine.open(storage=storage).query(QUESTION)
    (citation,) = answer.citations
    page = pymupdf.open().new_page(width=WIDTH, height=HEIGHT)
    page.draw_rect(page.rect, color=None, fill=(0.94, 0.95, 0.96))
    page.draw_rect(CARD, color=(0.8, 0.82, 0.85), fill=(1, 1, 1))
    place = f"[{citation.number}] {citation.file} 第{citation.page}–{citation.page_end}页"
    paragraphs = [
        ("command", f"$ qa-engine ask {QUESTION}"),
        ("answer", str(answer.response)),
        ("place", place),
        ("section", citation.section),
    ]
    body = "".join(f'<p class="{kind}">{html.escape(text)}</p>' for kind, text in paragraphs)
    card = pymupdf.Rect(CARD.x0 + 16, CARD.y0 + 16, CARD.x1 - 16, CARD.y1 - 16)
    page.insert_htmlbox(card, body, css=STYLE)
    draw_cited_lines(page, citation)
    PICTURE.parent.mkdir(exist_ok=True)
    page.get_pixmap(dpi=110).save(PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1000} kB")


def draw_cited_lines(page: pymupdf.Page, citation: Citation) -> None:
    """Draws the parts of the cited pages around the marked lines, one below the other."""
    boxes = [PageBox(box.page, box.x0, box.y0, box.x1, box.y1) for box in citation.boxes]
    images = render_boxes(ROOT / "examples" / citation.file, boxes, DPI)
    height = (PAGES.height - GAP * (len(images) - 1)) / len(images)
    for place, (number, image) in enumerate(images.items()):
        picture = pymupdf.Pixmap(image)
        top = (min(box.y0 for box in boxes if box.page == number) - ABOVE[place == 0]) * DPI / 72
        cut = pymupdf.IRect(0, int(max(0, top)), picture.width, 0)
        cut.y1 = min(picture.height, cut.y0 + int(picture.width * height / PAGES.width))
        part = pymupdf.Pixmap(picture.colorspace, cut, False)
        part.copy(picture, cut)
        y0 = PAGES.y0 + place * (height + GAP)
        target = pymupdf.Rect(PAGES.x0, y0, PAGES.x1, y0 + height)
        page.insert_image(target, pixmap=part)
        page.draw_rect(target, color=(0.8, 0.82, 0.85))


if __name__ == "__main__":
    main()
