#!/usr/bin/perl
# The test programs of user/ on this machine's Linux, the very binaries that run on Attic: what they expect is Linux's behaviour,
# and not our opinion of it. Every program whose head says that it passes on Linux is run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp);
use Test::More;

use constant SECONDS => 120;

# Arguments, for those that do not do without.
my %ARGUMENTS = (start_test => ['one', 'two']);

my ($build, $root) = (build_dir(), root_dir());

# The wait status of a program, its output in $output.
my $output;
sub run {
    my @command = @_;
    my $pid = open my $from, '-|';
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec 'timeout', '-k', '5', SECONDS, @command or exit 127;
    }
    $output = do { local $/; <$from> } // '';
    close $from;
    return $?;
}

plan skip_all => 'this machine cannot run i386 programs' if run("$build/user/hello") != 0;

my @programs = grep { slurp("$root/user/$_.c") =~ s{\n \*}{}gr =~ /passes? on Linux/ } map { m{([^/]+)\.c$} } sort glob "$root/user/*.c";
cmp_ok scalar @programs, '>', 5, 'there are programs that say they pass on Linux';
for my $program (@programs) {
    is run("$build/user/$program", @{ $ARGUMENTS{$program} // [] }), 0, "$program passes on Linux" or diag $output;
}
done_testing;
