"""The tour: two editor windows, one sign-in, in a terminal and on this computer alone."""
