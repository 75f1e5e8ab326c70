"""The command `workbench`: plan, run, evaluate, compare and report without a notebook.

Exit codes: 0 all went well; 1 something failed while running, the rest was kept; 2 bad input, nothing was started;
130 after Ctrl-C. What a program would read comes with `--json` on standard output; progress goes to standard error.
"""

from workbench.cli.carding import card
from workbench.cli.commands import app, main
from workbench.cli.deploying import deploy_command
from workbench.cli.gating import gate
from workbench.cli.lensing import lens_command
from workbench.cli.reporting import report, template
from workbench.cli.steering import steer_command

app.command()(report)
app.command()(template)
app.command()(card)
app.command(name="deploy")(deploy_command)
app.command(name="lens")(lens_command)
app.command()(gate)
app.command(name="steer")(steer_command)

__all__ = ["main"]
