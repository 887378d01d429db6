"""The documents of a collection, as the catalog keeps them: their sentences, checksums and identities."""
