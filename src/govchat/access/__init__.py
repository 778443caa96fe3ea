"""Who may call what: API keys with scopes, and the guards that every route names."""
