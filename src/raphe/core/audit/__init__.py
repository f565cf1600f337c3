"""Does a good score mean what it seems to? What the audits of all tasks share; trains nothing."""
