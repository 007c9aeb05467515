"""One file per command of the command line."""

#: All commands, each with a line for `rnnbench --help`.
COMMANDS = {
    "run": "train a configuration, a sweep (-m) or a study (experiment=NAME)",
    "list": "list models, tasks, experiments, or what memory costs (sizes)",
    "runs": "list, delete and restore stored runs",
    "report": "show the results of a study as tables and write them as a page",
    "diff": "compare two stored runs: settings, versions, scores, weights",
    "rerun": "train a stored run again and compare the results",
    "predict": "apply the network of a stored run to a CSV file",
    "sample": "let a stored character model write text",
    "draw": "draw the network of a model, folded and unfolded in time",
    "gallery": "write a page about every model, with diagrams and equations",
    "new": "write the file of a new model or task to start from",
    "check": "test whether a model or a task keeps its contract",
    "sync": "bring MLflow up to date with the stored runs",
    "ui": "open MLflow's dashboard",
    "completion": "print a script for the shell that completes command lines",
}
