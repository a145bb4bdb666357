#!/usr/bin/perl
# Where the console is: the first serial port that the machine has, and the screen with the keyboard. Machines without the first port,
# without any, without a keyboard; what is typed on the keyboard, and what the screen shows of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic;
use Test::More;

# ---- no serial port ----

my @NO_SERIAL = (serial => 'none', hmp => 1, timeout => 600, silence => 600);

for my $machine ('pc', 'q35', 'isapc') {
    my $vm = Attic->boot(name => "console-screen-$machine", machine => $machine, @NO_SERIAL);
    shows($vm, qr/^There is no serial port: the console is the screen and the keyboard\.$/m, "$machine: it says where the console is");
    shows($vm, qr/^attic>\n/m, "$machine: the prompt");
    at_prompt($vm, 0, "$machine: with the cursor behind it");
    $vm->type("audit\n");
    shows($vm, qr/^attic> audit\naudit: all invariants hold\nattic>\n/m, "$machine: a command that is typed is run");
    test_keys($vm) if $machine eq 'pc';
    $vm->type("poweroff\n");
    is $vm->finish, 'pass', "$machine: power off" or diag $vm->describe;
}

sub shows {
    my ($vm, $pattern, $label) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($vm->wait_until(sub { $vm->screen =~ $pattern }), $label) || diag $vm->screen;
}

