"""The protocols of other products, in which their clients ask this server."""
