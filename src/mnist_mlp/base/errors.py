"""Errors that a user can cause and fix, each reported in one line."""


class InputError(Exception):
    """A file, a knob or an option is not as expected; the message is one line that says how."""


def in_one_line(error: InputError | OSError) -> str:
    """Return the message of an error; an OSError names its file."""
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    return printable(text)


def printable(text: object) -> str:
    """Escape line breaks, control characters and the like, which a file's name may contain."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
