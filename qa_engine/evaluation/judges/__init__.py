"""LlamaIndex's evaluators in Chinese: what they ask, how a reply is read, and how a run is judged."""
