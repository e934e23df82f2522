"""The IRC door: every IRC client in the same rooms as everybody else."""
