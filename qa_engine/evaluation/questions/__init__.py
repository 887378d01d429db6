"""Labelled questions: their file, data sets in other forms, and questions made from a collection."""
