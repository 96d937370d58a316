# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# nmstate has a checkpoint of its own.
enter() { [ "$phase" = undo ] || nmstatectl apply --no-commit --timeout $((timeout * 5)) "$work/state.yml"; }
release() { nmstatectl commit; }
revert() { nmstatectl rollback; }
