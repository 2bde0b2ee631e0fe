"""The user's AWS configuration file, and AWS responses."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders

KEYS = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n"
Configure = Callable[[str], Path]
Answer = Callable[[int, str], list[AWSPreparedRequest]]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Write the user's AWS configuration file."""

    def write(text: str) -> Path:
        path = tmp_path / "config"
        path.write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        return path

    return write


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Answer all botocore requests with a status and a text; return the requests."""

    def replace(status: int, text: str) -> list[AWSPreparedRequest]:
        requests = []

        def send(_: object, request: AWSPreparedRequest) -> AWSResponse:
            requests.append(request)
            return AWSResponse(request.url, status, HTTPHeaders(), _Body(text.encode()))

        monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", send)
        return requests

    return replace
