"""A sweep whose members are jobs of a SLURM cluster, through submitit."""
