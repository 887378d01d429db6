"""Questions over HTTP: their turn, their answers in the making and afterwards, conversations and feedback."""
