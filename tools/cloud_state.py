"""The directory of a local cloud: its saved state, and getting from one complete state to the next.

`state/`    the last complete state of all services, with `about.json`: the MiniStack that wrote it
`working/`  the copy that a running server reads and, when it stops, writes
`objects/`  the objects of S3, written as they come and never copied
`tls/`      certificate and key
`endpoint.json`, `lock`, `server.log`  of a running server
"""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme


class StateError(Exception):
    """A state that cannot be used or saved; nothing of it was deleted."""


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

    def open(self) -> str | None:
        """Make `working` from the last complete state; return what the person should know.

        Raises `StateError` for a state that another version wrote or that cannot be read.
        """
        notice = None
        if self.previous.exists():
            # Stopped between the two renames of `publish`.
            if not self.saved.exists():
                self.previous.rename(self.saved)
            else:
                shutil.rmtree(self.previous)
        if self.saved.exists():
            self._check()
        if self.working.exists():
            # The last server was killed: what it held in memory is lost, its objects are not.
            shutil.rmtree(self.working)
            moved = self._set_unknown_buckets_aside()
            notice = "The local cloud did not stop in order; it is back at its last saved state."
            if moved:
                notice += f" Objects of buckets that this state does not know are in {moved}."
        if self.saved.exists():
            shutil.copytree(self.saved, self.working)
        else:
            self.working.mkdir()
        self.objects.mkdir(exist_ok=True)
        return notice

    def publish(self) -> None:
        """Let what the server wrote to `working` take the place of the saved state, whole."""
        (self.working / "about.json").write_text(json.dumps({"ministack": self.version}))
        if self.saved.exists():
            self.saved.rename(self.previous)
        self.working.rename(self.saved)
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
        """Make certificate and key for 127.0.0.1, unless they are there."""
        if self.certificate.exists():
            return
        self.key.parent.mkdir(exist_ok=True)
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        self.key.touch(mode=0o600)
        issued.private_key_pem.write_to_path(str(self.key))
        chain = [*issued.cert_chain_pems, authority.cert_pem]
        # Last and at once: where there is a certificate, there is its key.
        new = self.certificate.with_suffix(".new")
        new.write_bytes(b"".join(blob.bytes() for blob in chain))
        new.rename(self.certificate)

    def announce(self, port: int, account: str) -> None:
        """Say where the server is."""
        text = json.dumps({"port": port, "account": account, "process": os.getpid()})
        new = self.endpoint.with_suffix(".new")
        new.write_text(text)
        new.rename(self.endpoint)

    def retire(self) -> None:
        """The server is no longer there."""
        self.endpoint.unlink(missing_ok=True)

    def find(self) -> Endpoint | None:
        """Where the running server is, if it has said so."""
        try:
            return Endpoint(**json.loads(self.endpoint.read_text()))
        except FileNotFoundError:
            return None

    def _check(self) -> None:
        aside = (
            "To begin with an empty cloud, put this one aside: "
            f"mv {self.directory} {self.directory}.old"
        )
        try:
            writer = json.loads((self.saved / "about.json").read_text())["ministack"]
            for path in self.saved.glob("*.json"):
                json.loads(path.read_text())
        except (OSError, ValueError, KeyError) as error:
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
