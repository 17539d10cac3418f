"""The flow of an exchange from request to outcome, and the decisions taken on the way."""
