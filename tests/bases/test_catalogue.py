"""The bundled catalogue: its facts, its look-up rules, its form.

The facts below are literals: entrypoint, cmd and the file that was read for them, typed from the
derived facts about the official images (docker-library/official-images of 2026-08-21), not from the
product's own file.
"""
# ruff: noqa: E501 - a fact a line

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrysem import Inherited
from entrysem.bases.catalogue import Catalogue, matches

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "entrysem" / "bases" / "catalogue.json"
DIGEST = "sha256:" + "0123456789abcdef" * 4

# fmt: off
FACTS = [
    ("python:3.7-alpine", None, ('python3',), "docker-library/python@4f07059567fa:3.14/trixie/Dockerfile"),
    ("python:2.7", None, ('python2',), "docker-library/python@f1e613f48eb4:2.7/buster/Dockerfile"),
    ("python:3.12-slim", None, ('python3',), "docker-library/python@4f07059567fa:3.14/trixie/Dockerfile"),
    ("python", None, ('python3',), "docker-library/python@4f07059567fa:3.14/trixie/Dockerfile"),
    ("node:20-alpine", ('docker-entrypoint.sh',), ('node',), "nodejs/docker-node@6f0689e04494:26/trixie/Dockerfile"),
    ("node:6", None, ('node',), "nodejs/docker-node@6005d05f580f:chakracore/10/Dockerfile"),
    ("nginx", ('/docker-entrypoint.sh',), ('nginx', '-g', 'daemon off;'), "nginx/docker-nginx@0d7f4380c735:mainline/debian/Dockerfile"),
    ("nginx:1.18", ('/docker-entrypoint.sh',), ('nginx', '-g', 'daemon off;'), "nginx/docker-nginx@0d7f4380c735:mainline/debian/Dockerfile"),
    ("redis:7", ('docker-entrypoint.sh',), ('redis-server',), "redis/docker-library-redis@0076c90a8028:debian/Dockerfile"),
    ("postgres:16-alpine", ('docker-entrypoint.sh',), ('postgres',), "docker-library/postgres@6edb0a8c4def:18/trixie/Dockerfile"),
    ("mysql:8.0", ('docker-entrypoint.sh',), ('mysqld',), "docker-library/mysql@7f30fdb07380:innovation/Dockerfile.oracle"),
    ("mariadb:11", ('docker-entrypoint.sh',), ('mariadbd',), "MariaDB/mariadb-docker@53935c78b82b:10.11/Dockerfile"),
    ("mongo:7", ('docker-entrypoint.sh',), ('mongod',), "docker-library/mongo@2c69a57b939a:7.0/Dockerfile"),
    ("httpd:2.4", None, ('httpd-foreground',), "docker-library/httpd@4da43810a442:2.4/Dockerfile"),
    ("alpine:3.19", None, ('/bin/sh',), "docker-library/repo-info@7859ce442d87:repos/alpine/local/3.24.2.md"),
    ("alpine:2.6", None, None, "gliderlabs/docker-alpine@356f821e086d:versions/library-2.6/Dockerfile"),
    ("debian:bookworm-slim", None, ('bash',), "debuerreotype/docker-debian-artifacts@f5527c9b0224:bookworm/oci/index.json"),
    ("ubuntu:22.04", None, ('/bin/bash',), "docker-library/repo-info@34e0037a44e0:repos/ubuntu/local/24.04.md"),
    ("busybox:1.36", None, ('sh',), "docker-library/busybox@70ce0fb98bee:latest/glibc/amd64/index.json"),
    ("hello-world", None, ('/hello',), "docker-library/hello-world@a1942f2745e7:amd64/Dockerfile"),
    ("golang:1.22", None, ('bash',), "docker-library/golang@7aa947b3fda4:1.27/trixie/Dockerfile"),
    ("golang:1.22-alpine", None, ('/bin/sh',), "docker-library/golang@7aa947b3fda4:1.27/alpine3.24/Dockerfile"),
    ("rust:1.77", None, ('bash',), "rust-lang/docker-rust@7668ee290612:stable/trixie/Dockerfile"),
    ("ruby:3.3", None, ('irb',), "docker-library/ruby@d55e25ae7098:4.0/trixie/Dockerfile"),
    ("php:8.3-fpm", ('docker-php-entrypoint',), ('php-fpm',), "docker-library/php@445bf414f1d5:8.5/trixie/fpm/Dockerfile"),
    ("php:8.3-apache", ('docker-php-entrypoint',), ('apache2-foreground',), "docker-library/php@445bf414f1d5:8.5/trixie/apache/Dockerfile"),
    ("php:8.3-cli", ('docker-php-entrypoint',), ('php', '-a'), "docker-library/php@445bf414f1d5:8.5/trixie/cli/Dockerfile"),
    ("openjdk:17", None, ('jshell',), "docker-library/openjdk@da2d75fdafc1:27/oraclelinux10/Dockerfile"),
    ("openjdk:8-jre", None, ('bash',), "docker-library/openjdk@a0c4da867ddd:8/jdk/bullseye/Dockerfile"),
    ("eclipse-temurin:21", ('/__cacert_entrypoint.sh',), ('jshell',), "adoptium/containers@d8d18d67a32e:25/jdk/ubuntu/resolute/Dockerfile"),
    ("eclipse-temurin:21-jre", ('/__cacert_entrypoint.sh',), None, "adoptium/containers@d8d18d67a32e:8/jdk/ubuntu/resolute/Dockerfile"),
    ("maven:3.9", ('/usr/local/bin/mvn-entrypoint.sh',), ('mvn',), "carlossg/docker-maven@1efa2614402e:amazoncorretto-8-debian/Dockerfile"),
    ("gradle:8", ('/__cacert_entrypoint.sh',), ('gradle',), "gradle/docker-gradle@89adc634c8c9:jdk11-jammy/Dockerfile"),
    ("tomcat:10", None, ('catalina.sh', 'run'), "docker-library/tomcat@b7738e888d6a:11.0/jdk25/temurin-noble/Dockerfile"),
    ("fedora:40", None, ('/bin/bash',), "fedora-cloud/docker-brew-fedora@626d3f339648:x86_64/Dockerfile"),
    ("centos:7", None, ('/bin/bash',), "CentOS/sig-cloud-instance-images@607af70702ba:docker/Dockerfile"),
    ("rockylinux:9", None, ('/bin/bash',), "rocky-linux/sig-cloud-instance-images@2085c6419637:Dockerfile"),
    ("amazonlinux:2023", None, ('/bin/bash',), "amazonlinux/container-images@e0214243704f:Dockerfile"),
    ("memcached:1.6", ('docker-entrypoint.sh',), ('memcached',), "docker-library/memcached@53ac0ecb0bf8:1/debian/Dockerfile"),
    ("rabbitmq:3-management", ('docker-entrypoint.sh',), ('rabbitmq-server',), "docker-library/rabbitmq@9193c1de6d32:4.3/ubuntu/Dockerfile"),
    ("haproxy:2.9", ('docker-entrypoint.sh',), ('haproxy', '-f', '/usr/local/etc/haproxy/haproxy.cfg'), "docker-library/haproxy@ec437dd2a365:3.4/Dockerfile"),
    ("traefik:v3.0", ('/entrypoint.sh',), ('traefik',), "traefik/traefik-library-image@697393828fd8:v3.7/alpine/Dockerfile"),
    ("caddy:2", None, ('caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'), "caddyserver/caddy-docker@62d1326421cc:2.11/alpine/Dockerfile"),
    ("docker:dind", ('dockerd-entrypoint.sh',), None, "docker-library/docker@3289af88086d:29/dind/Dockerfile"),
    ("docker:27-cli", ('docker-entrypoint.sh',), ('sh',), "docker-library/docker@3289af88086d:29/cli/Dockerfile"),
    ("wordpress:6", ('docker-entrypoint.sh',), ('apache2-foreground',), "docker-library/wordpress@bf223d1c2087:latest/php8.3/apache/Dockerfile"),
    ("wordpress:cli", ('docker-entrypoint.sh',), ('wp', 'shell'), "docker-library/wordpress@b962e97ba0d6:cli/php8.3/alpine/Dockerfile"),
    ("registry:2", ('/entrypoint.sh',), ('/etc/docker/registry/config.yml',), "distribution/distribution-library-image@39dd72feaab7:Dockerfile"),
    ("perl:5.36.3", None, ('perl5.36.3', '-de0'), "Perl/docker-perl@876d8d6e4273:5.036.003-main-bookworm/Dockerfile"),
    ("gcc:13", None, ('bash',), "docker-library/gcc@339fcb5f0929:15/Dockerfile"),
    ("swift:5.10", None, ('/bin/bash',), "swiftlang/swift-docker@8d5f628fceb8:6.3/ubuntu/24.04/Dockerfile"),
    ("denoland/deno:alpine", ('/tini', '--', 'docker-entrypoint.sh'), ('eval', "console.log('Welcome to Deno!')"), "denoland/deno_docker@b7864b723942:alpine.dockerfile"),
    ("jenkins/jenkins:lts", ('/usr/bin/tini', '--', '/usr/local/bin/jenkins.sh'), None, "jenkinsci/docker@ab3f5e0a80d6:debian/Dockerfile"),
    ("odoo:17", ('/entrypoint.sh',), ('odoo',), "odoo/docker@f7f676535412:19.0/Dockerfile"),
    ("solr:9", ('docker-entrypoint.sh',), ('solr-foreground',), "apache/solr-docker@884b2e669217:10.0/Dockerfile"),
    ("adminer:4.8.1-fastcgi", ('entrypoint.sh',), ('php-fpm7.4',), "TimWolla/docker-adminer@c9c54b18f79a:4/fastcgi/Dockerfile"),
    ("archlinux", None, ('/usr/bin/bash',), "archlinux/archlinux-docker@b470c1d86016:Dockerfile.base"),
]
# fmt: on


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.mark.parametrize(("image", "entrypoint", "cmd", "source"), FACTS)
def test_facts(
    catalogue: Catalogue,
    image: str,
    entrypoint: tuple[str, ...] | None,
    cmd: tuple[str, ...] | None,
    source: str,
) -> None:
    base = catalogue.lookup(image)
    assert base is not None
    assert (base.config.entrypoint, base.config.cmd) == (entrypoint, cmd)
    assert base.origin == "catalogue"
    assert base.note.startswith(f"catalogue of 2026-08-21: {source}")


