"""The data set and the sample of it, as options that the scripts share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from corpus import Corpus, build_corpus

Data = Annotated[Path, typer.Argument(help="SQuAD-style JSON; becomes the PDFs.")]
Questions = Annotated[Path | None, typer.Option(help="Parallel file: questions in another language.")]
MaxQuestions = Annotated[int, typer.Option(min=1)]
MaxParagraphs = Annotated[int | None, typer.Option(min=1, help="Only the first ones, for a trial run.")]
ParagraphsPerFile = Annotated[int, typer.Option(min=1)]
Seed = Annotated[int, typer.Option()]
Out = Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")]
ConfigFile = Annotated[Path | None, typer.Option(help="qa_engine.toml to use.")]
PeerNames = Annotated[
    str | None,
    typer.Option(
        help="Names with commas between, empty for none; all that are installed if not given.",
        show_default=False,
    ),
]
Stages = Annotated[bool, typer.Option(help="Also the stages of ours, one by one.")]

MAX_QUESTIONS = 300


@dataclass(frozen=True)
class Sample:
    """Which part of which data set is asked."""

    data: Path
    questions: Path | None
    max_questions: int
    max_paragraphs: int | None
    paragraphs_per_file: int
    seed: int

    def corpus(self, out: Path) -> Corpus:
        """The PDFs and the questions.

        Raises:
            typer.BadParameter: there is nothing to ask.
        """
        corpus = build_corpus(
            self.data,
            out,
            questions=self.questions,
            paragraphs_per_file=self.paragraphs_per_file,
            max_paragraphs=self.max_paragraphs,
            max_questions=self.max_questions,
            seed=self.seed,
        )
        if not corpus.questions:
            raise typer.BadParameter(f"{self.data} has no question with an answer")
        return corpus

    @property
    def title(self) -> str:
        """What a table is headed with."""
        return self.data.stem + (f", questions of {self.questions.stem}" if self.questions else "")

    def stem(self, benchmark: str) -> str:
        """Name of the files that a benchmark leaves."""
        return f"{benchmark}-{self.data.stem}" + (f"-{self.questions.stem}" if self.questions else "")

    def counts(self, corpus: Corpus) -> str:
        """A sentence for below each table."""
        return (
            f"{len(corpus.files)} PDFs, {corpus.pages} pages, {corpus.paragraphs} paragraphs, "
            f"{len(corpus.questions)} questions, seed {self.seed}."
        )

    def result(self, corpus: Corpus) -> dict[str, Any]:
        """The same as it is stored."""
        return {
            "data": self.data.name,
            "questions_from": (self.questions or self.data).name,
            "seed": self.seed,
            "files": len(corpus.files),
            "pages": corpus.pages,
            "paragraphs": corpus.paragraphs,
            "questions": len(corpus.questions),
        }
