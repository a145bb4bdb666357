#!/usr/bin/perl
# Processes by the thousand, from the prompt: ten thousand cycles of fork, exec and exit, and a fork bomb, after which all memory is there
# again and programs run as before. And Linux's rules for who may make how many.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(own_initramfs);
use Test::More;

use constant {
    CYCLES  => 10_000,
    SECONDS => 300,    # for them, on a busy machine
    KEPT    => 1024,   # kB that caches may keep after a fork bomb
};

my $vm = Attic->boot(name => 'processes', mem => '64M', timeout => 900, silence => SECONDS, initramfs => own_initramfs());
$vm->expect(Attic::PROMPT, 20) or die('no prompt');

sub free_kb {
    return $vm->command('meminfo') =~ /^MemFree: +(\d+) kB/m ? $1 : -1;
}

sub programs_left {
    return scalar grep { !/ (?:idle|init)$/ } $vm->command('ps') =~ /^ *\d+ .*/mg;
}

like $vm->command('run cycles 100'), qr/exit status 0,/, 'some cycles, after which caches hold what they keep';
my $before = free_kb();
cmp_ok $before, '>', 0, 'meminfo tells the free memory';
like $vm->command('run cycles ' . CYCLES, SECONDS), qr/exit status 0,/, CYCLES . ' cycles of fork, exec and exit';
is free_kb(), $before, 'and not a page is missing';
is programs_left(), 0, 'nor is a process left';

like $vm->command('run fork_bomb', SECONDS), qr/killed by signal 9/, 'a fork bomb, and its end';
# The first one is gone; the others need a turn each to end.
ok $vm->wait_until(sub { programs_left() == 0 }), 'no process is left of it' or diag $vm->describe;
cmp_ok free_kb(), '>', $before - KEPT, 'its memory is free';
like $vm->command('run cycles 100'), qr/exit status 0,/, 'programs run as before';
is $vm->command('audit') =~ /all invariants hold/, 1, 'the audit finds nothing';

$vm->command('poweroff');
done_testing;
