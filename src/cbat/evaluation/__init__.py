"""What the models are worth: metrics, intervals, references, the summary and its figures."""
