"""Networks: how a file of somebody else's making becomes one of ours."""
