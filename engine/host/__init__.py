"""The host: what is loaded, and what answers the live questions about it."""
