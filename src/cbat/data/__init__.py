"""From raw files to training blocks: genome, elements, sequences, labelled pairs and shards."""
