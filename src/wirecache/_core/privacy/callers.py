"""The names of headers and parameters that identify the caller: credentials, and accounts that are billed."""

from __future__ import annotations

from wirecache._core.short_cache import cached_if_short

__all__ = ["is_identity", "names_credential"]

# The endings of the names of credentials and of accounts: in lower case, without ``-`` and ``_``.
_CREDENTIALS = (
    "apikey", "authorization", "token", "accesskey", "accesskeyid", "secretkey", "authkey", "subscriptionkey", "virtualkey", "accountkey",
    "password", "passwd", "secret", "credential", "credentials", "auth", "jwt", "jwtassertion", "serviceaccountjson",
)  # fmt: skip
_ACCOUNTS = (
    "organization", "organisation", "organizationid", "organisationid", "org", "orgid", "project", "projectid", "projectidentifier",
    "billto", "billingaccount", "billingaccountid", "account", "accountid", "workspace", "workspaceid", "tenant", "tenantid",
    "userprofileid", "compartmentid", "folderid", "resourcegroup", "teamid", "subscriptionid",
)  # fmt: skip
# Black Forest Labs; Cloudflare; Bifrost; Modal; Amazon's load balancer
_WHOLE = frozenset({"key", "xkey", "xauthemail", "cookie", "xbfvk", "modalkey", "xamznoidcdata"})
# Names with these endings that do not identify a caller: session guards, pages of a list, retries.
_OTHERS = ("csrftoken", "xsrftoken", "clienttoken", "pagetoken", "nexttoken", "continuationtoken")


@cached_if_short(1024)
def is_identity(name: str) -> bool:
    """Return whether the header or parameter of this name identifies the caller: a credential, or an account that is billed."""
    return names_credential(name) or _plain_name(name).endswith(_ACCOUNTS)


@cached_if_short(1024)
def names_credential(name: str) -> bool:
    """Return whether the header or parameter of this name is a credential."""
    plain = _plain_name(name)
    if plain.endswith(_OTHERS):
        return False
    return plain.endswith(_CREDENTIALS) or plain in _WHOLE


def _plain_name(name: str) -> str:
    """Return the end of the name as the lists spell it; only the end, so that huge names are not kept in memory."""
    return name[-256:].strip().lower().replace("-", "").replace("_", "")
