"""The command line, a file per group of commands. Each file's COMMANDS are collected (parser.py): a new group is a new file.

Files here import nothing heavy at their top, so that `list` and `--help` stay fast.
"""
