#!/bin/sh
# Judges one engine and leaves everything that a CI job shows or keeps in one folder.
#
#   ENGINE=docker LEVEL=CREATE OUT=results BASELINE=ci/docker.ndjson sh verify.sh [OPTION...]
#
# ENGINE    as after `entrysem verify --engine`; docker
# LEVEL     CONFIG, CREATE or PROCESS; CREATE
# OUT       the folder; entrysem-results. With a journal of an interrupted run in it, the run goes on
# KNOWN     a file of known differences; none
# BASELINE  a journal to compare with; none. To accept a change, put the new journal in its place
# ENTRYSEM  the command; entrysem
#
# Further options go to `entrysem verify`. Exit code: that of verify; if it is 0, that of the comparison.
set -eu

engine=${ENGINE:-docker}
level=${LEVEL:-CREATE}
out=${OUT:-entrysem-results}
entrysem=${ENTRYSEM:-entrysem}
journal=$out/journal.ndjson

verify() {
    # ENTRYSEM may be several words, such as `python3 -m entrysem`.
    # shellcheck disable=SC2086
    $entrysem verify "$@"
}

mkdir -p "$out"
if [ -s "$journal" ]; then
    set -- --resume "$journal" "$@"
else
    set -- --journal "$journal" --level "$level" --engine "$engine" "$@"
fi
if [ -n "${KNOWN:-}" ]; then
    set -- --known "$KNOWN" "$@"
fi

code=0
verify "$@" --output "$out/report.txt" || code=$?
if [ -f "$out/report.txt" ]; then
    cat "$out/report.txt"
fi
# Without a journal there was nothing to report: a usage error, or no engine.
[ -s "$journal" ] || exit "$code"

for pair in markdown:md junit:xml json:json html:html; do
    # A report ends with the code of its run; what counts here is that it was written.
    verify report --format "${pair%:*}" --output "$out/report.${pair#*:}" "$journal" || :
    if [ ! -s "$out/report.${pair#*:}" ]; then
        echo "error: no ${pair%:*} report could be written to $out" >&2
        exit 3
    fi
done

changed=0
if [ -n "${BASELINE:-}" ]; then
    verify diff --output "$out/diff.txt" "$BASELINE" "$journal" || changed=$?
    verify diff --format markdown --output "$out/diff.md" "$BASELINE" "$journal" || :
    if [ -f "$out/diff.txt" ]; then
        cat "$out/diff.txt"
    fi
fi

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    cat "$out/report.md" >>"$GITHUB_STEP_SUMMARY"
    if [ -f "$out/diff.md" ]; then
        # GitHub takes 1 MiB in all, and the report may be nearly that long.
        size=$(($(wc -c <"$out/report.md") + $(wc -c <"$out/diff.md")))
        if [ "$size" -lt 1000000 ]; then
            cat "$out/diff.md" >>"$GITHUB_STEP_SUMMARY"
        fi
    fi
fi

if [ "$code" -ne 0 ]; then
    exit "$code"
fi
exit "$changed"
