"""What do the providers' bodies say: events, usage, answers, conversations, batches?"""