def test_shell_of_an_image_that_sets_it(catalogue: Catalogue) -> None:
    base = catalogue.lookup("odoo:17")
    assert base is not None
    assert base.config.shell == ("/bin/bash", "-xo", "pipefail", "-c")


def test_null_is_known_to_be_unset(catalogue: Catalogue) -> None:
    base = catalogue.lookup("python:3.7-alpine")
    assert base is not None
    assert base.config.entrypoint is None
    assert base.config.shell is None
    assert base.config.unknown == ()


@pytest.mark.parametrize("image", ["mariadb:10.11-ubi", "eclipse-temurin:21-jre-ubi9-minimal"])
def test_a_key_that_was_not_verified_is_inherited(catalogue: Catalogue, image: str) -> None:
    base = catalogue.lookup(image)
    assert base is not None
    assert base.config.entrypoint is not None
    assert base.config.shell == (Inherited("Shell", image),)


@pytest.mark.parametrize("image", ["telegraf:1.30", "perl:5.4", "alpine/git:v2.40"])
def test_a_rule_with_null_config_is_unknown(catalogue: Catalogue, image: str) -> None:
    assert catalogue.lookup(image) is None


@pytest.mark.parametrize(
    "image",
    [
        "no-such-image",
        "example/python",
        "registry.example.com/python:3.7",
        "localhost/python",
        "other/library/python",
        "library/library/python",
        "registry.example.com/jenkins/jenkins:lts",
        "golang:1.22-windowsservercore-ltsc2022",
        "golang:1.22-nanoserver",
        f"python@{DIGEST}",
        f"library/python@{DIGEST}",
        "python:",
        "python:3 7",
        "python:-3",
        "python@",
        "python:3@sha256:12",
        "python:" + "3" * 129,
        "Python",
        "python/",
        "/python",
        "library/",
        "scratch",
        "",
        "${BASE}",
        "\ud800",
    ],
)
def test_unknown(catalogue: Catalogue, image: str) -> None:
    assert catalogue.lookup(image) is None


