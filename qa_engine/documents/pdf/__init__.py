"""PDF files: opened, read, and shown as pictures."""
