"""Synthesis errors, with lines from this repository only. Does not import the CDK."""

import os
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

_ROOT = Path(__file__).parents[2]
_CORE = Path(__file__).parent
# jsii and the CDK; the project environment is within the root.
_PACKAGES = "site-packages"


def user_line(trace: Iterable[str]) -> str | None:
    """The line in a stack or app that created a construct, e.g. `stacks/storage/stack.py:61`.

    `trace` is the construct's creation stack in the CDK's metadata: frames such as `name (file:1)`,
    the innermost first. Python frames are present if JSII_HOST_STACK_TRACES was set.
    """
    for frame in trace:
        found = re.search(r"\((.+\.py):(\d+)\)$", frame)
        if found and _PACKAGES not in found[1] and not Path(found[1]).is_relative_to(_CORE):
            path = Path(found[1])
            return f"{path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path}:{found[2]}"
    return None


def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error without CDK and jsii frames, which hide the line in the stack.

    A `sys.excepthook`. With CDK_DEBUG, which `cdk synth --debug` sets, prints every frame.
    """
    if os.environ.get("CDK_DEBUG"):
        sys.__excepthook__(kind, error, trace)
        return
    summary = traceback.TracebackException(kind, error, trace)
    _shorten(summary)
    print("".join(summary.format()), end="", file=sys.stderr)


def _shorten(summary: traceback.TracebackException) -> None:
    frames = [frame for frame in summary.stack if _PACKAGES not in frame.filename]
    summary.stack = traceback.StackSummary.from_list(frames)
    if summary.__cause__ and summary.__cause__.exc_type_str == "jsii.errors.JavaScriptError":
        summary.__cause__ = None  # it has the same message
    for earlier in (summary.__cause__, summary.__context__):
        if earlier:
            _shorten(earlier)