@pytest.mark.parametrize(
    "image",
    [
        "library/python:3.7-alpine",
        "registry.example.com/library/python:3.7-alpine",
        "registry.example.com:5000/library/python:3.7-alpine",
        "localhost/library/python:3.7-alpine",
        "mirror:5000/library/python:3.7-alpine",
        f"python:3.7-alpine@{DIGEST}",
        f"registry.example.com/library/python:3.7-alpine@{DIGEST}",
    ],
)
def test_spellings_of_an_official_image(catalogue: Catalogue, image: str) -> None:
    base, plain = catalogue.lookup(image), catalogue.lookup("python:3.7-alpine")
    assert base is not None
    assert plain is not None
    assert base.config == plain.config
    assert ("the digest was not checked" in base.note) == ("@" in image)
    mirrored = "/library/" in image
    assert ("taken for the official image python" in base.note) == mirrored


def test_no_tag_is_latest(catalogue: Catalogue) -> None:
    assert catalogue.lookup("httpd") == catalogue.lookup("httpd:latest")


def test_tags_are_case_sensitive(catalogue: Catalogue) -> None:
    """`*` is the only special character, and case counts: ALPINE is not *alpine*."""
    lower, upper = catalogue.lookup("golang:1.22-alpine"), catalogue.lookup("golang:1.22-ALPINE")
    assert lower is not None
    assert lower.config.cmd == ("/bin/sh",)
    assert upper is None or upper.config.cmd != ("/bin/sh",)


