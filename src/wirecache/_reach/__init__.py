"""How is the cache put under clients that somebody else made: one by one (attach), or all of a process (install)?"""
