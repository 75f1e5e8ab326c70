"""The metric matthews as a module of evaluate; see the file beside this one."""
