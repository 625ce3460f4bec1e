"""What independent judges see in an image, and the network that one of them is: nothing here is used in training."""
