"""Where do two requests or answers differ, and which entries does somebody mean?"""
