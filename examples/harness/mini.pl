#!/usr/bin/perl
# A harness for `entrysem verify --engine harness:`, around a builder and a runtime of its own.
#
# Three parts, of which a harness for your builder keeps the first and replaces the others:
#   1. the protocol: a JSON line in, a JSON line out (spec/schema/harness-*.schema.json);
#   2. build:  Dockerfile -> image config, or a rejection;
#   3. create: image config and one run -> argv, or an error.
# mini knows stages, ARG before FROM, SHELL, continuation lines and both forms; no heredocs, no ONBUILD.
use strict;
use warnings;
use JSON::PP ();
use MIME::Base64 ();

# --- 1. the protocol -----------------------------------------------------------------------------

# Words are bytes in here. On the wire they are text, or {"base64": ...} when they are no UTF-8.
my $json = JSON::PP->new->utf8->canonical;
$| = 1;

sub serve {
    while (my $line = <STDIN>) {
        my $request = $json->decode($line);
        last if $request->{cmd} eq 'stop';
        print $json->encode(answer($request)), "\n";
    }
}

sub answer {
    my ($request) = @_;
    if ($request->{cmd} eq 'start') {
        my @levels = ('CONFIG', 'CREATE');
        return {
            protocol       => 1,
            implementation => { name => 'mini', version => '1.0', levels => \@levels },
        };
    }
    my $observation = eval { observe($request->{job}) };
    return { id => $request->{id}, error => "mini broke: $@" } if !$observation;
    return { id => $request->{id}, observation => $observation };
}

sub observe {
    my ($job) = @_;
    my $config = eval { image($job) };
    if (my $problem = $@) {
        return { outcome => $problem->{outcome}, message => $problem->{message} } if ref $problem;
        die $problem;    # a mistake in here, and no observation
    }
    my @runs = map { create($config, $_) } @{ $job->{runs} };
    return { outcome => 'built', config => wire_config($config), runs => \@runs };
}

sub image {
    my ($job) = @_;
    return config_from_wire($job->{config}) if defined $job->{config};
    return build(bytes($job->{dockerfile}), $job);
}

sub refuse  { die { outcome => 'rejected',      message => $_[0] } }
sub missing { die { outcome => 'missing-image', message => "no image $_[0]" } }

sub bytes {
    my ($value) = @_;
    return MIME::Base64::decode_base64($value->{base64}) if ref $value;
    utf8::encode(my $copy = $value);
    return $copy;
}

sub wire {
    my ($bytes) = @_;
    my $text = $bytes;
    return utf8::decode($text) ? $text : { base64 => MIME::Base64::encode_base64($bytes, '') };
}

sub wire_words { defined $_[0] ? [map { wire($_) } @{ $_[0] }] : undef }

sub wire_config {
    my ($config) = @_;
    return { map { $_ => wire_words($config->{$_}) } qw(Entrypoint Cmd Shell OnBuild) };
}

sub config_from_wire {
    my ($config) = @_;
    return { map { $_ => $config->{$_} && [map { bytes($_) } @{ $config->{$_} }] } keys %$config };
}

# --- 2. the builder ------------------------------------------------------------------------------

my %known = map { $_ => 1 } qw(ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL
    MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR);

sub build {
    my ($text, $job) = @_;
    my (%stages, @order, %args, $stage);
    for my $instruction (instructions($text)) {
        my ($name, $rest) = @$instruction;
        if ($name eq 'FROM') {
            my ($from, $as, $alias, @more) = split ' ', expand($rest, \%args);
            refuse('FROM takes an image, and AS with a name')
                if !defined $from || @more || (defined $as && (uc $as ne 'AS' || !defined $alias));
            $stage = { %{ base($from, \%stages, $job) }, cmd_is_set => 0 };
            $stages{ lc $alias } = $stage if defined $alias;
            push @order, $stage;
        }
        elsif (!$stage) {
            refuse("$name before FROM") if $name ne 'ARG';
            my ($key, $value) = split /=/, $rest, 2;
            $args{$key} = $job->{build_args}{$key} // $value // '';
        }
        else { apply($stage, $name, $rest) }
    }
    refuse('there is no stage') if !@order;
    my $target = $job->{target};
    return $order[-1] if !defined $target || $target eq '';
    return $stages{ lc $target } // refuse("no stage $target");
}

