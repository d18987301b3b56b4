"""What a user can cause and mend, told in one line."""


class InputError(Exception):
    """Something outside the program is not as expected; the text is one line that says how."""
