"""Work that outlives a tab, a server and a process: a queue, workers of their own, and what they do."""
