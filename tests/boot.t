#!/usr/bin/perl
# Every size of memory that Attic promises to boot on reaches the prompt, believes what it was given, and powers off. So does a machine
# whose loader has left other things in its registers than GRUB does on a PC: multiboot2 promises only PE and PG of CR0.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir);
use Test::More;

for my $mem (qw(8M 16M 64M 128M 512M 1G 2G 3584M 4G)) {
    my $vm = Attic->boot(name => "boot-$mem", mem => $mem, input => "audit\npoweroff\n");
    ok defined $vm->expect(Attic::PROMPT, 60), "$mem: the prompt" or diag $vm->describe;
    is $vm->finish, 'pass', "$mem: powers off" or diag $vm->describe;
    like $vm->output, qr/^attic> audit\n[^\n]*all\b[^\n]*hold/mi, "$mem: the audit finds nothing" or diag $vm->describe;
}

# The options that bend the map: each boots, and none of them breaks an invariant.
for my $cmdline ('mem=16M', 'lowmem=32M', 'lowmem=33333333', 'vmalloc=512M', 'vmalloc=8M', 'mem=3M', 'lowmem=x', 'vmalloc=99999999999G', 'init=',
    'nonsense ==', 'x' x 400)
{
    my $label = length $cmdline > 40 ? substr($cmdline, 0, 10) . '...' : $cmdline;
    my $vm = Attic->run(name => "boot-$label", cmdline => $cmdline, input => "audit\npoweroff\n");
    is $vm->status, 'pass', "$label: boots and powers off" or diag $vm->describe;
    like $vm->output, qr/^attic> audit\n[^\n]*all\b[^\n]*hold/mi, "$label: the audit finds nothing" or diag $vm->describe;
}

# The least lowmem that a line names is accepted when it is asked for.
my $least;
for my $lowmem ('1K', 'least') {
    my $size = $lowmem eq 'least' ? "${least}K" : $lowmem;
    my $vm = Attic->run(name => "boot-lowmem-$lowmem", mem => '4G', cmdline => "lowmem=$size", input => "meminfo\nframes\npoweroff\n");
    is $vm->status, 'pass', "4G, lowmem=$lowmem: boots and powers off" or diag $vm->describe;
    if ($lowmem eq 'least') {
        unlike $vm->output, qr/is not between/, "lowmem=$size: taken" or diag $vm->describe;
        my ($total) = $vm->output =~ /^MemTotal: +(\d+) kB$/m;
        my ($sum)   = $vm->output =~ /^ *sum\D+(\d+)/m;
        is $total, 4 * ($sum // 0), 'and meminfo still counts all of RAM' if defined $sum;
    } else {
        ($least) = $vm->output =~ /^lowmem=1K is not between (\d+) and/m or die('no line about lowmem=1K');
    }
}

my $small = Attic->run(name => 'boot-lowmem-8M', mem => '8M', cmdline => 'lowmem=8M', input => "poweroff\n");
like $small->output, qr/^lowmem=8M: this machine has too little RAM/m, '8M has nothing to leave out' or diag $small->describe;

# On a machine with much RAM, 8 MiB do not hold the struct pages: lowmem is then as small as it can be.
for my $mem (qw(2G 4G)) {
    my $vm = Attic->run(name => "boot-$mem-lowmem", mem => $mem, cmdline => 'lowmem=8M', input => "audit\nmeminfo\npoweroff\n");
    my ($kib) = $vm->output =~ /^lowmem=8M is too little .* of RAM: using (\d+) KiB\.$/m or diag $vm->describe;
    cmp_ok $kib // 1 << 30, '<', 32 << 10, "$mem, lowmem=8M: says what is used instead";
    my ($low) = $vm->output =~ /^LowTotal: +(\d+) kB$/m;
    cmp_ok $low // 1 << 30, '<=', $kib // 0, "$mem, lowmem=8M: and uses it";
    like $vm->output, qr/^attic> audit\n[^\n]*all\b[^\n]*hold/mi, "$mem, lowmem=8M: the audit finds nothing";
}

# gdb plays the loader at the first instruction. CR0.CD, NW, AM, NE, TS, EM and MP, and CR4.VME to OSXMMEXCPT without PSE: what
# firmware may have set, each on its own and all at once; EFER.LME is what 64-bit firmware runs with, and PAE would be wrong without it.
my %left = (
    'CR0.WP'   => ['$cr0 = 0x10011'],
    'CR0'      => ['$cr0 = 0x6005003f'],
    'CR4.PAE'  => ['$cr4 = 0x20'],
    'CR4'      => ['$cr4 = 0x66f'],
    'EFER.LME' => ['$efer = 0x100'],
    'flags'    => ['$eflags = 0x44602'],
    'all'      => ['$cr0 = 0x6005003f', '$cr4 = 0x66f', '$efer = 0x100', '$eflags = 0x44602'],
);
for my $what (sort keys %left) {
    my @sets = map { "set $_" } @{ $left{$what} };
    my $vm = Attic->boot(name => "boot-left-$what", cpu => 'max', stopped => 1, gdb_socket => 1, timeout => 60);
    my $said = $vm->gdb(build_dir() . '/attic.debug', 'thbreak *_start', 'continue', @sets, 'info registers cr0 cr4 efer', 'detach');
    like $said, qr/^cr4 /m, "$what left behind: gdb has done it" or diag $said;
    ok defined $vm->expect(Attic::PROMPT), "$what left behind: the prompt" or diag $vm->describe;
    $vm->send("audit\npoweroff\n");
    is $vm->finish, 'pass', "$what left behind: powers off" or diag $vm->describe;
    like $vm->output, qr/^attic> audit\n[^\n]*all\b[^\n]*hold/mi, "$what left behind: the audit finds nothing" or diag $vm->describe;
}

done_testing;
