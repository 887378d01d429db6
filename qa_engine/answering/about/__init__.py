"""Questions about the documents themselves, such as how many pages one has, answered from what is known of them."""
