"""Citations by their ids: what was sent, what the collections still hold of it, and the page that people see."""
