"""Families of yearly reports of invented firms, and questions about them with the cells that answer them."""
