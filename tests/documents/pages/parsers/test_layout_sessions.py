"""The networks of the layout model as they run in processes of our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from qa_engine.documents.pages.parsers.layout_sessions import sessions_with_threads, with_fused_activations


def network(path: Path, *slopes: NDArray[np.float32]) -> Path:
    """Activations with these slopes, one after the other."""
    nodes = [
        helper.make_node("PRelu", [f"x{number}", f"slope{number}"], [f"x{number + 1}"])
        for number in range(len(slopes))
    ]
    graph = helper.make_graph(
        nodes,
        "activations",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, 2, 3, 3])],
        [helper.make_tensor_value_info(f"x{len(slopes)}", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(slope, f"slope{number}") for number, slope in enumerate(slopes)],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


ONE = np.full((1, 1, 1), 0.25, np.float32)
SEVERAL = np.array([[[0.5]], [[-0.5]]], np.float32)


def test_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with sessions_with_threads(1), pytest.raises(Exception, match=r".+"):
        onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))


def test_only_activations_of_one_slope_are_replaced_and_the_values_are_the_same(tmp_path: Path) -> None:
    path = network(tmp_path / "model.onnx", ONE, SEVERAL, ONE)
    fused = with_fused_activations(path)
    kinds = [node.op_type for node in onnx.load_from_string(fused).graph.node]
    assert kinds == ["LeakyRelu", "PRelu", "LeakyRelu"]
    values = np.linspace(-3, 3, 18, dtype=np.float32).reshape(1, 2, 3, 3)
    before = onnxruntime.InferenceSession(path).run(None, {"x0": values})[0]
    with sessions_with_threads(1):
        session = onnxruntime.InferenceSession(str(path))
    np.testing.assert_array_equal(session.run(None, {"x0": values})[0], before)
    assert session.get_session_options().intra_op_num_threads == 1
    assert onnxruntime.InferenceSession is not type(session)
