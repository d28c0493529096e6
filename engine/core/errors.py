"""What a user is told. Every message says what was wrong and what to do about it."""


class ExplorerError(ValueError):
    """Base of all errors that are a user's to mend; the command line prints it in one line and exits with 2."""


class UnknownId(ExplorerError):
    """An id (artifact, instance, preset, architecture) that is not there."""


class InvalidValue(ExplorerError):
    """A value out of its range or of the wrong form."""


class ReaderDied(InvalidValue):
    """A file whose reader ran into a limit, or crashed."""


class CorruptArtifact(ExplorerError):
    """Bytes that do not match their manifest, do not parse, or hold non-finite numbers."""


class NewerFormat(ExplorerError):
    """A manifest written by a later version than this one."""


class ReadOnly(ExplorerError):
    """A change that was asked of a server that only shows."""


class StorageError(ExplorerError):
    """A folder that is missing, full or read-only."""


class PRepTooSmall(ExplorerError):
    """A PRep with fewer cells than the network has parameters."""


class CheckpointMismatch(ExplorerError):
    """A checkpoint whose tensors are not those of the architecture: missing, extra or misshapen."""


class DataMissing(ExplorerError):
    """Images that a space needs and that are not on this machine."""


class NonFiniteLoss(ExplorerError):
    """Training met a NaN or an infinity and stopped before it saved one."""


class Stopped(Exception):
    """Work that was asked to stop, and has; what it made is kept. Raised by an `on_step`, for nobody to mend."""


class PortInUse(ExplorerError):
    """The port asked for is taken."""


COMPARED = 2000  # known words that are compared with another: each takes some 20 µs


def closest(word: str, known) -> str:
    """' Did you mean x?' for the known word nearest to `word`, or the first few known ones."""
    import difflib

    known = list(known)
    if len(known) > COMPARED:
        begin = word[: (len(word) + 1) // 2]
        known = ([each for each in known if each.startswith(begin)] or known)[:COMPARED]
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Known: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}." if known else ""
