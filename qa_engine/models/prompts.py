"""Replacing prompts the LlamaIndex way, where a mistake is told and not swallowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptDictType, PromptMixin

from qa_engine.errors import InputError


class PromptError(InputError, ValueError):
    """A prompt that cannot be used. Also a `ValueError`, which is what LlamaIndex raises for an unknown module."""


class CheckedPrompts(PromptMixin):
    """A `PromptMixin` that refuses unknown names and templates without a variable that they need; LlamaIndex ignores both.

    A class that has it names, for its own prompts, the variables without which they are of no use.
    """

    needed_variables: ClassVar[Mapping[str, Sequence[str]]] = {}

    def update_prompts(self, prompts_dict: PromptDictType) -> None:
        """Replaces prompts, those of modules under ``module:name``; with an error, none is replaced.

        Raises:
            PromptError: a name is not one of `get_prompts`, or a template lacks a variable; the sentence says which.
        """
        self.check_prompts(prompts_dict)
        super().update_prompts(prompts_dict)

    def check_prompts(self, prompts: Mapping[str, object]) -> None:
        """Raises what `update_prompts` would, and changes nothing."""
        known = self.get_prompts()
        for name, template in prompts.items():
            if name not in known:
                there = ", ".join(known) or "none, as no language model is asked"
                raise PromptError(
                    f"There is no prompt {name!r} here. The prompts of get_prompts() are: {there}."
                )
            require_variables(name, template, self.needed_variables.get(name, ()))
        for module, part in self._get_prompt_modules().items():
            if isinstance(part, CheckedPrompts):
                prefix = f"{module}:"
                own = {
                    name.removeprefix(prefix): one for name, one in prompts.items() if name.startswith(prefix)
                }
                part.check_prompts(own)


def require_variables(name: str, template: object, needed: Sequence[str]) -> None:
    """Checks that a template has the variables without which it is of no use.

    Raises:
        PromptError: it lacks one, or is no template.
    """
    if not isinstance(template, BasePromptTemplate):
        raise PromptError(
            f"The prompt {name!r} has to be a LlamaIndex template, not {type(template).__name__}: wrap a text in "
            "PromptTemplate."
        )
    if template.function_mappings:  # its functions get all variables
        return
    mapped = template.template_var_mappings or {}
    for variable in needed:
        if mapped.get(variable, variable) not in template.template_vars:
            has = ", ".join(f"{{{one}}}" for one in template.template_vars) or "none"
            raise PromptError(
                f"The template for the prompt {name!r} needs the variable {{{variable}}}, and has {has}: put it in, where "
                "the text for it is to stand."
            )
