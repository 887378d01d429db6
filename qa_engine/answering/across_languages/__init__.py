"""Questions in one language and evidence in another: the words that both hold, and glosses for those who read one."""
