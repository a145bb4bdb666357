#!/usr/bin/perl
# The in-kernel tests in Bochs, on a Pentium III, which has neither SMEP nor SMAP, and on a Core i7, which has both: another emulator, with
# another TLB, another opinion on what a push of a segment register writes, and devices of PCI 2.1. Both run at the same time and take
# 160 seconds of a processor each.
#
# What Bochs lacks, and the tests then skip: the edu card, which is QEMU's own, and on these two processors UMIP.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(can_be_had judge_ktap);
use Bochs;
use Test::More;

# Which tests of a processor's features may be skipped; all others of that kind must run.
my %LACKS = (p3_katmai => qr/SMEP|SMAP|UMIP/, corei7_skylake_x => qr/UMIP/);

my $missing = Bochs::missing();
if (can_be_had('bochs', !$missing, $missing)) {
    my %run = map { $_ => Bochs->boot(name => "bochs-$_", model => $_, cmdline => 'ktest=' . ($ENV{KTEST} // '*')) } sort keys %LACKS;
    Bochs::finish(values %run);
    report($_, $run{$_}) for sort keys %run;
}
done_testing;

sub report {
    my ($model, $run) = @_;
    my $verdict = judge_ktap($run->output, $run->status);
    Attic::report($_, "$model: $_->{name}") for @{ $verdict->{tests} };
    my @problems = (@{ $verdict->{problems} },
        map { "$_->{name}: $_->{skip}" } grep { ($_->{skip} // '') =~ /^this processor/ && $_->{skip} !~ $LACKS{$model} } @{ $verdict->{tests} });
    ok !@problems, "$model: the run is whole" or diag join "\n", @problems, $run->describe;
}
