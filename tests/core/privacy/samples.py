"""Secrets of every shape, put together here so that no scanner reports them, and ordinary text that resembles them."""

from __future__ import annotations

from typing import Any

import pytest

MIX = (
    "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD"  # of the letters and digits that a key has; the keys are put together here, so that no scanner rings
)

SECRETS = {
    "openai": "sk-" + MIX[:20] + "T3Blbk" + "FJ" + MIX[:20],
    "openai project": "sk-" + "proj-" + MIX + "_-" + MIX,
    "openai service": "sk-" + "svcacct-" + MIX,
    "openai admin": "sk-" + "admin-" + MIX,
    "anthropic": "sk-" + "ant-api03-" + MIX * 3 + "-AA",
    "openrouter": "sk-" + "or-v1-" + "0a1b2c3d" * 8,
    "deepseek": "sk-" + "0a1b2c3d" * 4,
    "letters only": "sk-" + "abcdefghijklmnopqrstuvwxyz",
    "google": "AI" + "zaSy" + MIX + "x",
    "google new": "AQ." + "Ab8RN6" + MIX + MIX,
    "google oauth": "ya29" + ".a0Af_" + MIX,
    "google refresh": "1/" + "/0" + MIX,
    "google client": "GOCSPX" + "-" + MIX[:28],
    "hugging face": "hf" + "_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "groq": "gsk" + "_" + MIX + MIX[:20],
    "xai": "xai" + "-" + MIX + MIX + MIX[:16],
    "replicate": "r8" + "_" + MIX + "abcde",
    "perplexity": "pplx" + "-" + MIX + MIX[:16],
    "cerebras": "csk" + "-" + MIX.lower() + MIX[:16].lower(),
    "together": "tgp" + "_v1_" + MIX + "-_" + MIX[:9],
    "nvidia": "nvapi" + "-" + MIX + "_-" + MIX,
    "fireworks": "fw" + "_" + MIX[:24],
    "langsmith": "lsv2" + "_pt_" + "0a1b2c3d" * 4 + "_" + "0a1b2c3d4e",
    "databricks": "dapi" + "0a1b2c3d" * 4,
    "github": "ghp" + "_" + MIX + "abcd",
    "github fine": "github" + "_pat_" + MIX[:22] + "_" + MIX,
    "gitlab": "glpat" + "-" + MIX[:20],
    "slack": "xox" + "b-123456789012-123456789012-" + MIX[:24],
    "slack app": "xapp" + "-1-A0123-456-" + MIX,
    "stripe": "sk" + "_live_" + MIX[:24],
    "npm": "npm" + "_" + MIX + "abcd",
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + MIX + MIX,
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0." + MIX,
    "aws key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "bedrock": "ABSK" + MIX * 4,
    "ephemeral": "ek" + "_68af296e8e408191a1120ab6383263c2",
    "session": "sess" + "-" + MIX,
    "organisation": "org" + "-" + MIX[:24],
    "project": "proj" + "_" + MIX[:24],
}
# A text, and what of it is a secret.
IN_CONTEXT = {
    "bearer": (f"Bearer {MIX}", MIX),
    "bearer, lower case": (f"bearer {MIX}.{MIX}==", f"{MIX}.{MIX}=="),
    "bearer in a curl": ("curl -H 'Authorization: Bearer s3cr3t!'", "s3cr3t"),
    "basic": ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    "user and password": ("postgres://app:hunter2@db.example:5432/x", "app:hunter2"),
    "aws header": (
        f"AWS4-HMAC-SHA256 Credential={'AKIA' + 'IOSFODNN7EXAMPLE'}/20260101/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={'0a1b2c3d' * 8}",
        "0a1b2c3d" * 8,
    ),
    "aws url": (f"see https://b.s3.amazonaws.com/o?X-Amz-Expires=60&X-Amz-Signature={'0a1b2c3d' * 8}&x=1", "0a1b2c3d" * 8),
    "aws url token": (f"https://h/o?X-Amz-Security-Token={MIX}%2F{MIX}", f"{MIX}%2F{MIX}"),
    "aws secret": ("aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPx" + "RfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG"),
    "azure": (f"DefaultEndpointsProtocol=https;AccountKey={MIX}{MIX}==;x", MIX + MIX),
    "a query parameter": (f"GET https://h/x?api_key={MIX}&b=1", MIX),
    "a shared access signature": ("https://h.blob.core.windows.net/c/b?sv=1&sig=aB3%2Fd5e6f7g8h9%3D", "aB3%2Fd5e6f7g8h9%3D"),
    "a private key": (
        "-----BEGIN RSA PRIVATE " + "KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + MIX + "\n" + MIX + "\n-----END RSA PRIVATE " + "KEY-----\n",
        MIX,
    ),
    "a private key that was cut": ("-----BEGIN PRIVATE " + "KEY-----\\n" + MIX + "\\n" + MIX, MIX),
    "a webhook": ("https://hooks.slack.com/services/" + "T00000000/B00000000/" + MIX[:24], MIX[:24]),
}
PLANTED = [pytest.param(secret, secret, id=name) for name, secret in SECRETS.items()]
PLANTED += [pytest.param(text, secret, id=name) for name, (text, secret) in IN_CONTEXT.items()]

