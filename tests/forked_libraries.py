"""Imports what commands import: a fork server loads it once, and its processes need not.

It only imports and reads tables: what starts threads or opens files for good would not survive a fork.
"""

# ruff: noqa: F401 - they are imported to have been imported
import chromadb.api.rust
import cn2an
import ingest_process
import onnxruntime
import opencc
import pymupdf
import rjieba
import tokenizers
from llama_index.core.utils import get_tokenizer

import qa_engine.answering.extractive.synthesizer
import qa_engine.cli.app
import qa_engine.engine
import qa_engine.ingestion.pipeline
import qa_engine.models.remote.openai_llm
import qa_engine.retrieval.filters.expressions

get_tokenizer()("一次")
