#!/usr/bin/perl
# The shared kernel half, seen from outside: QEMU's monitor stops the machine while processes run, and this program walks the
# page tables in physical memory by itself, without a word from Attic.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir symbols);
use Test::More;

use constant {
    C => 0xC0000000, KERNEL_PDE_FIRST => 768,
    P => 1, RW => 2, US => 4, PS => 0x80,
    FRAME => 0xFFFFF000, LARGE_FRAME => 0xFFC00000,
};

my $symbols = symbols();
my $master_phys = $symbols->{swapper_pg_dir} - C;
my $vm = Attic->boot(name => 'outside', hmp => 1, timeout => 90);
defined $vm->expect(Attic::PROMPT) or die $vm->describe;
$vm->send("run forever & forever &\n");
$vm->expect(Attic::PROMPT, 10);

# ---- directories of several moments ----

my (%directory_at, %eip_below);
$vm->wait_until(sub {
    $vm->hmp('stop');
    my ($cr3, $eip) = ($vm->register('CR3') & FRAME, $vm->register('EIP'));
    $directory_at{$cr3} //= [unpack 'V1024', $vm->physical($cr3, 4096)];
    $eip_below{$cr3}++ if $eip < C;
    return 1 if keys %eip_below >= 2;
    $vm->hmp('cont');
    return 0;
});
my @directories = grep { $_ != $master_phys } keys %directory_at;
cmp_ok scalar @directories, '>=', 2, 'the directories of two processes were seen' or diag $vm->describe;
cmp_ok scalar(keys %eip_below), '>=', 2, 'both of them in ring 3';

my @master = unpack 'V1024', $vm->physical($master_phys, 4096);
my @kernel_half = @master[KERNEL_PDE_FIRST .. 1023];
for my $cr3 (sort { $a <=> $b } @directories) {
    my $name = sprintf 'directory 0x%08x', $cr3;
    my @entries = @{ $directory_at{$cr3} };
    is_deeply [@entries[KERNEL_PDE_FIRST .. 1023]], \@kernel_half, "$name: entries 768..1023 are the master's";
    is scalar(grep { $_ & P && $_ & US } @entries[KERNEL_PDE_FIRST .. 1023]), 0, "$name: none of them has the user bit";
    cmp_ok scalar(grep { $_ & P } @entries[0 .. KERNEL_PDE_FIRST - 1]), '>', 0, "$name: the user half has mappings";
}
is scalar(grep { $_ & P } @master[0 .. KERNEL_PDE_FIRST - 1]), 0, 'the master maps nothing below C';
my ($one, $other) = @directories;
isnt join(' ', @{ $directory_at{$one} }[0 .. 767]), join(' ', @{ $directory_at{$other} }[0 .. 767]),
    'two processes have different user halves';

# ---- every kernel mapping, by hand ----

my (@user_ptes, @wrong, $mapped);
my $lowmem = lowmem_size();
for my $index (KERNEL_PDE_FIRST .. 1023) {
    my ($pde, $virt) = ($master[$index], $index << 22);
    next unless $pde & P;
    if ($pde & PS) {
        $mapped += 0x400000;
        push @wrong, $virt if ($pde & LARGE_FRAME) != $virt - C;
        next;
    }
    my @ptes = unpack 'V1024', $vm->physical($pde & FRAME, 4096);
    for my $i (0 .. 1023) {
        next unless $ptes[$i] & P;
        my $addr = $virt + ($i << 12);
        push @user_ptes, $addr if $ptes[$i] & US;
        next if $addr - C >= $lowmem;
        $mapped += 4096;
        push @wrong, $addr if ($ptes[$i] & FRAME) != $addr - C;
    }
}
is sprintf('%08x ' x @wrong, @wrong), '', 'lowmem: every mapping is X -> X - C';
is $mapped, $lowmem, 'lowmem: all of it is mapped';
is sprintf('%08x ' x @user_ptes, @user_ptes), '', 'no kernel page-table entry has the user bit';
is $master[1023] & P ? entry(0xFFFFF000) & P : 0, 0, 'the last page is not mapped';

# The processor agrees: QEMU's own walk for one address in each 4 MiB of lowmem.
my @disagree = grep { walk($_) != $_ - C } map { C + $_ * 0x400000 + 0x123 } 0 .. $lowmem / 0x400000 - 1;
is "@disagree", '', "lowmem: QEMU's gva2gpa agrees in each 4 MiB";

# Text and read-only data cannot be written through any mapping of the kernel half.
my @writable = grep { entry($_) & RW } map { $symbols->{__text_start} + $_ * 4096 }
    0 .. ($symbols->{__rodata_end} - $symbols->{__text_start}) / 4096 - 1;
is sprintf('%08x ' x @writable, @writable), '', 'no page of text and rodata is writable';
is entry($symbols->{swapper_pg_dir}) & RW, 0, 'the master directory is read-only';

# The end is orderly.
$vm->hmp('cont');
$vm->send("poweroff\n");
is $vm->finish, 'pass', 'Attic did not notice' or diag $vm->describe;

# ---- what the processor has, and what is on ----

# QEMU's processor, what QEMU's documentation says it has, and the bits of CR4 that follow.
use constant { CR4_ALWAYS => 1 << 4 | 1 << 7 | 1 << 9 | 1 << 10, UMIP => 1 << 11, SMEP => 1 << 20, SMAP => 1 << 21 };
my $debug = build_dir() . '/debug';
for (['max', UMIP | SMEP | SMAP, 'rdrand smap smep umip'], ['max,-smep,-rdrand', UMIP | SMAP, 'smap umip'],
    ['max,-smap,-umip', SMEP, 'rdrand smep'], ['qemu32', 0, '']) {
    my ($cpu, $cr4, $features) = @$_;
    $vm = Attic->boot(name => 'outside-cpu', build => $debug, cpu => $cpu, hmp => 1, gdb_socket => 1);
    defined $vm->expect(Attic::PROMPT) or die $vm->describe;
    is sprintf('%x', $vm->register('CR4')), sprintf('%x', CR4_ALWAYS | $cr4), "$cpu: CR4";
    my $said = $vm->gdb("$debug/attic.debug", 'print cpu_features');
    is join(' ', sort grep { /^(?:rdrand|smap|smep|umip)$/ } $said =~ /\b(\w+) = true/g), $features, "$cpu: what Attic found" or diag $said;
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', "$cpu: the end" or diag $vm->describe;
}

# Bytes of lowmem: Attic's own variable, read from physical memory.
sub lowmem_size {
    return unpack 'V', $vm->physical($symbols->{lowmem_size} - C, 4);
}

# The page-table entry of a kernel address, or its directory entry where that maps 4 MiB.
sub entry {
    my ($addr) = @_;
    my $pde = $master[$addr >> 22];
    return $pde if $pde & PS || !($pde & P);
    return unpack 'V', $vm->physical(($pde & FRAME) + ($addr >> 12 & 1023) * 4, 4);
}

# Where QEMU's emulated processor finds the address, in the address space that is loaded.
sub walk {
    my ($addr) = @_;
    my ($phys) = $vm->hmp(sprintf 'gva2gpa 0x%x', $addr) =~ /gpa: (?:0x)?([0-9a-f]+)/;
    return hex($phys // 'ffffffff');
}

done_testing;
