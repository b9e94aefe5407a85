"""What executes the runs of deployments, and where their code is kept."""
