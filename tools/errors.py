"""Errors that the user can fix, printed without a traceback."""

from collections.abc import Callable
from functools import wraps

from tools.console import say


class UserError(Exception):
    """What failed, which value, and what to do next. `status` is the exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


class UsageError(UserError):
    """A wrong command line or setting, found before anything was done."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=2)


def reports_errors[**P](main: Callable[P, int]) -> Callable[P, int]:
    """Make `main` print a `UserError` and return its exit status."""

    @wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except UserError as error:
            say(str(error), style="red", stderr=True)
            return error.status

    return wrapped
