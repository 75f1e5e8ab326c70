"""The metric squad_f1 as a module of evaluate; see the file beside this one."""
