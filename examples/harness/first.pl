#!/usr/bin/perl
# The smallest harness that can be judged: it says who it is and what it makes of CMD and ENTRYPOINT.
# docs/harness.md builds it step by step; mini.pl is what becomes of it.
use strict;
use warnings;
use JSON::PP ();

my $json = JSON::PP->new->utf8->canonical;
$| = 1;    # every answer leaves at once

while (my $line = <STDIN>) {
    my $request = $json->decode($line);
    last if $request->{cmd} eq 'stop';
    print $json->encode(answer($request)), "\n";
}

sub answer {
    my ($request) = @_;
    if ($request->{cmd} eq 'start') {
        return {
            protocol       => 1,
            implementation => { name => 'mini', version => '0.1', levels => ['CONFIG'] },
        };
    }
    return { id => $request->{id}, observation => observe($request->{job}) };
}

sub observe {
    my ($job) = @_;
    my $text = $job->{dockerfile};
    return { outcome => 'skipped', message => 'mini reads only text' } if !defined $text || ref $text;
    my %config = (Cmd => undef, Entrypoint => undef);
    for my $instruction (split /\n/, $text) {
        my ($name, $rest) = split ' ', $instruction, 2;
        if    ($name eq 'CMD')        { $config{Cmd}        = words($rest) }
        elsif ($name eq 'ENTRYPOINT') { $config{Entrypoint} = words($rest) }
        elsif ($name ne 'FROM') { return { outcome => 'rejected', message => "unknown: $name" } }
    }
    return { outcome => 'built', config => \%config };
}

# Exec form is a JSON list of words; everything else is a script for the shell.
sub words {
    my ($rest) = @_;
    my $list = eval { JSON::PP->new->decode($rest) };
    return ref $list eq 'ARRAY' ? $list : ['/bin/sh', '-c', $rest];
}
