#!/usr/bin/perl
# The terminal, typed at: line editing, end of file, signals, raw modes, flow control and typing ahead, with a program of Attic's
# own; then job control with an unmodified ash, where busybox is there (tests/run/linux/busybox.t fetches it).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(can_be_had fetched make_initramfs symbols);
use Test::More;
use Time::HiRes qw(time);

my $vm = Attic->boot(name => 'tty');
ok defined $vm->expect(Attic::PROMPT), 'the prompt' or die $vm->describe;

# Type, and wait for what must come.
sub typed {
    my ($keys, $answer, $label, $seconds) = @_;
    $vm->send($keys);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(defined $vm->expect($answer, $seconds // 10), $label) || diag $vm->describe;
}

# ---- lines ----

typed("run tty_read\n", qr/^ready\n/m, 'a program reads');
typed("hello\n", qr/\Ahello\nread 6: hello\$\n/, 'a line, with its echo');
typed("abx\x7fc\n", qr/\Aabx\x08 \x08c\nread 4: abc\$\n/, 'an erased character');
typed("wrong\x15right\n", qr/^read 6: right\$\n/m, 'an erased line');
typed("one two\x17three\n", qr/^read 10: one three\$\n/m, 'an erased word');
typed("\x16\x03\n", qr/\A\^\x08\^C\nread 2: \?\$\n/, 'Ctrl-V takes Ctrl-C for a character');
typed("first\nsecond\n", qr/^read 6: first\$\nsecond\nread 7: second\$\n/m, 'two lines at once: one for each read, echoed when it is read');
typed("half\x04", qr/\Ahalfread 4: half\n/, 'Ctrl-D ends a line that has begun');
typed("\x04", qr/^end: 0\n.*exit status 0/m, 'and else the file');
$vm->expect(Attic::PROMPT, 10);

# ---- signals ----

for ([ "\x03", '^C', 'SIGINT' ], [ "\x1c", '^\\', 'SIGQUIT' ]) {
    my ($key, $shown, $signal) = @$_;
    typed("run tty_read\n", qr/^ready\n/m, "a program reads, for $signal");
    typed("dropped$key", qr/\Q$shown\E\ntty_read\[\d+\]: killed by signal \d+ \($signal\)\n/, "$shown ends it");
    ok defined $vm->expect(Attic::PROMPT, 10), 'the prompt is back';
    is $vm->command(''), '', 'and what was typed is dropped';
}
typed("run tty_read\n", qr/^ready\n/m, 'a program reads');
typed("\x1ago on\n", qr/^read 6: go on\$\n/m, 'Ctrl-Z: nobody could let it go on, so it is not stopped');
typed("\x03", qr/killed by/, 'Ctrl-C');
$vm->expect(Attic::PROMPT, 10);
typed("run tty_read noflush\n", qr/^ready\n/m, 'NOFLSH');
$vm->send("audit\n\x1c");
ok defined $vm->expect(Attic::PROMPT, 10), 'a signal ends the program, and what was typed before it stays' or diag $vm->describe;
$vm->send("\n");
ok defined $vm->expect(Attic::PROMPT, 10);

# ---- typing ahead ----

$vm->send("run tty_read\nq one\naudit\n");
ok defined $vm->expect(qr/^read 6: q one\$\n.*^attic> audit\naudit: all/ms, 10), 'what a program does not read is for the monitor'
    or diag $vm->describe;
$vm->expect(Attic::PROMPT, 10);

# ---- Ctrl-S, Ctrl-Q ----

typed("run tty_read\n", qr/^ready\n/m, 'a program reads');
$vm->send("\x13held\n");
ok !defined $vm->expect(qr/^read/m, 1), 'Ctrl-S holds its output back';
typed("\x11", qr/^read 5: held\$\n/m, 'Ctrl-Q lets it go on');
typed("\x04", qr/end: 0/, 'end');
$vm->expect(Attic::PROMPT, 10);

# ---- raw modes ----

typed("run tty_read raw 1 0\n", qr/^ready\n/m, 'raw');
typed("x", qr/\Aread 1: x\n/, 'a byte, without echo');
typed("\x7f\x04\x15", qr/(?:read [123]: .*\n)+/, 'keys are bytes');
typed("\r", qr/read \d: .*\$\n/, 'a return is a newline still');
typed("q", qr/exit status 0/, 'end');
$vm->expect(Attic::PROMPT, 10);
typed("run tty_read\n", qr/^ready\n/m, 'the next program finds the usual settings');
typed("ab\x7f\n", qr/\Aab\x08 \x08\nread 2: a\$\n/, 'with lines and echo');
typed("\x04", qr/end: 0/, 'end');
$vm->expect(Attic::PROMPT, 10);

typed("run tty_read raw 3 0\n", qr/^ready\n/m, 'VMIN 3');
$vm->send('ab');
ok !defined $vm->expect(qr/read/, 0.7), 'two bytes are not enough';
typed('c', qr/\Aread 3: abc\n/, 'three are');
typed('qrs', qr/exit status 0/, 'end');
$vm->expect(Attic::PROMPT, 10);

typed("run tty_read raw 3 5\n", qr/^ready\n/m, 'VMIN 3, VTIME 5');
ok !defined $vm->expect(qr/read|end/, 1), 'the first byte is waited for';
typed('ab', qr/\Aread 2: ab\n/, 'half a second without another one is the end');
typed("\x03", qr/killed/, 'end');
$vm->expect(Attic::PROMPT, 10);

my $start = time;
typed("run tty_read raw 0 10\n", qr/^ready\n/m, 'VMIN 0, VTIME 10');
ok defined $vm->expect(qr/end: 0/, 5), 'nothing within a second is the end of the file';
cmp_ok time - $start, '>', 0.9, 'and not before';
$vm->expect(Attic::PROMPT, 10);

# ---- a program in the background, kernel messages ----

like $vm->command('run tty_read &'), qr/in the background/, 'a program in the background';
like $vm->command('') . $vm->command(''), qr/end: -5\n/, 'it cannot read: EIO';
like $vm->command('audit'), qr/all/, 'audit';

# ---- ash ----

my ($busybox, $why) = fetched('busybox', 'busybox/busybox');
if (can_be_had('busybox', $busybox, $why)) {
    $vm->kill_now;
    my ($initramfs) = make_initramfs(name => 'tty-ash', busybox => $busybox);
    $vm = Attic->boot(name => 'tty-ash', cmdline => 'init=/bin/sh', initramfs => $initramfs);
    my $prompt = qr/^[~\/] # (?:\e\[6n)?\z/m; # busybox 1.37 writes HOME as ~; it asks the terminal where the cursor is
    ok defined $vm->expect($prompt, 20), "ash's prompt" or die $vm->describe;
    unlike $vm->output, qr/job control turned off/, 'with job control';
    typed("echo one; echo two\n", qr/^one\ntwo\n.*$prompt/ms, 'a command');
    typed("ecko\x08\x08ho three\n", qr/^three\n.*$prompt/ms, 'edited by ash itself, in raw mode');
    # It says when it has begun, and when it goes on: by then it has the terminal.
    my $program = q(sh -c 'trap "echo awake" CONT; echo begun; while sleep 1; do :; done');
    typed("$program\n", qr/^begun\n/m, 'a program in the foreground');
    typed("\x03", qr/\^C.*$prompt/s, 'Ctrl-C ends it, and not ash');
    typed("$program\n", qr/^begun\n/m, 'another');
    typed("\x1a", qr/\^Z.*Stopped +sh -c .*\n.*$prompt/s, 'Ctrl-Z stops it');
    typed("bg\n", qr/awake\n/, 'bg');
    typed("fg\n", qr/awake\n/, 'fg');
    typed("\x03", qr/\^C.*$prompt/s, 'Ctrl-C');
    typed("cat\n", qr/cat\n/, 'cat reads lines');
    typed("abX\x7fc\n", qr/^abc\n/m, 'edited by the terminal');
    typed("\x04", $prompt, 'until Ctrl-D');
    typed("cat &\n", $prompt, 'cat in the background');
    ok $vm->wait_until(sub {
        $vm->send("jobs\n");
        return ($vm->expect(qr/.*$prompt/s, 10) // '') =~ /Stopped \(tty input\) +cat\n/;
    }), 'is stopped by SIGTTIN' or diag $vm->describe;
    typed("fg\n", qr/^cat\n/m, 'fg');
    typed("now\n", qr/^now\nnow\n/m, 'and then it reads');
    typed("\x04", $prompt, 'until Ctrl-D');
    typed("stty tostop; echo behind & wait; jobs; stty -tostop\n", qr/Stopped \(tty output\).*$prompt/s, 'stty tostop: SIGTTOU');
    typed("fg\n", qr/^behind\n.*$prompt/ms, 'fg');
    typed("yes\n", qr/(?:^y\n){1000}/m, 'a program that never stops writing');
    typed("\x03", qr/\^C.*$prompt/s, 'is ended by Ctrl-C');
    typed("head -c 300000 /dev/zero | tr '\\0' x\n", qr/x{5000}/, 'nor does one that writes no lines');
    typed("\x03", qr/\^C.*$prompt/s, 'keep Ctrl-C away');
    typed("stty -echo; echo now; read x; stty echo; echo \"<\$x>\"\n", qr/^now\n/m, 'a password');
    typed("secret\n", qr/\A(?!.*secret\n<)(?s:.*)^<secret>\n.*$prompt/ms, 'is not echoed');
    typed("exit\n", Attic::PROMPT, 'exit: the monitor');
    like $vm->command('audit'), qr/all/, 'audit';
}
$vm->send("poweroff\n");
is $vm->finish, 'pass', 'power off';

# ---- a port that is slow ----

# Nobody takes what the machine says, and the port is busy for ever, as a real one is for the time of a character. The machine waits with
# interrupts on: its clock goes on.
{
    my $slow = Attic->boot(name => 'tty-slow', hmp => 1, silence => 60);
    ok defined $slow->expect(Attic::PROMPT), 'a slow port: the prompt' or diag $slow->describe;
    pipe my $nothing, my $never or die "pipe: $!\n";
    {
        local $slow->{out} = $nothing;
        $slow->send("help\n" x 100 . "poweroff\n");
        ok $slow->wait_until(sub { is_busy($slow) }), 'nobody reads: the port is busy';
        my $before = ticks($slow);
        ok $slow->wait_until(sub { ticks($slow) > $before + 20 }), 'nobody reads: the clock goes on';
        ok is_busy($slow), 'nobody reads: and the port is busy still';
    }
    is $slow->finish, 'pass', 'and somebody reads: all is said' or diag $slow->describe;
    is scalar(() = $slow->output =~ /^poweroff +end the machine$/mg), 100, 'and nothing is lost';
}

done_testing;

sub is_busy {
    my ($machine) = @_;
    my ($status) = $machine->hmp('i /b 0x3fd') =~ /= 0x([0-9a-f]+)/;
    return !(hex($status // 'ff') & 0x20);
}

sub ticks {
    my ($machine) = @_;
    return unpack 'V', $machine->physical(symbols()->{jiffies} - 0xc0000000, 4);
}

