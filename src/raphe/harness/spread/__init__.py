"""Any command with --share as several jobs, here or on a cluster, joined at the end."""
