"""HTTP and WebSocket routes over the host and the queue (Starlette). They run inside the app, or alone: `python -m engine serve`.

A file a concept, with its ROUTES (path -> function of host and request); `server.py` collects them. Errors are JSON, {"error": a sentence
with a remedy, "kind"}, 4xx. Binary answers are those of `engine.core.frames`.
"""
