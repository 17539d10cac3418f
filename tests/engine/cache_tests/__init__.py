"""The public tests of HTTP caches (https://github.com/http-tests/cache-tests), played against a client cache: the cases are theirs."""
