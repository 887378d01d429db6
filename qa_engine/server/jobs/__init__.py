"""What takes longer than a request: jobs that bring files into a collection, or take them out, one after the other."""
