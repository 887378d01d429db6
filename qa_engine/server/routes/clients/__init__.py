"""Routes in the protocols of other products."""
