"""Pre-training of encoders and training of models."""
