"""A tiny space to damage."""

from tests.serving import question, tiny_host, tiny_store  # noqa: F401 - fixtures
