#!/usr/bin/env bash
# The GitHub Action: installs entrysem, checks, compares, annotates, and writes the job's summary.
#
# Everything comes in by the variables of action.yml (INPUT_*, EVENT_BASE, ACTION_PATH) and GitHub's own
# (GITHUB_STEP_SUMMARY, GITHUB_OUTPUT, RUNNER_TEMP). ENTRYSEM, when it is set, is the command to use, and
# nothing is installed.
#
# Exit code: that of `entrysem check`; if it is 0 and fail-on-change is true, that of `entrysem diff`. A
# comparison that could not be made (3, 4) fails the job only then too.
set -euo pipefail

temp=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/entrysem.XXXXXX")

if [ -z "${ENTRYSEM:-}" ]; then
    python=${INPUT_PYTHON:-python3}
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "::error title=entrysem::$python is older than 3.11 or not there; actions/setup-python brings one"
        exit 3
    fi
    "$python" -m venv "$temp/venv"
    "$temp/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        "${INPUT_VERSION:-${ACTION_PATH}[check]}"
    ENTRYSEM=$temp/venv/bin/entrysem
fi

# Lines of an input -> the array LINES. Blank lines are left out.
lines_of() {
    LINES=()
    local line
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        [ -z "${line//[[:space:]]/}" ] || LINES+=("$line")
    done <<<"$1"
}

lines_of "${INPUT_PATHS:-.}"
# One that begins with a dash would be an option.
paths=()
for path in "${LINES[@]}"; do
    case $path in -*) path=./$path ;; esac
    paths+=("$path")
done
lines_of "${INPUT_ARGS:-}"
args=(${LINES[@]+"${LINES[@]}"})

check_args=(${args[@]+"${args[@]}"})
[ -z "${INPUT_CONFIG:-}" ] || check_args+=("--config=$INPUT_CONFIG")
[ -z "${INPUT_THRESHOLD:-}" ] || check_args+=("--failure-threshold=$INPUT_THRESHOLD")

check=0
"$ENTRYSEM" check ${check_args[@]+"${check_args[@]}"} --format=github "${paths[@]}" || check=$?
# Usage: the report would only say the same again.
[ "$check" -ne 2 ] || exit 2
"$ENTRYSEM" check ${check_args[@]+"${check_args[@]}"} --quiet --format=markdown \
    --output="$temp/check.md" "${paths[@]}" 2>/dev/null || :
if [ -n "${INPUT_FORMAT:-}" ]; then
    report=0
    "$ENTRYSEM" check ${check_args[@]+"${check_args[@]}"} --quiet "--format=$INPUT_FORMAT" \
        "--output=${INPUT_REPORT:-entrysem-report}" "${paths[@]}" || report=$?
    [ "$report" -ne 2 ] || exit 2
fi

diff=
base=${INPUT_DIFF_BASE:-}
given=$base
if [ -z "$base" ]; then
    base=${EVENT_BASE:-}
    # What was pushed to a new branch has no before.
    case $base in *[!0]*) ;; *) base= ;; esac
fi
if [ -n "$base" ] && [ "$base" != none ]; then
    diff=0
    "$ENTRYSEM" diff ${args[@]+"${args[@]}"} --format=markdown "--git=$base...HEAD" >"$temp/diff.md" \
        2>"$temp/diff.err" || diff=$?
    if [ -s "$temp/diff.md" ]; then
        "$ENTRYSEM" diff ${args[@]+"${args[@]}"} --format=github "--git=$base...HEAD" 2>/dev/null || :
    else
        cat "$temp/diff.err" >&2
        message="what runs was not compared with $base; the log says why. It takes fetch-depth: 0 at the checkout"
        level=warning
        [ -z "$given" ] || level=error
        echo "::$level title=entrysem::${message//%/%25}"
        # A revision that somebody asked for and that is not there is an error in the workflow.
        [ -z "$given" ] || [ "$check" -ne 0 ] || check=$diff
    fi
fi

{
    echo "check=$check"
    echo "diff=$diff"
    if [ -s "$temp/diff.md" ]; then
        echo "markdown=$temp/diff.md"
    else
        echo "markdown="
    fi
} >>"${GITHUB_OUTPUT:-/dev/null}"

# GitHub takes 1 MiB for a step.
for part in "$temp/diff.md" "$temp/check.md"; do
    if [ -s "$part" ] && [ "$(wc -c <"$part")" -lt 500000 ]; then
        cat "$part" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
        echo >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
    fi
done

[ "$check" -eq 0 ] || exit "$check"
if [ "${INPUT_FAIL_ON_CHANGE:-false}" = true ] && [ -n "$diff" ]; then
    exit "$diff"
fi
