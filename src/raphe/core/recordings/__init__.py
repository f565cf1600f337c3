"""One electrode's recording, its unit, and the files that hold one."""
