"""conf/ stays at the top of the project and travels in the package, as raphe.conf; so do the pages
of docs/explained that the server shows.

All else is in pyproject.toml, where one folder of packages cannot lie outside the others.
"""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages("src"), "raphe.conf", "raphe.explained"],
    package_dir={"": "src", "raphe.conf": "conf", "raphe.explained": "docs/explained"},
    package_data={
        "raphe": [
            "py.typed",
            "**/*.css",
            "**/*.js",
            "serve/page/**/*",
            "demo/*/*",
            "tasks/*/features/*.json",
            "tasks/*/shipped/*",
        ],
        "raphe.conf": ["**/*.yaml"],
        "raphe.explained": ["*.md"],
    },
)
