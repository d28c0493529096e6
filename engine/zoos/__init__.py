"""Other people's zoos: how they lie on disk (layouts, a file each), and the one importer that streams them into an artifact."""
