"""The names that say who is calling, by their endings."""

from __future__ import annotations

import pytest

from wirecache._core.privacy.callers import is_identity, names_credential
from wirecache._core.privacy.names import CREDENTIAL_FIELDS


@pytest.mark.parametrize("name", sorted(CREDENTIAL_FIELDS))
def test_each_header_of_the_list_is_a_credential(name: bytes) -> None:
    assert names_credential(name.decode())


@pytest.mark.parametrize("name", ["x-portkey-api-key", "CF-AIG-Authorization", "private-token", "x-portkey-aws-secret-access-key"])
def test_credentials_by_their_endings(name: str) -> None:
    assert names_credential(name)


@pytest.mark.parametrize("name", ["openai-organization", "openai-project", "x-goog-user-project", "x-hf-bill-to", "anthropic-workspace-id"])
def test_accounts_are_no_credentials_and_say_who_is_calling(name: str) -> None:
    assert is_identity(name)
    assert not names_credential(name)


@pytest.mark.parametrize(
    "name", ["user-agent", "x-stainless-retry-count", "idempotency-key", "x-csrf-token", "x-request-id", "traceparent"]
)
def test_other_names_do_not(name: str) -> None:
    assert not is_identity(name)


def test_dashes_underscores_and_case_make_no_difference() -> None:
    for name in ("my_api_key", "My-Api-Key", " myapikey ", "my-api_key"):
        assert names_credential(name)
        assert is_identity(name)
