"""A tiny space behind the API, to attack."""

from tests.serving import port, question, tiny_host, tiny_store  # noqa: F401 - fixtures
