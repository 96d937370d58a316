"""What AWX does, for tests on machines where it cannot run: its API, its rules for surveys, how it starts a job."""
