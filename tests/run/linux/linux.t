#!/usr/bin/perl
# The test programs of user/ on Linux, the very binaries that run on Attic: what they expect is Linux's behaviour, and not our
# opinion of it. Every program whose head says that it passes on Linux is run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir can_be_had root_dir slurp);
use Linux qw(programs_on_linux);
use Test::More;

# The exit status of a program that cannot test what it is for on this processor; what it prints is why.
use constant NOTHING_TO_TEST => 77;

# Arguments, for those that do not do without.
my %ARGUMENTS = (start_test => ['one', 'two']);

my ($build, $root) = (build_dir(), root_dir());
my @programs = map { m{([^/]+)\.c$} } grep { slurp($_) =~ s{\n \*}{}gr =~ /passes? on Linux/ } sort glob "'$root/user/'{,tests/,tests/helpers/}*.c";
cmp_ok scalar @programs, '>', 5, 'there are programs that say they pass on Linux';
my ($linux, $why) = programs_on_linux('linux', without_arguments => ["$build/user/start_test"],
    map { $_ => ["$build/user/$_", @{ $ARGUMENTS{$_} // [] }] } @programs);
can_be_had('Linux', $linux, $why) or done_testing, exit;
for my $program (@programs) {
    my $result = $linux->{$program};
  SKIP: {
        skip "$program: $result->{output}", 1 if $result->{status} == NOTHING_TO_TEST;
        is $result->{status}, 0, "$program passes on Linux" or diag $result->{output} // 'Linux did not end it';
    }
}
cmp_ok $linux->{without_arguments}{status} // 0, '>', 0, 'and one that does not pass is seen to fail';
done_testing;
