"""The report: findings about resources, exports and stacks, and one sentence at the end."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tools.guard.__main__ import ACKNOWLEDGED


class Kind(StrEnum):
    """A finding's heading in the report."""

    LOST = "Lost or failed"
    CHANGED = "Replaced or removed resources, and changed permissions"
    UNTRIED = "Not rehearsed"


@dataclass
class Report:
    """Sentences by kind and subject, and how much was compared.

    A subject is a resource such as `dev/StorageStack/DataBucket`, an export's name, or a stack.
    """

    found: dict[Kind, dict[str, list[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    compared: dict[str, int] = field(default_factory=dict)

    def add(self, kind: Kind, subject: str, text: str) -> None:
        """Add a sentence."""
        self.found[kind][subject].append(text)

    def unacknowledged(self, reasons: Mapping[str, str]) -> list[str]:
        """The subjects that lost something or failed, except those with a reason."""
        return [subject for subject in self.found[Kind.LOST] if subject not in reasons]

    def markdown(self, reasons: Mapping[str, str]) -> str:
        """The report; `reasons` are acknowledgements by subject."""
        return "\n".join([*self._sections(reasons), self._conclusion(reasons)])

    def _sections(self, reasons: Mapping[str, str]) -> Iterator[str]:
        for kind in Kind:
            if self.found[kind]:
                yield from (f"### {kind}", "")
            for subject, texts in self.found[kind].items():
                reason = reasons.get(subject) if kind is Kind.LOST else None
                yield f"- **{subject}**" + (f" (acknowledged: {reason})" if reason else "")
                yield from (f"  - {text}" for text in texts)
            if self.found[kind]:
                yield ""
        if missing := self.unacknowledged(reasons):
            yield f"If this is intended, add a reason for each to `{ACKNOWLEDGED}`:\n\n```toml"
            yield from (f'{json.dumps(subject)} = ""' for subject in missing)
            yield "```\n"

    def _conclusion(self, reasons: Mapping[str, str]) -> str:
        if missing := self.unacknowledged(reasons):
            return f"**The rehearsal lost something or failed: {', '.join(missing)}.**"
        if not self.compared:
            why = " The reasons are above." if self.found[Kind.UNTRIED] else ""
            return f"**Nothing was rehearsed.{why}**"
        but = ", but read above what was not rehearsed" * bool(self.found[Kind.UNTRIED])
        what = "What was lost is acknowledged" if self.found[Kind.LOST] else "Nothing was lost"
        counts = ", ".join(f"{noun}: {number}" for noun, number in self.compared.items())
        return f"**{what} in the upgrade and on the way back ({counts}){but}.**"
