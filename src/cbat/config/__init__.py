"""Typed configuration: sections, sheets, and the closed schema made from them."""
