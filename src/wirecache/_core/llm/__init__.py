"""The contents of providers' bodies: answers, conversations, usage, batches."""
