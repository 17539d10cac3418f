"""How do HTTP clients get the cache under them?"""
