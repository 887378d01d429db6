"""The arithmetic around the layout model gives what PyMuPDF's own gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pymupdf
import pytest

from qa_engine.documents.pages.parsers import layout_images

_PATCHED = """
from qa_engine.documents.pages.parsers import layout_images, layout_model
layout_model.import_without_layout()
if {threads}:
    layout_model.limit_threads(1)
layout_model._load_model()
from pymupdf.layout import pymupdf_util_ext, roi_pooling
from pymupdf.layout.onnx import ImageFeatureExtractorV1, TableGridExtractorV2
for module in (ImageFeatureExtractorV1, TableGridExtractorV2):
    print(module.resize_image is layout_images.resize_image)
print(roi_pooling._pixel_margin is layout_images._pixel_margin)
print(pymupdf_util_ext.extract_rf_features is layout_images.extract_rf_features)
"""


@pytest.mark.parametrize("size", [(300, 300), (300, 360), (1, 1), (900, 40)])
@pytest.mark.parametrize("kind", ["grey", "colour", "one channel differs", "plane"])
def test_resized_images_are_those_of_pymupdf(size: tuple[int, int], kind: str) -> None:
    from pymupdf.layout.common_util import resize_image as original

    image = np.random.default_rng(7).integers(0, 256, (157, 122, 3), np.uint8)
    image[:80] = 255  # the white of a page: rounded down, it would be 254
    if kind != "colour":
        image = np.repeat(image[..., :1], 3, axis=2)
    if kind == "one channel differs":
        image[100, 60, 2] ^= 1
    if kind == "plane":
        image = image[..., 0]
    cut = image[3:150, 5:]
    for part in (image, cut):
        resized = layout_images.resize_image(part, size)
        assert resized.dtype == np.uint8
        np.testing.assert_array_equal(resized, original(part, size))


@pytest.mark.parametrize("shape", [(12, 5, 40), (2, 1, 1), (1, 3, 3)])
def test_margins_are_those_of_pymupdf(shape: tuple[int, int, int]) -> None:
    from pymupdf.layout.roi_pooling import _pixel_margin as original

    probabilities = np.random.default_rng(7).random(shape, np.float32)
    probabilities[0, 0, 0] = probabilities[-1, 0, 0]  # a tie
    np.testing.assert_array_equal(layout_images._pixel_margin(probabilities), original(probabilities))


@pytest.mark.parametrize("invisible", [0, 1, 2], ids=["none", "some", "all"])
def test_features_are_those_of_pymupdf(invisible: int) -> None:
    from pymupdf.layout.pymupdf_util_base import extract_base_elements, make_custom_feature
    from pymupdf.layout.pymupdf_util_rf import extract_rf_features as original

    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((72, 72), "Zimtsterne, 250 g", fontsize=14, render_mode=3 if invisible == 2 else 0)
        page.insert_text((72, 300), "12 Stück\nje Blech", render_mode=3 if invisible else 0)
        found = []
        for extract in (original, layout_images.extract_rf_features):
            data = extract_base_elements(page)
            data["custom_features"] = [make_custom_feature("text", text) for text in data["text"]]
            extract(data, data["stext_page"])
            found.append([data[key] for key in ("custom_features", "bboxes", "text")])
    assert found[0] == found[1]
    assert len(found[0][2]) == (1 if invisible == 1 else 3)


@pytest.mark.parametrize("own", [True, False], ids=["a process of ours", "the process of somebody else"])
def test_only_processes_of_our_own_are_changed(own: bool) -> None:
    script = _PATCHED.format(threads=own)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(own)] * 4
