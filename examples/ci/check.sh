#!/bin/sh
# Checks every Dockerfile of a repository, and says what a change does to what runs.
#
#   BASE=origin/main sh check.sh [OPTION...]
#
# BASE            revision to compare with; none
# OUT             the folder for reports; entrysem-results
# FAIL_ON_CHANGE  1 to fail when what runs changes; 0
# ENTRYSEM        the command; entrysem
#
# Further options go to `entrysem check`. Exit code: that of check; if it is 0, that of a comparison that could
# not be made, or that fails on change.
set -eu

out=${OUT:-entrysem-results}
entrysem=${ENTRYSEM:-entrysem}
mkdir -p "$out"

code=0
# ENTRYSEM may be several words, such as `python3 -m entrysem`.
# shellcheck disable=SC2086
$entrysem check "$@" . || code=$?
# shellcheck disable=SC2086
$entrysem check --quiet --format gitlab --output "$out/codequality.json" "$@" . || :
# shellcheck disable=SC2086
$entrysem check --quiet --format junit --output "$out/check.xml" "$@" . || :

changed=0
if [ -n "${BASE:-}" ]; then
    # shellcheck disable=SC2086
    $entrysem diff --git "$BASE...HEAD" || changed=$?
    # shellcheck disable=SC2086
    $entrysem diff --git "$BASE...HEAD" --format markdown >"$out/diff.md" || :
fi

[ "$code" -eq 0 ] || exit "$code"
if [ "$changed" -eq 1 ] && [ "${FAIL_ON_CHANGE:-0}" != 1 ]; then
    changed=0
fi
exit "$changed"