# [NAME, ARGUMENTS] for each logical line.
sub instructions {
    my ($text) = @_;
    $text =~ s/\A\xEF\xBB\xBF//;
    my $escape = $text =~ /\A(?:#[^\n]*\n)*?#\s*escape\s*=\s*`\s*$/im ? '`' : '\\';
    my ($logical, @found) = ('');
    for my $line (split /\n/, $text) {
        $line =~ s/\r+\z//;
        next if $line =~ /\A\s*#/ || $line =~ /\A\s*\z/;
        $line =~ s/\A\s+// if $logical eq '';
        $logical .= $line;
        next if $logical =~ s/\Q$escape\E[ \t]*\z//;
        push @found, $logical;
        $logical = '';
    }
    push @found, $logical if $logical ne '';
    refuse('the file is empty') if !@found;
    return map {
        my ($name, $rest) = split ' ', $_, 2;
        $name = uc $name;
        refuse("unknown instruction: $name") if !$known{$name};
        [$name, ($rest // '') =~ s/\s+\z//r];
    } @found;
}

sub expand {
    my ($text, $args) = @_;
    return $text =~ s/\$(?:\{(\w+)\}|(\w+))/$args->{$1 \/\/ $2} \/\/ ''/ger;
}

sub base {
    my ($name, $stages, $job) = @_;
    return $stages->{ lc $name } if $stages->{ lc $name };
    return {} if $name eq 'scratch';
    my $base = $job->{bases}{$name} or missing($name);
    return config_from_wire($base->{config}) if $base->{config};
    return build(bytes($base->{dockerfile}), { %$job, bases => {}, target => undef });
}

sub apply {
    my ($stage, $name, $rest) = @_;
    if ($name eq 'CMD') {
        $stage->{Cmd} = command($stage, $rest);
        $stage->{cmd_is_set} = 1;
    }
    elsif ($name eq 'ENTRYPOINT') {
        $stage->{Entrypoint} = command($stage, $rest);
        $stage->{Cmd} = undef if !$stage->{cmd_is_set};    # a Cmd that was inherited
    }
    elsif ($name eq 'SHELL') {
        my $list = list($rest);
        refuse('SHELL takes a JSON list of words') if !$list || !@$list;
        $stage->{Shell} = $list;
    }
}

sub command {
    my ($stage, $rest) = @_;
    my $list = list($rest);
    return @$list ? $list : undef if $list;
    return [@{ $stage->{Shell} // ['/bin/sh', '-c'] }, $rest];
}

# The words of a JSON list, or undef when the text is something else.
sub list {
    my ($text) = @_;
    my $list = eval { JSON::PP->new->utf8->decode($text) };
    return undef if ref $list ne 'ARRAY';
    refuse('a list may hold only strings') if grep { ref || !defined || is_number($_) } @$list;
    utf8::encode($_) for @$list;
    return $list;
}

sub is_number { JSON::PP->new->allow_nonref->encode($_[0]) !~ /\A"/ }

# --- 3. the runtime ------------------------------------------------------------------------------

sub create {
    my ($config, $run) = @_;
    return { skipped => 'mini has no --init' } if $run->{init};
    my ($entrypoint, $args) = @$run{qw(entrypoint args)};
    my @entry = @{ $config->{Entrypoint} // [] };
    my @args  = $args ? map { bytes($_) } @$args : ();
    my $given = defined $entrypoint;
    if ($given) {
        # What is typed is one word; what is sent to an API is a list.
        @entry = map { bytes($_) } ref $entrypoint eq 'ARRAY' ? @$entrypoint : ($entrypoint);
    }
    if (!@args && !($given && @entry)) { @args = @{ $config->{Cmd} // [] } }
    @entry = @{ $config->{Entrypoint} // [] } if !$given;
    @entry = () if @entry == 1 && $entry[0] eq '';
    my @argv = (@entry, @args);
    return { error => 'no command specified', phase => 'create' } if !@argv;
    return { argv => [map { wire($_) } @argv], level => 'CREATE' };
}

serve();
