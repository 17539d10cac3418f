"""Which requests may be answered from the store, and how long are their answers fresh?"""
