"""What a user can cause and mend, told in one line."""


class InputError(Exception):
    """Something outside the program is not as expected; the text is one line that says how."""


def in_one_line(error: InputError | OSError) -> str:
    """Say what went wrong, and with which file."""
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    return printable(text)


def printable(text: object) -> str:
    """Write out line breaks, escape sequences and the like, which a file's name may contain."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
