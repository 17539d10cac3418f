"""What must hold whatever happens in whatever order? Each model plays steps that hypothesis chooses, and compares with plain rules.

Steps are plain data, so a case that fails is a fixture (``tests/fuzz``). ``make fuzz`` plays more of them, and longer ones.
"""
