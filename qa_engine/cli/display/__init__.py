"""The output of the commands: answers, passages, pages, files, pictures and progress."""
