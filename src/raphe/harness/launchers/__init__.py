"""How the members of a sweep come into other processes of this machine."""
