"""Reading a store: a missing store is empty, and any other error is an error."""

import boto3
import pytest
from botocore.exceptions import ClientError

from tools.rehearsal.data import Store, contents


def read(code: str) -> set[str]:
    """Read a store whose service answers with an error code."""

    def fail(session: boto3.Session, name: str) -> set[str]:
        raise ClientError({"Error": {"Code": code}}, f"{session} {name}")

    return contents(Store("any", lambda _, __: None, fail), boto3.Session(), "any")


def test_a_missing_store_is_empty() -> None:
    assert read("NoSuchBucket") == set()


def test_another_error_is_not_an_empty_store() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        read("AccessDenied")
