"""A small saga engine, and a place to break it."""
