"""The cell prototype graph: which cell lines, tissues and germ layers are kin, and how closely."""
