"""What stands on a page beside its text: notes of readers, attached files, and the fields of a form."""
