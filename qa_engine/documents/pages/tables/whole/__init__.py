"""Tables as wholes: their titles, what they are about, and which of them are financial statements."""
