"""Which settings are in force, where do they come from, and what may they be?"""
