"""OpenAI's chat completions: what is asked in them, and answers in their form."""
