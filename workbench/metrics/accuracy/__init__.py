"""The metric accuracy as a module of evaluate; see the file beside this one."""
