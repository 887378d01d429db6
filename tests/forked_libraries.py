"""Loads what commands load, libraries and the local model: a fork server does it once, and its processes need not.

It only imports and reads: what starts threads or opens files for good would not survive a fork.
"""

# ruff: noqa: F401 - they are imported to have been imported
import gc

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
from qa_engine.models.e5.preparation import model_folder
from qa_engine.models.e5.shared import shared_encoder

get_tokenizer()("一次")
if model_folder().exists():
    shared_encoder()
gc.collect()
gc.freeze()  # or the garbage collection of every fork would touch, and so copy, all of it
