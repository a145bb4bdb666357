#!/usr/bin/perl
# The scripts around the kernel: what scripts/test makes of its pattern and of a failure, and that scripts/debug leaves nothing
# behind however it ends.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

# ---- scripts/test, in a folder with tests of our own ----

my $folder = tempdir('attic-tools-XXXXXX', TMPDIR => 1, CLEANUP => 1);
make_path("$folder/scripts", "$folder/tests/run/lib", "$folder/tests/mm", "$folder/other");
write_file('scripts/test', Attic::slurp(root_dir() . '/scripts/test'));
write_file('tests/run/good.t', "print qq(1..1\\nok 1\\n);\n");
write_file('tests/run/bad.t', "print qq(1..2\\nok 1\\nnot ok 2 - this one\\n); exit 1;\n");
write_file('tests/run/skips.t', "print qq(1..3\\nok 1\\nok 2 # skip 3.5G, lowmem=8M: suite.one: no card\\nok 3 # skip no card: none at all\\n);\n");
write_file('tests/run/none.t', "print qq(1..0 # skip no network\\n);\n");
write_file('other/dies.t', "print qq(1..1\\nok 1\\n); exit 3;\n");
write_file('other/killed.t', "\$| = 1; print qq(1..1\\nok 1\\n); kill 'KILL', \$\$;\n");
write_file('other/stops.t', "print qq(1..2\\nok 1\\n);\n");
write_file('tests/run/limits.t', "print qq(1..1\\nok 1\\n);\n");
write_file('tests/run/ktest-1.t', "print qq(1..1\\nok 1 - glob \$ENV{KTEST}\\n);\n");
write_file('tests/mm/some.c', "KTEST(suite, one)\n{\n}\n");

for my $pattern (qw(good good.t tests/run/good.t g??d limits)) {
    my ($said, $status) = scripts_test($pattern);
    is $status, 0, "T=$pattern: passes" or diag $said;
    like $said, qr/^1 passed, 0 failed\n\z/m, "T=$pattern: one file";
}
for my $pattern ('suite.one', 'suite.*', 's[tu]ite.?ne', '*.one') {
    my ($said, $status) = scripts_test($pattern);
    like $said, qr{tests/run/ktest-1\.t .* ok\b.*^1 passed, 0 failed\n\z}ms, "T=$pattern: in the kernel" or diag $said;
}
for my $pattern (qw(nosuch nosuch.t suite.two suite)) {
    my ($said, $status) = scripts_test($pattern);
    isnt $status, 0, "T=$pattern: fails";
    like $said, qr/\Atest: '\Q$pattern\E' is neither [^\n]*\n0 passed, 1 failed\n\z/, "T=$pattern: one line says why" or diag $said;
}
my ($skipped, $status) = scripts_test('[sn][ko]*');
like $skipped, qr/^not run:\n  no card \(skips: 1\)\n  no card: none at all \(skips: 1\)\n  no network \(none: 1\)\n1 passed, 0 failed\n\z/m,
    'what was not run is listed, and does not count' or diag $skipped;
($skipped, $status) = scripts_test('none');
is $status, 1, 'nothing run: fails' or diag $skipped;
for my $pattern ('bad', '') {
    my ($said, $status) = scripts_test($pattern);
    is $status, 1, "T=$pattern with a failure: fails";
    like $said, qr{^tests/run/bad\.t .*\n.*Failed test: +2\n}m, "T=$pattern with a failure: the summary names it" or diag $said;
    unlike $said, qr/uninitialized|Harness|Formatter/, "T=$pattern with a failure: no warning of Perl's" or diag $said;
    like $said, $pattern ? qr/^1 passed, 1 failed\n\z/m : qr/^5 passed, 1 failed\n\z/m, "T=$pattern with a failure: counts";
}

# Files without a failed point that are a failure all the same: moved in one after the other.
for my $file (qw(dies killed stops)) {
    rename "$folder/other/$file.t", "$folder/tests/run/$file.t" or die "$file.t: $!\n";
    my ($said, $status) = scripts_test($file);
    is $status, 1, "T=$file: fails";
    like $said, qr{^broken: tests/run/$file\.t: .*^1 passed, 1 failed\n\z}ms, "T=$file: counts, with the reason" or diag $said;
}

# ---- the window of `make run DISPLAY=`, with a QEMU that only says how it was called ----

