"""CBAT: which enhancer touches which promoter, in a cell line nobody has mapped."""

__version__ = "0.2.0"
