"""What Open WebUI shows beyond OpenAI's protocol, and its requests that are no questions."""
