"""Who may do what, and how processes show who they are: secrets in files, certificates, users of Redis."""
