"""The kinds of AWX's objects, and how they belong together."""

from __future__ import annotations

from typing import Any

TYPES = {
    "organizations": "organization",
    "roles": "role",
    "teams": "team",
    "users": "user",
    "credential_types": "credential_type",
    "credentials": "credential",
    "execution_environments": "execution_environment",
    "projects": "project",
    "project_updates": "project_update",
    "inventories": "inventory",
    "groups": "group",
    "hosts": "host",
    "job_templates": "job_template",
    "jobs": "job",
    "schedules": "schedule",
    "workflow_job_templates": "workflow_job_template",
    "workflow_jobs": "workflow_job",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
}
UNIFIED = ("projects", "job_templates", "workflow_job_templates")
ASSOCIATIONS = {
    "job_templates": {"credentials"},
    "workflow_job_template_nodes": {"success_nodes", "failure_nodes"},
    "groups": {"hosts"},
    "roles": {"teams", "users"},
    "teams": {"users"},
}
# Fields that name an object of another kind.
REFERENCES = {
    **{kind: f"{kind}s" for kind in ("organization", "credential_type", "credential", "project")},
    "execution_environment": "execution_environments",
    "default_environment": "execution_environments",
    "inventory": "inventories",
    "workflow_job_template": "workflow_job_templates",
}
# The inputs of AWX's own types of credentials: awx/main/models/credential/__init__.py, ManagedCredentialType.
FIELDS = {
    "Machine": ("username", "password", "ssh_key_data", "ssh_key_unlock", "become_password"),
    "Source Control": ("username", "password", "ssh_key_data", "ssh_key_unlock"),
    "Red Hat Ansible Automation Platform": ("host", "username", "password", "oauth_token", "verify_ssl"),
    "Container Registry": ("host", "username", "password"),
}
PUBLIC = ("username", "host", "verify_ssl")  # all others are secret
# awx/main/models/projects.py, Project.FIELDS_TRIGGER_UPDATE: nothing else makes AWX sync by itself.
SYNCED_BY = ("scm_url", "scm_branch", "scm_type", "scm_refspec")
MISSING: dict[str, Any] = {"host_filter": None, "kind": "", "scm_revision": "", "inputs": {}}

# What ansible-rulebook looks at before it launches a template.
ASKS = [f"ask_{name}_on_launch" for name in ("limit", "labels", "inventory", "variables")]
