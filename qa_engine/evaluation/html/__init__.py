"""The parts of the HTML report: escaped text, tables, charts, cases, and its style and script."""
