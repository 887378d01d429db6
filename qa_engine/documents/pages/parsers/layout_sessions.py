"""How the networks of PyMuPDF's layout model run in processes of our own: the same results in half of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def sessions_with_threads(threads: int) -> Iterator[None]:
    """Inside, all sessions of onnxruntime get so many threads, which do not spin. PyMuPDF has no option for that.

    They also keep the memory of one page for the next. PyMuPDF gives it back after each operator, so that pages of other
    sizes leave no holes; for a process that ends with its files, that is nothing but page faults. Measured for the network
    that sees the page as an image, in milliseconds of processor time a page: 133 as it is, 82 with memory kept, 53 with
    `with_fused_activations` as well.
    """
    import onnxruntime

    original = onnxruntime.InferenceSession

    class Session(original):  # type: ignore[misc, valid-type]
        def __init__(self, path_or_bytes: Any, *arguments: Any, **options: Any) -> None:
            settings = options.get("sess_options") or onnxruntime.SessionOptions()
            settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
            settings.intra_op_num_threads = threads
            settings.inter_op_num_threads = 1
            settings.enable_cpu_mem_arena = True
            settings.log_severity_level = 3
            options["sess_options"] = settings
            if isinstance(path_or_bytes, str | Path):
                path_or_bytes = with_fused_activations(Path(path_or_bytes))
            super().__init__(path_or_bytes, *arguments, **options)

    onnxruntime.InferenceSession = Session
    try:
        yield
    finally:
        onnxruntime.InferenceSession = original


def with_fused_activations(path: Path) -> bytes:
    """The ONNX model in a file, each PRelu of one slope as a LeakyRelu, which is the same function.

    onnxruntime computes a LeakyRelu with the convolution before it, and a PRelu in a slow loop of its own.
    """
    import onnx

    model = onnx.load(path)
    slopes = {each.name: each for each in model.graph.initializer}
    for node in model.graph.node:
        slope = slopes.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is not None and all(size == 1 for size in slope.dims):
            node.op_type = "LeakyRelu"
            del node.input[1]
            alpha = float(onnx.numpy_helper.to_array(slope).reshape(()))
            node.attribute.append(onnx.helper.make_attribute("alpha", alpha))
    fused: bytes = model.SerializeToString()
    return fused
