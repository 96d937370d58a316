"""The collection on real hypervisors, driven by Ansible over SSH and judged from outside."""
