"""What do the providers' bodies contain: answers, conversations, usage, batches?"""
