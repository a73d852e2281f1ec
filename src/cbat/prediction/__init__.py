"""Apply a model directory to a cell line that nobody has mapped."""
