"""Sign-in for a person at a terminal: the subcommands `login`, `status` and `logout`."""