for (
    [':0', '', ':0 none'], [undef, '', 'unset none'], ['gtk', '', 'gtk none'],    # the environment's is X's
    [':0', 'DISPLAY=gtk', ':0 gtk'], [undef, 'DISPLAY=gtk,zoom-to-fit=on', 'unset gtk,zoom-to-fit=on'], [':0', 'DISPLAY=vnc=:1', ':0 vnc=:1'],
    [':0', 'DISPLAY=:3', ':3 none'], [undef, 'DISPLAY=host.example:10.0', 'host.example:10.0 none'], [':0', 'DISPLAY=', ':0 none'],
) {
    my ($of_x, $variable, $expected) = @$_;
    my $said = make_run($of_x, $variable);
    my ($x, $display) = $said =~ /^DISPLAY=(\S*) .*-display (\S+)/m;
    is join(' ', map { $_ // '?' } $x, $display), $expected, 'X has ' . ($of_x // 'none') . ", make run $variable" or diag $said;
}
like make_run(':0', 'DISPLAY=curses'), qr/-display curses -serial vc .*-monitor vc/, 'curses has this terminal for the screen alone';
my $no_such = make_run(':0', 'DISPLAY=sdl');
like $no_such, qr/^scripts\/qemu: this QEMU has no display 'sdl', only: none gtk curses;/m, 'a window that QEMU does not have: one line says so'
    or diag $no_such;

sub make_run {
    my ($of_x, $variable) = @_;
    write_file('qemu', <<'END');
#!/bin/sh
case "$*" in
--version) echo 'QEMU emulator version 8.0.0' ;;
'-display help') printf 'Available display backend types:\nnone\ngtk\ncurses\n\nSome names are left out.\n' ;;
*) echo "DISPLAY=${DISPLAY-unset} $*" ;;
esac
END
    chmod 0755, "$folder/qemu";
    delete local $ENV{DISPLAY};
    local $ENV{DISPLAY} = $of_x if defined $of_x;
    local $ENV{QEMU} = "$folder/qemu";
    local $ENV{BUILD} = Attic::for_make(build_dir());
    my @command = ('make', '--no-print-directory', '-C', root_dir(), 'run', ($ENV{CC} ? "CC=$ENV{CC}" : ()), $variable || ());
    return Attic::with_make(sub {
        my $pid = open(my $from, '-|') // die "fork: $!\n";
        if (!$pid) {
            open STDIN, '<', '/dev/null';
            open STDERR, '>&', \*STDOUT;
            exec @command or POSIX::_exit(127);
        }
        local $/;
        return scalar <$from>;
    });
}

# ---- time-outs do not count what others have of the processor ----

# Four processes share one; each gets a quarter of it.
my ($processor) = Attic::slurp('/proc/self/status') =~ /^Cpus_allowed_list:\s*(\d+)/m;
SKIP: {
    skip 'the host does not tell how long a process waits for a processor', 2 if !-e '/proc/self/schedstat';
    my @others = map { busy(1000) } 1 .. 3;
    my (undef, $timed_out) = Attic::QEMU::wait_for(busy(1), 2);
    ok !$timed_out, 'one that needs a second of two is not ended';
    (undef, $timed_out) = Attic::QEMU::wait_for(busy(1000), 2);
    ok $timed_out, 'one that needs more is';
    kill 'KILL', @others;
    waitpid $_, 0 for @others;
}

# A process that uses so many seconds of the processor, and does not outlive this one.
sub busy {
    my ($seconds) = @_;
    my $pid = fork // die "fork: $!\n";
    exec qw(setpriv --pdeathsig KILL taskset -c), $processor, 'perl', '-e', "do { \@used = times } while \$used[0] + \$used[1] < $seconds" if !$pid;
    return $pid;
}

# ---- scripts/debug ----

for my $signal (qw(HUP TERM)) {
    my $port = 20000 + $$ % 20000;
    local $ENV{TMPDIR} = tempdir('attic-tools-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    pipe my $never, my $keep_open or die "pipe: $!\n";
    write_file('debug.log', '');
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        POSIX::setsid();
        open STDIN, '<&', $never;
        open STDOUT, '>', "$folder/debug.log";
        open STDERR, '>&', \*STDOUT;
        close $keep_open;
        exec root_dir() . '/scripts/debug', build_dir() . '/debug', $port or POSIX::_exit(127);
    }
    ok wait_until(sub { Attic::slurp("$folder/debug.log") =~ /_start \(\) at/ }), "SIG$signal: gdb stands at _start"
        or diag Attic::slurp("$folder/debug.log");
    ok scalar(processes($port)), "SIG$signal: QEMU runs";
    kill $signal, $pid;
    ok wait_until(sub { waitpid($pid, POSIX::WNOHANG) == $pid }), "SIG$signal: scripts/debug ends" or kill 'KILL', $pid;
    ok wait_until(sub { !processes($port) }), "SIG$signal: no QEMU is left" or diag join "\n", processes($port);
    is join(' ', glob "$ENV{TMPDIR}/attic-*"), '', "SIG$signal: no folder is left";
}

sub write_file {
    my ($name, $text) = @_;
    open my $out, '>', "$folder/$name" or die "$folder/$name: $!\n";
    print $out $text;
    close $out;
}

sub scripts_test {
    my ($pattern) = @_;
    local @ENV{qw(KTEST HARNESS_ACTIVE HARNESS_VERSION)};
    my $said = qx(perl '$folder/scripts/test' '$pattern' 2>&1 < /dev/null);
    return ($said, $? >> 8);
}

# Command lines that have the port in them: QEMU and gdb.
sub processes {
    my ($port) = @_;
    my @found;
    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $in, '<', $file or next;
        my $line = <$in> // next;
        push @found, $line =~ tr/\0/ /r if $line =~ /:$port\b/;
    }
    return @found;
}

# Wait until it holds; the limit is only there for what never does.
sub wait_until {
    my ($condition) = @_;
    my $until = time + 180;
    while (!$condition->()) {
        return 0 if time > $until;
        sleep 0.1;
    }
    return 1;
}

# ---- what the kernel's sources must not have --------------------------------------------------------------------------------

# A structure that is copied out as it lies on the stack has gaps with what was there before: copy_object_to_user() clears them.
{
    my @raw;
    for my $file (map { glob "'" . root_dir() . "/$_/'*.c" } qw(kernel fs drivers mm)) {
        open my $in, '<', $file or die "$file: $!\n";
        my $text = do { local $/; <$in> };
        push @raw, "$file: $&" while $text =~ /\bcopy_to_user\([^;{]*?&[^,;{]+,\s*sizeof\((?!struct old_utsname)[^;{]*/g;
    }
    is "@raw", '', 'structures go to programs by copy_object_to_user() alone';
}

done_testing;
