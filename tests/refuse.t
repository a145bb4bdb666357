#!/usr/bin/perl
# A machine or loader that cannot run Attic gets one clear line on the serial port and on the screen, and a status of its own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir);
use Test::More;

# The kernel ends QEMU by isa-debug-exit, and the screen is gone with it. Without that device it stops, and the screen can be
# read from outside; so each case is started twice.
sub refused {
    my ($label, $line, %o) = @_;
    my $vm = Attic->run(name => "refuse-$label", timeout => 30, %o);
    is $vm->status, 'refuse', "$label: status" or diag $vm->describe;
    my @lines = grep { /Attic cannot/ } split /\n/, $vm->output;
    is scalar @lines, 1, "$label: one line on the serial port" or diag $vm->describe;
    like $lines[0] // '', $line, "$label: it says why";
    unlike $vm->output, qr/^attic> /m, "$label: no prompt";

    my $halted = Attic->boot(name => "refuse-$label-screen", timeout => 30, hmp => 1, no_exit => 1, %o);
    $halted->expect($line, 20);
    ok $halted->wait_until(sub { $halted->screen =~ $line }), "$label: the same on the screen" or diag $halted->screen;
    $halted->kill_now;
}

refused('no-pse', qr/Attic cannot .*PSE/, cpu => 'qemu32,-pse');
refused('no-pge', qr/Attic cannot .*PGE/, cpu => 'qemu32,-pge');
refused('7M', qr/Attic cannot .*8 MiB/, mem => '7M');
refused('long-cmdline', qr/Attic cannot .*command line is too long/, cmdline => 'x' x 2000);

# No boot loader at hand gets this far without multiboot2, so gdb plays one: it changes the magic number in EAX at the first
# instruction to that of multiboot version 1.
for my $exit (1, 0) {
    my $vm = Attic->boot(name => "refuse-loader-$exit", timeout => 60, hmp => 1, stopped => 1, gdb_socket => 1, no_exit => !$exit);
    my $said = $vm->gdb(build_dir() . '/attic.debug', 'thbreak *_start', 'continue', 'set $eax = 0x2badb002', 'detach');
    if ($exit) {
        is $vm->finish, 'refuse', 'loader: status' or diag $said, $vm->describe;
        my @lines = grep { /Attic cannot/ } split /\n/, $vm->output;
        is scalar @lines, 1, 'loader: one line on the serial port';
        like $lines[0] // '', qr/multiboot2/, 'loader: it says why';
    } else {
        $vm->expect(qr/multiboot2[^\n]*\n/, 20);
        ok $vm->wait_until(sub { $vm->screen =~ qr/Attic cannot .*\n?.*multiboot2/ }), 'loader: the same on the screen' or diag $vm->screen;
        $vm->kill_now;
    }
}

done_testing;
