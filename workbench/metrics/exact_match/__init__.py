"""The metric exact_match as a module of evaluate; see the file beside this one."""
