"""How the networks of PyMuPDF's layout model run in processes of our own: the same results in a third of the time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain, islice
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_CHANNELS_LAST = (0, 2, 3, 1)


@contextmanager
def sessions_with_threads(threads: int) -> Iterator[None]:
    """Inside, all sessions of onnxruntime get so many threads, which do not spin. PyMuPDF has no option for that.

    They also keep the memory of one page for the next. PyMuPDF gives it back after each operator, so that pages of other
    sizes leave no holes; for a process that ends with its files, that is nothing but page faults. Measured for the network
    that sees the page as an image, in milliseconds of processor time a page: 133 as it is, 82 with memory kept, 53 with
    `fuse_activations` and 38 with `put_channels_last` as well.
    """
    import onnxruntime

    _share_memory()
    original = onnxruntime.InferenceSession

    class Session(original):  # type: ignore[misc, valid-type]
        def __init__(self, path_or_bytes: Any, *arguments: Any, **options: Any) -> None:
            settings = options.get("sess_options") or onnxruntime.SessionOptions()
            settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
            settings.intra_op_num_threads = threads
            settings.inter_op_num_threads = 1
            settings.add_session_config_entry("session.use_env_allocators", "1")
            settings.log_severity_level = 3
            options["sess_options"] = settings
            self._outputs: dict[str, list[str]] = {}
            if isinstance(path_or_bytes, str | Path):
                path_or_bytes, self._outputs = faster_model(Path(path_or_bytes))
            super().__init__(path_or_bytes, *arguments, **options)

        def get_outputs(self) -> list[Any]:
            known = {output.name: output for output in super().get_outputs()}
            return [known.get(name) or SimpleNamespace(name=name) for name in self._outputs or known]

        def run(self, names: Sequence[str] | None, feed: Mapping[str, Any], *arguments: Any) -> list[Any]:
            parts = [self._outputs.get(name, []) for name in names or self._outputs]
            if not any(parts):
                return list(super().run(names, feed, *arguments))
            every = [part or [name] for part, name in zip(parts, names or self._outputs, strict=True)]
            found = iter(super().run(list(chain.from_iterable(every)), feed, *arguments))
            return [JoinedMaps(list(islice(found, len(part)))) if part else next(found) for part in parts]

    onnxruntime.InferenceSession = Session
    try:
        yield
    finally:
        onnxruntime.InferenceSession = original


@cache
def _share_memory() -> None:
    """Makes the one store of memory that the sessions share.

    It grows by what is asked for. That of a session by itself doubles each time: measured, the process took 1,140 MB of
    address space, of which documents have a limit, instead of 650.
    """
    import onnxruntime

    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    as_requested = onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(place, as_requested)


class JoinedMaps:
    """Feature maps of one size, one after the other, as far as the layout model looks at them as at an array.

    It looks at parts of all of them. To copy them into one array takes an eighth of the time of the network.
    """

    def __init__(self, maps: Sequence[NDArray[Any]]) -> None:
        """``maps`` have their channels last; the array has them before height and width."""
        self._maps = maps

    @property
    def shape(self) -> tuple[int, ...]:
        *others, height, width, _ = self._maps[0].shape
        return (*others, sum(each.shape[-1] for each in self._maps), height, width)

    @property
    def ndim(self) -> int:
        return self._maps[0].ndim

    @property
    def size(self) -> int:
        return sum(each.size for each in self._maps)

    def __getitem__(self, place: int | tuple[slice, ...]) -> JoinedMaps:
        """One of several, or a part of all channels."""
        place = place if isinstance(place, int) else place[1:]
        return JoinedMaps([each[place] for each in self._maps])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.moveaxis(np.concatenate(self._maps, axis=-1, dtype=dtype), -1, -3)

    def mean(self, axis: tuple[int, int]) -> NDArray[Any]:
        """Of each channel."""
        sums = np.concatenate([np.add.reduce(each, axis=(0, 1)) for each in self._maps])
        means: NDArray[Any] = sums / math.prod(self._maps[0].shape[:2])
        return means

    def max(self, axis: tuple[int, int]) -> NDArray[Any]:
        """Of each channel."""
        return np.concatenate([np.maximum.reduce(each, axis=(0, 1)) for each in self._maps])


def faster_model(path: Path) -> tuple[bytes, dict[str, list[str]]]:
    """An ONNX model that computes what the one in a file does, and its outputs as `put_channels_last` returns them."""
    import onnx

    model = onnx.load(path)
    fuse_activations(model.graph)
    outputs = put_channels_last(model.graph)
    return model.SerializeToString(), outputs


def fuse_activations(graph: GraphProto) -> None:
    """Makes each PRelu of one slope a LeakyRelu, which is the same function.

    onnxruntime computes a LeakyRelu with the convolution before it, and a PRelu in a slow loop of its own.
    """
    from onnx import helper, numpy_helper

    slopes = {each.name: each for each in graph.initializer}
    for node in graph.node:
        slope = slopes.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is not None and all(size == 1 for size in slope.dims):
            node.op_type = "LeakyRelu"
            del node.input[1]
            alpha = float(numpy_helper.to_array(slope).reshape(()))
            node.attribute.append(helper.make_attribute("alpha", alpha))


def put_channels_last(graph: GraphProto) -> dict[str, list[str]]:
    """Has a model enlarge feature maps with their channels last, which onnxruntime does in half of the time.

    Returns:
        All outputs it had, in order. Those of maps that were enlarged and joined, and nothing else, with the names of these
        maps, which are outputs in its place now; others with no names.
    """
    from onnx import TensorProto, helper

    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    outputs: dict[str, list[str]] = {output.name: [] for output in graph.output}
    for name in outputs:
        joined = makers.get(name)
        if joined is None or joined.op_type != "Concat" or uses[name]:
            continue
        parts = list(joined.input)
        if all(_is_enlarged(makers, part) and uses[part] == 1 for part in parts):
            outputs[name] = parts
            graph.node.remove(joined)
    enlarged = set(chain.from_iterable(outputs.values()))
    kept = [output for output in graph.output if not outputs[output.name]]
    kept += [helper.make_tensor_value_info(part, TensorProto.FLOAT, None) for part in sorted(enlarged)]
    del graph.output[:]
    graph.output.extend(kept)
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.output[0] in enlarged:
            name, (source, *_, sizes) = node.output[0], node.input
            order, turned, new_sizes = (f"{name}.{what}" for what in ("order", "turned", "sizes"))
            nodes += [
                helper.make_node("Constant", [], [order], value_ints=_CHANNELS_LAST),
                helper.make_node("Gather", [sizes, order], [new_sizes]),
                helper.make_node("Transpose", [source], [turned], perm=_CHANNELS_LAST),
            ]
            node.input[0], node.input[3] = turned, new_sizes
        nodes.append(node)
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return outputs


def _is_enlarged(makers: Mapping[str, NodeProto], name: str) -> bool:
    """Whether a tensor is made by a Resize between neighbours to sizes that are given."""
    node = makers.get(name)
    modes = [each.s for each in node.attribute if each.name == "mode"] if node is not None else []
    return node is not None and node.op_type == "Resize" and modes == [b"linear"] and len(node.input) == 4
