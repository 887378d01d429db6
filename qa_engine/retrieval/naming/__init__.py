"""The documents that a question names: by organisation, short name, ticker, product, title, year or kind."""
