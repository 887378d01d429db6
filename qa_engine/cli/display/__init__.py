"""What several commands show: passages, files, progress."""
