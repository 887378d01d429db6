"""The networks of the layout model as they run in processes of our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from qa_engine.documents.pages.parsers.layout_sessions import faster_model, sessions_with_threads

ONE = np.full((1, 1, 1), 0.25, np.float32)
SEVERAL = np.array([[[0.5]], [[-0.5]]], np.float32)
SIZES = np.array([1, 2, 6, 6], np.int64)


def network(
    path: Path, nodes: list[NodeProto], constants: dict[str, NDArray[np.generic]], *outputs: str
) -> Path:
    shape = [1, 2, 3, 3]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None, None]) for name in outputs],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def enlarged(source: str, output: str, mode: str = "linear") -> NodeProto:
    return helper.make_node("Resize", [source, "", "", "sizes"], [output], mode=mode)


def results(path: Path, *names: str) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """What the network gives as onnxruntime runs it, and as our processes do."""
    values = {"x": np.linspace(-3, 3, 18, dtype=np.float32).reshape(1, 2, 3, 3)}
    plain = onnxruntime.InferenceSession(path)
    with sessions_with_threads(1):
        session = onnxruntime.InferenceSession(str(path))
    assert session.get_session_options().intra_op_num_threads == 1
    assert onnxruntime.InferenceSession is type(plain), "the patch stays behind"
    return plain.run(names or None, values), session.run(names or None, values)


def test_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with sessions_with_threads(1), pytest.raises(Exception, match=r".+"):
        onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))


def test_only_activations_of_one_slope_are_replaced_and_the_values_are_the_same(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("PRelu", [source, slope], [target])
        for source, slope, target in (("x", "one", "a"), ("a", "several", "b"), ("b", "one", "y"))
    ]
    path = network(tmp_path / "model.onnx", nodes, {"one": ONE, "several": SEVERAL}, "y")
    model, outputs = faster_model(path)
    kinds = [node.op_type for node in onnx.load_from_string(model).graph.node]
    assert kinds == ["LeakyRelu", "PRelu", "LeakyRelu"]
    assert outputs == {"y": []}
    plain, ours = results(path)
    np.testing.assert_array_equal(ours[0], plain[0])


def test_enlarged_maps_that_are_joined_have_the_same_values_in_the_same_places(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Neg", ["x"], ["minus"]),
        enlarged("x", "a"),
        enlarged("minus", "b"),
        helper.make_node("Concat", ["a", "b"], ["joined"], axis=1),
        enlarged("x", "single"),
    ]
    path = network(tmp_path / "model.onnx", nodes, {"sizes": SIZES}, "single", "joined")
    assert faster_model(path)[1] == {"single": [], "joined": ["a", "b"]}
    for names in ((), ("joined",), ("joined", "single")):
        plain, ours = results(path, *names)
        for one, other in zip(plain, ours, strict=True):
            np.testing.assert_array_equal(other, one)
            assert (other.shape, other.ndim, other.size) == (one.shape, one.ndim, one.size)
            part, same = other[0][:, 2:5, 1:4], one[0][:, 2:5, 1:4]
            np.testing.assert_array_equal(part.mean(axis=(1, 2)), same.mean(axis=(1, 2)))
            np.testing.assert_array_equal(part.max(axis=(1, 2)), same.max(axis=(1, 2)))


@pytest.mark.parametrize("why", ["used twice", "nearest", "goes on"])
def test_other_maps_stay_as_they_are(tmp_path: Path, why: str) -> None:
    nodes = [
        enlarged("x", "a", "nearest" if why == "nearest" else "linear"),
        enlarged("x", "b"),
        helper.make_node("Concat", ["a", "b"], ["joined"], axis=1),
        helper.make_node(
            "Neg", ["joined" if why == "goes on" else "a" if why == "used twice" else "x"], ["n"]
        ),
    ]
    path = network(tmp_path / "model.onnx", nodes, {"sizes": SIZES}, "joined", "n")
    assert not any(faster_model(path)[1].values())
    plain, ours = results(path)
    np.testing.assert_array_equal(ours[0], plain[0])
