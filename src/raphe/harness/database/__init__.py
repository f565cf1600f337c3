"""Where runs are tracked: MLflow's database in the folder of runs, another one, or a server."""
