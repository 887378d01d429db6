"""Files that clients send: let in before a byte is read, written to the disk as they come, and handed on to a job."""
