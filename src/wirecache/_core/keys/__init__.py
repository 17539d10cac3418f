"""How the key of a request is made, under which its answer is stored."""
