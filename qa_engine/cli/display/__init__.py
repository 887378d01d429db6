"""What the commands show: answers, passages, pages, files, pictures and progress."""
