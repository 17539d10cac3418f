"""Which stored answer belongs to a request?"""
