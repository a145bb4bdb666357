#!/usr/bin/perl
# Steps by chance from ring 3 (user/tests/helpers/fuzz.c), from a seed that is another each time, on small and ordinary machines, with most of RAM as
# highmem, and in a kernel whose slabs notice misuse. What is not the same afterwards fails. FUZZ_SEED=n repeats a run; the seed on the
# last line of a log that ends early repeats a round: `run fuzz SEED 1`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(checked_build own_initramfs);
use Test::More;

use constant {
    ROUNDS  => 100,
    SECONDS => 120,
    KEPT    => 256,    # kB that caches may keep; fuzz.a_few_seeds compares without them
};

my $seed = $ENV{FUZZ_SEED} // int rand 1e9;
my $repeat = "FUZZ_SEED=$seed";
diag $repeat;

my ($checks, $said) = checked_build();
-s "$checks/attic.elf" or diag($said), die('make DEBUG=1');

sub free_kb {
    my ($vm) = @_;
    return ($vm->command('meminfo') // '') =~ /^MemFree: +(\d+) kB/m ? $1 : -1;
}

my @machines = (
    ['8M',     mem => '8M'],
    ['128M',   mem => '128M'],
    ['lowmem', mem => '128M', cmdline => 'lowmem=8M'],
    ['qemu32', mem => '64M', cpu => 'qemu32'],
    ['debug',  mem => '64M', build => $checks],
);

# Rounds from a seed on. On failure: what repeats them, and what is known of their end.
sub rounds_pass {
    my ($vm, $first, $count, $name) = @_;
    my $said = $vm->command("run fuzz $first $count say", SECONDS);
    my $last = (($said // $vm->output) =~ /^fuzz: seed (\d+)$/mg)[-1] // 'none';
    like $said // '', qr/^fuzz\[\d+\]: exit status 0,/m, $name
        or diag sprintf("%s; `run fuzz %u %u`: the last round is %s, %s\n", $repeat, $first, $count, $last,
            defined $said ? 'and it has ended' : "and no prompt came in @{[ SECONDS ]} s"), $vm->describe;
}

for (@machines) {
    my ($name, %machine) = @$_;
    my $vm = Attic->boot(name => "fuzz-$name", timeout => 2 * SECONDS, initramfs => own_initramfs(), %machine);
    $vm->expect(Attic::PROMPT, 20) or die('no prompt');
    rounds_pass($vm, $seed, 5, "$name, seeds from $seed: before the count"); # after which caches hold what they keep
    my $before = free_kb($vm);
    my $first = $seed + 5;
    rounds_pass($vm, $first, ROUNDS, "$name, seeds from $first: the kernel outlives them");
    cmp_ok free_kb($vm), '>=', $before - KEPT, "$name: its memory is free";
    like $vm->command('audit') // '', qr/all invariants hold/, "$name: the audit finds nothing";
    $vm->command('poweroff');
    $seed += ROUNDS;
}
done_testing;
