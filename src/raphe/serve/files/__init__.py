"""Files that the page has open: sent by whoever uses it, or in a watched folder."""
