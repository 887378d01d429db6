"""Models behind an HTTP service: where it is, how it is asked, and what its errors mean."""
