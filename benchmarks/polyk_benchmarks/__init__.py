"""The contenders of ``polyk bench``: steps by hand in each framework, and Keras on each."""