ORDINARY = [
    "sk-learn, hf_hub_download(), task-based risk-averse-investment-1234567890123 and week_abcdefghijklmnopqrstuvw; sk-SK",
    "<div class='sk-toggleable__content sk-container-id-1 sk-estimator-doc-link'>",
    "chatcmpl-9a8b7c6d5e4f3a2b1c0d9e8f7a6b resp_68af296e8e408191a1120ab6383263c2 call_abcdefghijklmnop12345678 fp_44709d6fcb",
    "msg_01AbCdEfGhIjKlMnOpQrStUv toolu_01AbCdEfGhIjKlMnOpQrStUv req_011CSHoEeqs5C35K2UUqR7Fy sess_1234567890abcdef",
    "file-abcdefghijklmnopqrstuvwx asst_abcdefghijklmnopqrstuvwx rs_68af296e8e408191a1120ab6383263c2 ft:gpt-4o:my-org:x:9abcdef",
    "123e4567-e89b-12d3-a456-426614174000 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 da39a3ee5e6b4b0d32",
    "gpt-4o-2024-08-06 claude-sonnet-4-5-20250929 xai-org/grok-1 pplx-70b-online meta-llama/Llama-3.3-70B-Instruct-Turbo org-mode",
    "Bearer authentication, the bearer of bad news, Bearer YOUR_API_KEY, Authorization: Bearer $TOKEN, 'Authorization: Bearer <token>'",
    "Basic authentication, basic arithmetic, Basic dXNlcg==, the basics",
    "A file that begins with -----BEGIN PRIVATE KEY----- is one; -----BEGIN CERTIFICATE----- is not.",
    "https://host:8080/a@b http://h/?q=a@b mailto:someone@example.com git@github.com:a/b.git https://user@h/ ftp://h:21",
    "redis://[[username]:[password]]@h:6379/0 https://{user}:{password}@h https://%s:%s@h https://$USER:$PASSWORD@h",
    "https://h/p?x=1&max_tokens=5&signature_method=HMAC&api_key=YOUR_KEY&page_token=abc",
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 40,
    "gAAAAABo" + "x8_-Zq" * 200,  # Fernet, as in encrypted_content
    "ErUBCkYIBRgCIkDx" + "+/aB" * 100 + "==",  # a signature of a thinking block
    "The Signature=short, Credential=none; AKIA is a prefix; eyJhbGciOiJIUzI1NiJ9 is a header alone.",
    "ΑΒΓ 密码 пароль 🔑",
]

JSON_ORDINARY: list[Any] = [
    {"logprobs": {"content": [{"token": "Hello", "logprob": -0.1, "bytes": [72], "top_logprobs": [{"token": "Hi", "logprob": -2}]}]}},
    {
        "key": "a",
        "keys": ["b"],
        "max_tokens": 5,
        "tokens": 7,
        "prompt_cache_key": "user-1",
        "safety_identifier": "x",
        "next_page_token": "y",
    },
    {"type": "object", "properties": {"password": {"type": "string", "description": "The password"}}, "required": ["password", "api_key"]},
    {
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        "signature": "ErUBCkYIBRgCIkDx",
        "thoughtSignature": "CpcB",
        "encrypted_content": "gAAA",
    },
    {"password": "", "api_key": None, "secret": 5, "authorization": True, "client_secret": {"expires_at": 1}},
    {"embedding": [0.1, -2e-5, 1e300], "n": 2**70},
]
