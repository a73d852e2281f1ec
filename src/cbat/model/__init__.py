"""Encoder, pair representation, environment and energy head."""
