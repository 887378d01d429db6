"""The files of collections, and the images of their pages."""
