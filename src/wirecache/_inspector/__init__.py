"""The pages that show what stores and cassettes contain: one module a concern, served by the application of ``wirecache.ui``."""
