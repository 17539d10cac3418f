"""The rules: which requests may be answered from the store, for how long answers are fresh, and within which budgets calls are sent."""
