"""Which requests are looked up, and for how long do their answers last?"""
