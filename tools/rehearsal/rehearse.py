"""Deploy the base, put data into it, deploy this checkout over it, and then the base again."""

from collections.abc import Sequence

from botocore.exceptions import ClientError

from tools.local_cloud.resource_types import UNRECOGNIZED
from tools.rehearsal import untried
from tools.rehearsal.data import STORES, contents
from tools.rehearsal.permissions import ALLOWED, Row, decisions, rows
from tools.rehearsal.report import Kind, Report
from tools.rehearsal.stacks import Stack
from tools.rehearsal.steps import Deployed, Key, deploy, observe, of

ROLE = "AWS::IAM::Role"


class Rehearsal:
    """The base's stacks with data, and what the steps after it do to them."""

    def __init__(self, base: Sequence[Stack]) -> None:
        self.report = Report()
        self._left_out: list[Stack] = []
        self._base = self._deploy(base, "")
        self._start = self._last = observe(self._base)
        self._data = self._put_data()
        self._decisions = self._decide()
        self._count()

    def upgrade(self, here: Sequence[Stack]) -> None:
        """Deploy this checkout's stacks, and compare."""
        for stack in self._base:
            if stack not in here:
                text = "is not in this checkout; a deploy leaves it and its resources in place"
                self.report.add(Kind.CHANGED, stack.path, text)
        before = self._last
        stacks = [stack for stack in here if stack not in self._left_out]
        deployed = self._step("upgrade", stacks, [*here, *self._base])
        pairs = {
            stack: (stack.template, new.template)
            for stack in self._base
            for new in deployed
            if new == stack and new.template != stack.template
        }
        for subject, text in untried.parts(pairs, before, self._last):
            self.report.add(Kind.UNTRIED, subject, text)

    def back(self, here: Sequence[Stack]) -> None:
        """Deploy the base's stacks again, and compare."""
        self._step("way back", self._base, [*here, *self._base])

    def _step(
        self, step: str, stacks: Sequence[Stack], observed: Sequence[Stack]
    ) -> Sequence[Stack]:
        deployed = self._deploy(stacks, step)
        now = observe(observed)
        self._compare_resources(step, now)
        self._compare_data(step)
        self._compare_exports(step, now)
        self._compare_decisions(step, now)
        self._last = now
        return deployed

    def _deploy(self, stacks: Sequence[Stack], step: str) -> Sequence[Stack]:
        """Deploy the stacks that the local cloud can create, and return those that succeed.

        Without a `step`, which is the base, a failure is a limit of the local cloud.
        """
        deployed = []
        for stack in stacks:
            reason = untried.why_left_out(stack, self._left_out)
            failure = reason or deploy(stack)
            if missing := UNRECOGNIZED.search(failure):
                reason = f"the local cloud has no {missing[1]}"
            if reason or (failure and not step):
                self._left_out.append(stack)
                self.report.add(Kind.UNTRIED, stack.path, reason or failure)
            elif failure:
                self.report.add(Kind.LOST, stack.path, f"{step}: the deploy fails: {failure}")
            else:
                deployed.append(stack)
        return deployed

    def _put_data(self) -> dict[Key, set[str]]:
        found = {}
        for (stack, logical_id), resource in self._start.resources.items():
            if store := STORES.get(resource.type):
                try:
                    store.put(of(stack), resource.id)
                except ClientError as error:
                    text = f"no data can be put into it: {error}"
                    self.report.add(Kind.UNTRIED, stack.resource(logical_id), text)
                found[stack, logical_id] = contents(store, of(stack), resource.id)
        return found

    def _decide(self) -> dict[Key, dict[Row, str]]:
        return {
            (stack, key): decisions(of(stack), role.id, rows(of(stack), role.id))
            for (stack, key), role in self._start.resources.items()
            if role.type == ROLE
        }

    def _count(self) -> None:
        if not self._base:
            return
        counts = self.report.compared
        counts.update(dict.fromkeys((store.noun for store in STORES.values()), 0))
        for key, pieces in self._data.items():
            counts[STORES[self._start.resources[key].type].noun] += len(pieces)
        counts["exports"] = len(self._start.exports)
        counts["decisions of roles"] = sum(map(len, self._decisions.values()))

    def _compare_resources(self, step: str, now: Deployed) -> None:
        ids = {resource.id for resource in now.resources.values()}
        for (stack, key), old in self._last.resources.items():
            new = now.resources.get((stack, key))
            if new == old:
                continue
            failure = now.kept.get(old.id, "")
            if old.id in ids:
                fate = "has another logical id"
            elif old.id in now.kept:
                fate = "still exists, but no stack has it"
            else:
                fate = "is deleted"
            what = f"is replaced by {new.id}" if new else "leaves the stack"
            text = f"{step}: {what}; {old.id} {fate}"
            if failure:
                text = f"{text}, because its deletion fails: {failure}"
            self.report.add(Kind.LOST if failure else Kind.CHANGED, stack.resource(key), text)

    def _compare_data(self, step: str) -> None:
        for (stack, key), pieces in self._data.items():
            resource = self._start.resources[stack, key]
            store = STORES[resource.type]
            lost = pieces - contents(store, of(stack), resource.id)
            if lost:
                text = f"{step}: {len(lost)} of {len(pieces)} {store.noun} are lost"
                self.report.add(Kind.LOST, stack.resource(key), text)
            pieces -= lost  # the next step loses them no more

    def _compare_exports(self, step: str, now: Deployed) -> None:
        for name, old in self._start.exports.items():
            if name not in now.exports:
                self.report.add(Kind.LOST, name, f"{step}: is no longer exported")
            elif now.exports[name] != old:
                text = f"{step}: changes from {old} to {now.exports[name]}"
                self.report.add(Kind.LOST, name, text)

    def _compare_decisions(self, step: str, now: Deployed) -> None:
        for (stack, key), before in self._decisions.items():
            role = now.resources.get((stack, key), self._start.resources[stack, key])
            after = decisions(of(stack), role.id, set(before))
            for (action, resource), old in sorted(before.items()):
                new = after[action, resource]
                if new != old:
                    kind = Kind.LOST if old == ALLOWED else Kind.CHANGED
                    text = f"{step}: {action} on {resource} was {old}, and is {new}"
                    self.report.add(kind, stack.resource(key), text)


def rehearse(base: Sequence[Stack], here: Sequence[Stack]) -> Report:
    """Rehearse the upgrade from the base's stacks to this checkout's, and the way back."""
    rehearsal = Rehearsal(base)
    rehearsal.upgrade(here)
    rehearsal.back(here)
    return rehearsal.report
