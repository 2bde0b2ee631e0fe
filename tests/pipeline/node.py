"""The npm packages beside this file: a linter of workflows, and GitHub's evaluator of expressions.

`python -m tests.pipeline.node` installs them, as package-lock.json has them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Protocol

from tools.node import NODE, install

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


@contextmanager
def evaluator() -> Iterator[Evaluate]:
    """GitHub's own evaluator of expressions, in a process that ends with the block."""
    install(HERE)
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
    install(HERE)
