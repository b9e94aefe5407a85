"""States: the history of each flow run and task run, one row a state, written with the run and never changed."""
