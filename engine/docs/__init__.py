"""README and docs whose figures are filled in from what ships: manifests, records, tables, the kept bench and the code's constants.

`python -m engine docs` writes docs/results.md and docs/speed.md from docs/templates, and sets right each marked number of README.md and
of the other pages; `--check` only says what is out of date. Needs no torch.
"""
