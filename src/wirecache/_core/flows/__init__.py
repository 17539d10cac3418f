"""The story of one exchange, and the judgements that it makes."""
