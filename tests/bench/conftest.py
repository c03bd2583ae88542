"""The peers run in processes of their own, with packages that the test run does not have."""

collect_ignore_glob = ["torch_*.py"]
