"""Events that could not be taken in or handled, kept aside with the reason until somebody decides about them."""
