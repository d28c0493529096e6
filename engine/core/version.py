"""The version of the explorer: its one home. The wheel's metadata and exported networks read it here."""

VERSION = "0.1.0"
