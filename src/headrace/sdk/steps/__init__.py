"""Steps around a deployment: what is done before it is made (build, push), and before its flow is loaded (pull)."""
