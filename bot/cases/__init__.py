"""Cases: what a person's request for an officer becomes, from the intake until it is closed."""
