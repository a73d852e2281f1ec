"""The landscape: what lies between and around the two ends of a pair, from peaks and genes alone."""
