"""Networks and simulated recordings that travel with the package, to try the page with."""

from raphe.core.command_line import Command

COMMANDS = (
    Command(
        "demo",
        "open the page with simulated recordings, to see what it shows",
        "raphe.demo.commands:add_demo",
    ),
)
