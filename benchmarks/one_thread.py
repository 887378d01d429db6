"""Makes onnxruntime compute in one thread, in whatever process this is loaded into first.

PyMuPDF loads its layout models at import with onnxruntime's default number of threads, which spin while they wait;
affinity does not bind them everywhere. So ``InferenceSession`` is replaced, as soon as onnxruntime is imported, by a
class that allows one thread. `environment` does it for a process and all that it starts.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_MODULE = "onnxruntime"
_START = "import sys\nsys.path.append({folder!r})\nimport one_thread\none_thread.install()\n"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def install() -> None:
    """From now on, an import of onnxruntime gives sessions with one thread."""
    sys.meta_path.insert(0, _Finder())


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process with one thread; ``folder`` is written to and must stay while it runs."""
    start = _START.format(folder=str(Path(__file__).resolve().parent))
    (folder / "sitecustomize.py").write_text(start, encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("QA_ENGINE_", "OPENAI_"))}
    root = str(Path(__file__).resolve().parent.parent)
    # What the caller puts first stays before the checkout.
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH"), root]))
    return {**clean, **dict.fromkeys(_THREADS, "1"), "PYTHONPATH": path}


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _bind(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _bind(onnxruntime: Any) -> None:
    base = onnxruntime.InferenceSession

    class OneThreadSession(base):  # type: ignore[misc,valid-type]
        def __init__(self, model: Any, sess_options: Any = None, *arguments: Any, **settings: Any) -> None:
            options = sess_options or onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            super().__init__(model, options, *arguments, **settings)

    onnxruntime.InferenceSession = OneThreadSession
