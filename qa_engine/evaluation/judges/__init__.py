"""LlamaIndex's evaluators in Chinese: their prompts, how replies are read, and the judging of a whole run."""
