"""The directory of a local cloud: its saved state, and getting from one complete state to the next.

`state/`    the last complete state of all services, with `about.json`: who wrote it
`working/`  the copy that a running server reads and, when it stops, writes
`objects/`  the objects of S3, written as they come and never copied
`tls/`      certificate and key
`endpoint.json`, `lock`, `server.log`  of a running server
"""

import json
import os
import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tools.local_cloud.certificate import issue
from tools.local_cloud.durable import replace, sync

HOST = "127.0.0.1"
ABOUT = "about.json"


class StateError(Exception):
    """A saved state that cannot be used; nothing of it was deleted."""


class UnsavedError(Exception):
    """What could not be saved; what was saved before is as it was."""


@dataclass(frozen=True)
class Endpoint:
    """Where a running server is to be found."""

    port: int
    account: str
    process: int


@dataclass(frozen=True)
class CloudState:
    """The files of one local cloud, for one version of MiniStack."""

    directory: Path
    version: str

    @property
    def saved(self) -> Path:
        """The last complete state."""
        return self.directory / "state"

    @property
    def previous(self) -> Path:
        """The one before, there only while a new one takes its place."""
        return self.directory / "state.old"

    @property
    def working(self) -> Path:
        """The copy of a running server."""
        return self.directory / "working"

    @property
    def objects(self) -> Path:
        """The objects of S3, by account and bucket."""
        return self.directory / "objects"

    @property
    def lock(self) -> Path:
        """Held by the running server."""
        return self.directory / "lock"

    @property
    def endpoint(self) -> Path:
        """There while a server runs."""
        return self.directory / "endpoint.json"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.directory / "server.log"

    def open(self) -> str | None:
        """Make `working` from the last complete state; return what the person should know.

        Raises `StateError` for a state that another version wrote or that cannot be read.
        """
        self.retire()
        notice = None
        if (self.working / ABOUT).exists():
            # Stopped while `publish` had only the folders left to rename.
            self._swap()
        elif self.previous.exists() and not self.saved.exists():
            self.previous.rename(self.saved)
        if self.saved.exists():
            self._check()
        if self.working.exists():
            # The last server was killed: what it held in memory is lost, its objects are not.
            moved = self._set_unknown_buckets_aside()
            shutil.rmtree(self.working)
            notice = "The local cloud did not stop in order; it is back at its last saved state."
            if moved:
                notice += f" Objects of buckets that this state does not know are in {moved}."
        shutil.rmtree(self.previous, ignore_errors=True)
        if self.saved.exists():
            shutil.copytree(self.saved, self.working, ignore=shutil.ignore_patterns(ABOUT))
        else:
            self.working.mkdir()
        self.objects.mkdir(exist_ok=True)
        return notice

    def publish(self, account: str) -> None:
        """Let what the server wrote to `working` take the place of the saved state, whole.

        Raises `UnsavedError` when it cannot be written to the disk.
        """
        about = json.dumps({"ministack": self.version, "account": account})
        try:
            for path in self.working.rglob("*"):
                sync(path)
            # Last: the state is complete where this is.
            replace(self.working / ABOUT, about.encode())
            self._swap()
        except OSError as error:
            raise UnsavedError(
                f"The state could not be saved, so it stays as it was before. {error}"
            ) from error

    def _swap(self) -> None:
        if self.saved.exists():
            shutil.rmtree(self.previous, ignore_errors=True)
            self.saved.rename(self.previous)
        self.working.rename(self.saved)
        sync(self.directory)
        shutil.rmtree(self.previous, ignore_errors=True)

    @property
    def certificate(self) -> Path:
        """The server's certificate together with the authority that clients must trust."""
        return self.directory / "tls" / "server.crt"

    @property
    def key(self) -> Path:
        """The private key of the certificate."""
        return self.directory / "tls" / "server.key"

    def ensure_tls(self) -> None:
        """Make certificate and key, unless they are there."""
        if not self.certificate.exists():
            self.key.parent.mkdir(exist_ok=True)
            issue(self.certificate, self.key, HOST)

    def announce(self, port: int, account: str) -> None:
        """Say where the server is."""
        text = json.dumps({"port": port, "account": account, "process": os.getpid()})
        replace(self.endpoint, text.encode())

    def retire(self) -> None:
        """The server is no longer there."""
        self.endpoint.unlink(missing_ok=True)

    def find(self) -> Endpoint | None:
        """Where the running server is, if it has said so."""
        try:
            return Endpoint(**json.loads(self.endpoint.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # or of a server that was killed, and half written

    def _check(self) -> None:
        aside = put_aside(self.directory)
        try:
            writer = json.loads((self.saved / ABOUT).read_text())["ministack"]
            for path in self.saved.glob("*.json"):
                json.loads(path.read_text())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"The saved state in {self.saved} is incomplete ({error}); nothing was changed. "
                f"{aside}"
            ) from error
        if writer != self.version:
            raise StateError(
                f"The saved state in {self.saved} was written by MiniStack {writer}, and this is "
                f"{self.version}; nothing was changed. Go back to the other version, or begin "
                f"anew. {aside}"
            )

    def _set_unknown_buckets_aside(self) -> Path | None:
        # A bucket that is there but that CloudFormation does not know would block the next deploy.
        # MiniStack's s3.json names those that it knows "<account>\0'<bucket>'".
        known = set()
        if (self.saved / "s3.json").exists():
            payload = json.loads((self.saved / "s3.json").read_text())["payload"]
            known = set(payload["buckets_meta"]["data"])
        accounts = [*self.objects.glob("[0-9]*"), *self.objects.glob(".versions/[0-9]*")]
        unknown = [
            bucket
            for account in accounts
            for bucket in account.iterdir()
            if f"{account.name}\0{bucket.name!r}" not in known
        ]
        if not unknown:
            return None
        aside = self.directory / f"unsaved-{datetime.now():%Y%m%d-%H%M%S}"
        for bucket in unknown:
            place = aside / bucket.relative_to(self.objects)
            place.parent.mkdir(parents=True, exist_ok=True)
            bucket.rename(place)
        return aside


def put_aside(directory: Path) -> str:
    """How to begin anew without losing the cloud that is kept in `directory`."""
    # Dated: into a folder that is there already, mv would move it.
    paths = str(directory), f"{directory}-{datetime.now():%Y%m%d-%H%M%S}"
    return (
        "To begin with an empty cloud, end `nox -s cloud` if it runs, and put this one aside: "
        f"{shlex.join(['mv', *paths])}"
    )
