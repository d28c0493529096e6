"""One file per layout; `layout.layouts` collects them."""
