"""How the networks of PyMuPDF's layout model run in processes of our own: the same results in a third of the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_CHANNELS_LAST, _CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


@contextmanager
def sessions_with_threads(threads: int) -> Iterator[None]:
    """Inside, all sessions of onnxruntime get so many threads, which do not spin. PyMuPDF has no option for that.

    They also keep the memory of one page for the next. PyMuPDF gives it back after each operator, so that pages of other
    sizes leave no holes; for a process that ends with its files, that is nothing but page faults. Measured for the network
    that sees the page as an image, in milliseconds of processor time a page: 133 as it is, 82 with memory kept, 53 with
    `fuse_activations` and 44 with `put_channels_last` as well.
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
            self._channels_last: Sequence[str] = ()
            if isinstance(path_or_bytes, str | Path):
                path_or_bytes, self._channels_last = faster_model(Path(path_or_bytes))
            super().__init__(path_or_bytes, *arguments, **options)

        def run(self, names: Sequence[str] | None, feed: Mapping[str, Any], *arguments: Any) -> list[Any]:
            outputs: list[Any] = super().run(names, feed, *arguments)
            if self._channels_last:
                every = names or [output.name for output in self.get_outputs()]
                for number, name in enumerate(every):
                    if name in self._channels_last:
                        outputs[number] = outputs[number].transpose(_CHANNELS_FIRST)  # a view
            return outputs

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


def faster_model(path: Path) -> tuple[bytes, list[str]]:
    """An ONNX model that computes what the one in a file does, and which of its outputs have their channels last."""
    import onnx

    model = onnx.load(path)
    fuse_activations(model.graph)
    channels_last = put_channels_last(model.graph)
    return model.SerializeToString(), channels_last


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


def put_channels_last(graph: GraphProto) -> list[str]:
    """Has a model enlarge and join feature maps with their channels last, which onnxruntime does in half of the time.

    Returns:
        The outputs whose channels, once second, are last now: feature maps that are enlarged and joined, and nothing else.
    """
    from onnx import helper

    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    enlarged: set[str] = set()
    changed: list[str] = []
    for output in graph.output:
        joined = makers.get(output.name)
        if joined is None or joined.op_type != "Concat" or uses[output.name]:
            continue
        parts = list(joined.input)
        if not all(_is_enlarged(makers, name) and uses[name] == 1 for name in parts):
            continue
        enlarged.update(parts)
        changed.append(output.name)
        del joined.attribute[:]
        joined.attribute.append(helper.make_attribute("axis", 3))
        sizes = output.type.tensor_type.shape.dim
        moved = [type(sizes[0]).FromString(sizes[place].SerializeToString()) for place in _CHANNELS_LAST]
        for size, other in zip(sizes, moved, strict=True):
            size.CopyFrom(other)
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
    return changed


def _is_enlarged(makers: Mapping[str, NodeProto], name: str) -> bool:
    """Whether a tensor is made by a Resize between neighbours to sizes that are given."""
    node = makers.get(name)
    modes = [each.s for each in node.attribute if each.name == "mode"] if node is not None else []
    return node is not None and node.op_type == "Resize" and modes == [b"linear"] and len(node.input) == 4
