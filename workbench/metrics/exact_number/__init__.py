"""The metric exact_number as a module of evaluate; see the file beside this one."""
