"""The words of a trade: what documents write where questions use another name, from CSV files."""
