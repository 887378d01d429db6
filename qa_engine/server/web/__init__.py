"""The web page: its document, and the files that it loads. The browser runs them as they lie here; nothing is built."""
