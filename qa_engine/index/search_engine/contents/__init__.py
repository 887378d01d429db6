"""What documents in a search engine are made of: sentences, places of lines, tables, and token vectors."""