# The cursor is in the last row that is not empty, so many characters behind the prompt.
sub at_prompt {
    my ($vm, $behind, $label) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $rows = sub { $vm->screen =~ s/\n+\z//r =~ tr/\n// };
    return ok($vm->wait_until(sub { join(' ', $vm->screen_cursor) eq $rows->() . ' ' . (7 + $behind) }), $label)
        || diag join(' ', $vm->screen_cursor), "\n", $vm->screen;
}

sub test_keys {
    my ($vm) = @_;
    $vm->type(q(abcdefghijklmnopqrstuvwxyz`1234567890-=[]\\;',./));
    shows($vm, qr(^attic> abcdefghijklmnopqrstuvwxyz`1234567890-=\[\]\\;',\./\n)m, 'all plain characters');
    $vm->press('ctrl-u');
    shows($vm, qr/^attic>\n\n/m, 'Ctrl-U erases them');
    $vm->type(q(ABCDEFGHIJKLMNOPQRSTUVWXYZ~!@#$%^&*()_+{}|:"<>?));
    shows($vm, qr(^attic> \QABCDEFGHIJKLMNOPQRSTUVWXYZ~!@#\E\$\Q%^&*()_+{}|:"<>?\E\n)m, 'all with Shift');
    $vm->press('ctrl-c');
    shows($vm, qr/\?\^C\nattic>\n/, 'Ctrl-C drops the line');
    $vm->press('caps_lock', 'a', 'shift-b', '1', 'shift-1', 'caps_lock', 'c');
    shows($vm, qr/^attic> Ab1!c\n/m, 'Caps Lock is for letters');
    $vm->press(('backspace') x 5);
    $vm->type('adit');
    $vm->press('left', 'left', 'left', 'u', 'end', 'x', 'backspace', 'home', 'y', 'home', 'delete');
    shows($vm, qr/^attic> audit\n/m, 'Left, End, Backspace, Home, Delete: a line is edited');
    at_prompt($vm, 0, 'and the cursor is at its start');
    $vm->press('f1', 'f5', 'f12', 'insert', 'pgup', 'num_lock', 'kp_7', 'kp_5', 'num_lock', 'kp_7', 'right', 'up', 'down', 'kp_1');
    shows($vm, qr/^attic> 75audit\n/m, 'function keys type nothing; the keypad numbers with Num Lock only');
    $vm->press('home', 'delete', 'delete', 'kp_enter');
    shows($vm, qr/^attic> audit\naudit: all invariants hold\nattic>\n/m, 'Enter of the keypad');
    $vm->press('up');
    shows($vm, qr/^attic> audit\n\n/m, 'Up: the line before');
    $vm->press('ctrl-u');
    $vm->type("mem\t");
    shows($vm, qr/^attic> meminfo\n/m, 'Tab completes');
    $vm->press('ctrl-u');
    test_long_line($vm);
    test_program($vm);
    test_scrolling($vm);
    test_map($vm);
}

# Backspaces lead back from a row to the one before it.
sub test_long_line {
    my ($vm) = @_;
    my $line = join '', map { chr(ord('a') + $_ % 26) } 0 .. 79;
    $vm->type($line);
    shows($vm, qr/^attic> \Q@{[substr $line, 0, 73]}\E\n\Q@{[substr $line, 73]}\E\n/m, 'a line of more than one row');
    $vm->press(('backspace') x 9);
    shows($vm, qr/^attic> \Q@{[substr $line, 0, 71]}\E\n\n/m, 'is erased across the edge');
    $vm->type(substr $line, 71);
    $vm->press('home', 'shift-x', 'end', 'shift-y');
    shows($vm, qr/^attic> \QX@{[substr $line, 0, 72]}\E\n\Q@{[substr $line, 72]}Y\E\n/m, 'and edited from its start');
    $vm->press('ctrl-u');
    shows($vm, qr/^attic>\n\n/m, 'and erased whole');
}

sub test_program {
    my ($vm) = @_;
    $vm->type("run tty_read\n");
    shows($vm, qr/^ready\n/m, 'a program reads');
    $vm->type("one\n");
    shows($vm, qr/^one\nread 4: one\$\n/m, 'what is typed');
    $vm->type('abx');
    $vm->press('backspace', 'c', 'ret');
    shows($vm, qr/^abc\nread 4: abc\$\n/m, 'with Backspace');
    $vm->press('ctrl-d');
    shows($vm, qr/^end: 0\n(?s:.*)^attic>\n/m, 'Ctrl-D is the end of the file');
    $vm->type("run tty_read\n");
    shows($vm, qr/^ready\n\n/m, 'another program');
    $vm->press('ctrl-c');
    shows($vm, qr/^\^C\ntty_read\[\d+\]: killed by signal \d+ \(SIGINT\)\n(?s:.*)^attic>\n/m, 'Ctrl-C ends it');
}

sub test_scrolling {
    my ($vm) = @_;
    $vm->type("help\n") for 1 .. 12; # more than the rows of the window
    shows($vm, qr/^attic>\n\z/m, 'at the bottom of the screen');
    $vm->type('audit');
    at_prompt($vm, 5, 'the cursor is in its last row');
    $vm->press('ctrl-u');
}

# `map -w` draws at the top of the screen, again and again, until a key is pressed.
sub test_map {
    my ($vm) = @_;
    $vm->type("map -w\n");
    shows($vm, qr/\ARAM: .*\n0x/, 'map -w begins in the first row');
    unlike $vm->screen, qr/\e|\[\d*[HJKm]/, 'and its sequences are not shown';
    my $colours = $vm->physical(0xb8000 + 2 * $vm->crtc_address(0x0c), 4000);
    cmp_ok scalar(keys %{ { map { $_ => 1 } unpack '(xC)*', $colours } }), '>', 3, 'it has colours';
    $vm->press('x');
    shows($vm, qr/^attic>\n/m, 'a key ends it');
}

# ---- the second serial port alone ----

{
    my $vm = Attic->boot(name => 'console-com2', serial => 'none', hmp => 1, extra => ['-serial', 'stdio']);
    ok defined $vm->expect(Attic::PROMPT), 'the second port alone: the prompt' or diag $vm->describe;
    like $vm->output, qr/^There is no first serial port: the console is on the second\.$/m, 'it says so';
    like $vm->command('audit'), qr/all invariants hold/, 'it answers';
    like $vm->command('snapshot one'), qr/no second serial port/, 'nothing is left for snapshots';
    $vm->send("help\n" x 400);
    ok $vm->wait_until(sub { 400 == (() = $vm->output =~ /^poweroff +end the machine$/mg) }), 'more input than the queue holds arrives whole'
        or diag $vm->describe;
    ok defined $vm->expect(qr/.*^attic> \z/ms), 'and the prompt';
    $vm->press('a');
    ok defined $vm->expect(qr/\Aa/), 'and a key' or diag $vm->describe;
    $vm->press('backspace');
    $vm->type("audit\n");
    ok defined $vm->expect(qr/audit\naudit: all invariants hold\n/), 'and so does the keyboard' or diag $vm->describe;
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', 'power off';
}

# ---- both ----

{
    my $vm = Attic->boot(name => 'console-both', hmp => 1);
    ok defined $vm->expect(Attic::PROMPT), 'serial port and keyboard: the prompt' or diag $vm->describe;
    unlike $vm->output, qr/There is no .*serial port/, 'nothing is missing';
    $vm->send('au');
    ok defined $vm->expect(qr/au/), 'half a command from the serial port';
    $vm->type("dit\n");
    ok defined $vm->expect(qr/dit\naudit: all invariants hold\n/), 'and half from the keyboard' or diag $vm->describe;
    shows($vm, qr/^attic> audit\naudit: all invariants hold\nattic>\n/m, 'both show it');
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', 'power off';
}

# ---- no keyboard ----

{
    my $vm = Attic->boot(name => 'console-no-keyboard', machine => 'pc,i8042=off', input => "audit\npoweroff\n");
    is $vm->finish, 'pass', 'no keyboard: it runs' or diag $vm->describe;
    like $vm->output, qr/all invariants hold/, 'and answers at the serial port';

    $vm = Attic->boot(name => 'console-none', machine => 'pc,i8042=off', @NO_SERIAL);
    shows($vm, qr/^There is no serial port and no keyboard: nothing can be typed\.$/m, 'nor a serial port: it says so');
    shows($vm, qr/^attic>\n/m, 'and comes to the prompt');
    $vm->kill_now;
}

done_testing;
