"""Importers of labelled enhancer-promoter pairs, a module for each family of published formats."""
