#!/usr/bin/perl
# The costs that Attic promises: boot in instructions and in time, size of the image, RAM in use at the prompt.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir own_initramfs root_dir);
use List::Util qw(min);
use Test::More;

use constant {
    BOOT_INSTRUCTIONS => 20_000_000,  # GRUB's hand-over to the prompt, at 512 MiB
    BOOT_RATIO        => 2.5,         # processor time from QEMU's start to the prompt, relative to that of a kernel that does nothing
    IMAGE_BYTES       => 512 << 10,
    TESTED_BYTES      => 1 << 20,
    USED_BYTES        => 4 << 20,     # at the prompt, at 128 MiB
};

my @PROGRAMS = (initramfs => own_initramfs());

# Under -icount shift=0 the time-stamp counter counts instructions, the same in every run.
my @counts = map {
    my $vm = Attic->run(name => "limits-icount-$_", mem => '512M', @PROGRAMS, input => "meminfo\npoweroff\n",
        extra => ['-icount', 'shift=0,sleep=off']);
    $vm->output =~ /^BootTsc: +(\d+) .*instructions under -icount/m ? $1 : 0;
} 1 .. 2;
cmp_ok $counts[0], '>', 0, 'meminfo tells the cost of the boot';
cmp_ok $counts[0], '<', BOOT_INSTRUCTIONS, "boot at 512 MiB: $counts[0] instructions";
cmp_ok abs($counts[0] - $counts[1]), '<=', $counts[0] / 100, 'and the same again within 1 %';

# Seconds depend on the machine, so the start is held against that of a kernel that does nothing: what QEMU, the BIOS and GRUB take is
# in both. Processor time, because waiting, which it leaves out, depends on what else the machine does (that the boot does not wait is
# among the instructions above); in turns, and the best of some, because noise only ever adds.
my $nothing = nothing_image();
my ($best, $idle) = (99, 99);
for my $try (1 .. 12) {
    $idle = min($idle, seconds_to(qr/>/, iso => $nothing));
    $best = min($best, seconds_to(Attic::PROMPT, @PROGRAMS));
    last if $try >= 4 && $best / $idle < BOOT_RATIO;
}
my $start = sprintf "QEMU's start to the prompt: %.2f s of a processor, %.2f times that of a kernel that does nothing (%.2f s)", $best, $best / $idle, $idle;
cmp_ok $best / $idle, '<', BOOT_RATIO, $start;

sub seconds_to {
    my ($pattern, %options) = @_;
    my $vm = Attic->boot(name => 'limits-seconds', %options);
    defined $vm->expect($pattern) or die $vm->describe;
    return $vm->used;
}

# An ISO whose kernel writes `>` to the serial port: a multiboot2 header with the tags for its address and entry, and four instructions.
sub nothing_image {
    my ($at, $magic, $length) = (0x100000, 0xe85250d6, 64);
    my $header = pack 'V4 v2V5 v2V2x4 v2V', $magic, 0, $length, -($magic + $length) & 0xffffffff,
        2, 0, 24, $at, $at, 0, 0,
        3, 0, 12, $at + $length,
        0, 0, 8;
    my $code = "\xba\xf8\x03\0\0" . "\xb0>" . "\xee" . "\xf4\xeb\xfd"; # mov edx, 0x3f8; mov al, '>'; out dx, al; hlt, for ever
    my ($kernel, $empty, $iso) = map { build_dir() . "/test-images/nothing.$_" } qw(bin cpio iso);
    for ([$kernel, $header . $code], [$empty, '']) {
        my ($file, $bytes) = @$_;
        open my $out, '>:raw', $file or die "$file: $!\n";
        print $out $bytes;
        close $out or die "$file: $!\n";
    }
    system(root_dir() . '/scripts/mkiso', $iso, $kernel, $empty, '') == 0 or die "$iso cannot be made\n";
    return $iso;
}

# The cost of an archive is near linear in its size, whatever its names are: long ones of many parts, and files that have more to come.
sub cpio_entry {
    my ($name, $mode, $ino, $nlink) = @_;
    my $entry = sprintf('070701' . '%08X' x 13, $ino, $mode, 0, 0, $nlink, 0, 0, 0, 0, 0, 0, length($name) + 1, 0) . "$name\0";
    return $entry . "\0" x (-length($entry) % 4);
}

sub boot_cost {
    my ($name, @entries) = @_;
    my $file = build_dir() . "/test-images/limits-$name.cpio";
    open my $out, '>:raw', $file or die "$file: $!\n";
    print $out @entries, cpio_entry('TRAILER!!!', 0, 0, 1);
    close $out or die "$file: $!\n";
    my $vm = Attic->run(name => "limits-$name", mem => '512M', initramfs => $file, input => "meminfo\naudit\npoweroff\n",
        extra => ['-icount', 'shift=0,sleep=off'], timeout => 120);
    like $vm->output, qr/^audit: all invariants hold/m, "$name: the audit holds" or diag $vm->describe;
    return $vm->output =~ /^BootTsc: +(\d+)/m ? $1 - $counts[0] : 1e12;
}

my %hostile = (
    deep  => sub { map { cpio_entry("x$_/" . 'd/' x 2000, 0040755, 1, 1) } 1 .. $_[0] },
    links => sub { map { cpio_entry("l$_", 0100644, $_, 2) } 1 .. 400 * $_[0] },
);
for my $kind (sort keys %hostile) {
    my $small = boot_cost("$kind-small", $hostile{$kind}->(5));
    my $large = boot_cost("$kind-large", $hostile{$kind}->(20));
    cmp_ok $large, '<', 6 * $small, "an archive of $kind four times as large: $large instructions against $small";
    cmp_ok $large, '<', 1500 * (-s build_dir() . "/test-images/limits-$kind-large.cpio"), "$kind: instructions for each byte";
}

my $size = -s build_dir() . '/attic-lean.elf';
cmp_ok $size, '<', IMAGE_BYTES, "kernel image without the self-tests: $size bytes";
my $with_tests = -s build_dir() . '/attic.elf';
cmp_ok $with_tests, '<', TESTED_BYTES, "with them: $with_tests bytes";

my $vm = Attic->run(name => 'limits-used', mem => '128M', @PROGRAMS, input => "meminfo\npoweroff\n");
my %kb = $vm->output =~ /^(\w+): +(\d+) kB/mg;
my $used = $kb{MemUsed} // -1;
cmp_ok $used, '>', 0, 'meminfo tells the RAM in use' or diag $vm->describe;
cmp_ok $used << 10, '<', USED_BYTES, "RAM in use at the prompt: $used kB";
diag "boot: $counts[0] instructions. $start. Image $size bytes, $with_tests with its tests; $used kB of RAM in use";

done_testing;
