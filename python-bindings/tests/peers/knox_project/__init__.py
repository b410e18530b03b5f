"""What knox's own test suite needs of a project: its source archive has the tests, and no project."""
