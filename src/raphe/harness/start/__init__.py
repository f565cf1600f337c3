"""From a command line to a stage that runs, and errors as a user is told of them."""
