"""Which names and patterns are secret, and how are they redacted and found?"""
