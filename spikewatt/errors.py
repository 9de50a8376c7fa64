"""The one error that reaches users as a message instead of a traceback."""


class SpikewattError(Exception):
    """A problem with the input or the machine, told in one paragraph.

    The message names the subject, the value found, the limit and the next step;
    the command line prints it and exits with status 1.
    """


def unknown_name(kind: str, name: str, known: list[str]) -> SpikewattError:
    """The error for a name that is in no registry, with the names that are."""
    return SpikewattError(f"Unknown {kind} {name!r}. Known: {', '.join(sorted(known))}.")
