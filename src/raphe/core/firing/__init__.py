"""How a cell fires, in numbers and as branches of a network, where its spike times are known."""
