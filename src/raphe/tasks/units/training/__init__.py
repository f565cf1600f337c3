"""Units in batches, loss and optimiser; simple classifiers beside the network."""
