"""`rnnbench completion SHELL`: a script for the shell, which calls the command again for the candidates."""

import argparse
import os
from collections.abc import Sequence

from rnnbench.commands import COMMANDS

#: Commands that are followed by overrides.
WITH_OVERRIDES = ("run", "draw")
_BASH = """\
COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]/}
_rnnbench() {
    COMPREPLY=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" rnnbench completion --query bash))
}
complete -o nospace -F _rnnbench rnnbench"""
#: What each shell evaluates to complete command lines from then on. zsh runs the script of bash.
SCRIPTS = {
    "bash": _BASH,
    "zsh": f"autoload -Uz bashcompinit && bashcompinit\n{_BASH}",
    "fish": "complete -c rnnbench -f -a '(env COMP_LINE=(commandline -cp) rnnbench completion --query fish)'",
}
EXAMPLES = """\
bash  eval "$(rnnbench completion bash)"
zsh   eval "$(rnnbench completion zsh)", after compinit
fish  rnnbench completion fish | source"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SCRIPTS, help="the shell")
    parser.add_argument("--query", action="store_true", help=argparse.SUPPRESS)


def main(options: argparse.Namespace) -> None:
    """Print the script, or with --query the candidates."""
    print("\n".join(candidates()) if options.query else SCRIPTS[options.shell])


def candidates() -> list[str]:
    """Return what can stand at the end of the command line in the environment variable COMP_LINE."""
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT") or 10**6)]
    _, *words = line.split()
    last = "" if line.endswith(" ") or not words else words.pop()
    if not words:
        return [command for command in COMMANDS if command.startswith(last)]
    return _overrides(words[1:], last) if words[0] in WITH_OVERRIDES else []


def _overrides(words: Sequence[str], last: str) -> list[str]:
    """Return what Hydra's completion offers for the last word after the others."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.plugins.completion_plugin import DefaultCompletionPlugin

    from rnnbench.commands.run_options import read_flags
    from rnnbench.config import folders, groups
    from rnnbench.config.composition import PRIMARY, composing

    try:
        flags = read_flags(words)
        with composing(flags.overrides, flags.config_dir) as overrides:
            for name in folders.studies():
                groups.register_study(name)
            plugin = DefaultCompletionPlugin(GlobalHydra.instance().config_loader())
            return plugin._query(PRIMARY, " ".join([*overrides, last]))
    except Exception:
        # Half a command line is often wrong; there is nothing to offer then.
        return []
