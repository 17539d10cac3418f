"""Which settings are in force, and where do they come from?"""