@pytest.mark.parametrize(
    ("image", "word"),
    [
        ("python:3.12", "extrapolated"),
        ("alpine:3.19", "extrapolated"),
        ("gcc:13", "extrapolated"),
        ("alpine:3.19", "neighbours"),
        ("golang:1.22", "Cmd from debuerreotype/docker-debian-artifacts@f5527c9b0224:"),
        ("python:3.7-alpine", "(of python:latest)"),
    ],
)
def test_the_note_says_how_it_is_known(catalogue: Catalogue, image: str, word: str) -> None:
    base = catalogue.lookup(image)
    assert base is not None
    assert word in base.note


def test_the_note_of_an_exact_reading_is_short(catalogue: Catalogue) -> None:
    base = catalogue.lookup("httpd:latest")
    assert base is not None
    assert base.note == (
        "catalogue of 2026-08-21: docker-library/httpd@4da43810a442:2.4/Dockerfile"
    )


def test_the_bundled_file_satisfies_its_schema() -> None:
    schema = json.loads((ROOT / "spec/schema/catalogue.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(CATALOGUE.read_text("utf-8")), schema)


def test_every_image_has_a_last_rule_for_every_tag_and_no_host() -> None:
    images = json.loads(CATALOGUE.read_text("utf-8"))["images"]
    assert len(images) == 94
    for name, rules in images.items():
        assert rules[-1]["tags"] in (["*"], ["latest"]) or "*" in rules[-1]["tags"], name
        assert not re.match(r"[^/]*[.:][^/]*/|localhost/", name)


def test_the_table_in_the_docs_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(ROOT / "tools" / "make_catalogue.py"))["main"]
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_the_generator_is_deterministic_and_drops_what_it_must() -> None:
    compact = runpy.run_path(str(ROOT / "tools" / "make_catalogue.py"))["compact"]
    config = {"Shell": None, "Cmd": ["sh"], "Entrypoint": None}
    source = {"repo": "a/b", "commit": "0" * 40, "path": "Dockerfile"}
    rule = {"tags": ["*"], "config": config, "source": source, "read": "head", "from_tag": "1"}
    facts = {
        "snapshot": {"date": "2026-01-01", "repo": "a/b", "commit": "0" * 40},
        "platform": "linux/amd64",
        "unsupported_tags": ["*windows*"],
        "images": {
            "z": {"rules": [{"tags": ["*"], "config": None}], "checked": {"current_ok": 1}},
            "registry.example.com/a": {"rules": [rule]},
            "localhost/a": {"rules": [rule]},
            "a.b": {"rules": [rule]},
        },
    }
    text = compact(facts)
    assert text == compact(json.loads(json.dumps(facts)))
    assert json.loads(text)["images"] == {
        "a.b": [
            {
                "tags": ["*"],
                "config": {"Entrypoint": None, "Cmd": ["sh"], "Shell": None},
                "source": f"a/b@{'0' * 40}:Dockerfile",
                "read": "head",
                "of": "1",
            }
        ],
        "z": [{"tags": ["*"], "config": None}],
    }


@given(st.text(alphabet="ab*.[?]", max_size=12), st.text(alphabet="ab.[?]", max_size=12))
@example("a*a", "a")
@example("*ab*ab", "ab")
def test_only_the_star_is_special(glob: str, tag: str) -> None:
    """A glob is text and stars; a star is any text. Checked against `re` as the other reading."""
    pattern = ".*".join(re.escape(piece) for piece in glob.split("*"))
    assert matches(glob, tag) == (re.fullmatch(pattern, tag) is not None)


@given(st.text())
def test_lookup_never_raises(image: str) -> None:
    Catalogue.load().lookup(image)
    Catalogue.load().lookup(f"python:{image}")
    Catalogue.load().lookup(f"{image}/library/python")
