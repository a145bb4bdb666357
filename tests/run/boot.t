#!/usr/bin/perl
# Every size of memory that Attic promises to boot on reaches the prompt, believes what it was given, and powers off. So does a machine
# whose loader has left other things in its registers than GRUB does on a PC: multiboot2 promises only PE and PG of CR0.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir make_initramfs root_dir slurp);
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
# firmware may have set, each on its own and all at once; EFLAGS.IF is off, as multiboot2 promises; EFER.LME is what 64-bit firmware runs with, and PAE would be wrong without it.
my %left = (
    'CR0.WP'   => ['$cr0 = 0x10011'],
    'CR0'      => ['$cr0 = 0x6005003f'],
    'CR4.PAE'  => ['$cr4 = 0x20'],
    'CR4'      => ['$cr4 = 0x66f'],
    'EFER.LME' => ['$efer = 0x100'],
    'flags'    => ['$eflags = 0x44402'],
    'all'      => ['$cr0 = 0x6005003f', '$cr4 = 0x66f', '$efer = 0x100', '$eflags = 0x44402'],
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

# A loader that does something else with memory, modules and options: GRUB, told so. cutmem takes RAM out of the memory map.
sub grub_does {
    my ($label, $change, %o) = @_;
    my $dir = build_dir() . '/test-images';
    my ($iso, $cfg) = map { "$dir/boot-" . $label =~ s/\W+/-/gr . ".$_" } qw(iso cfg);
    open my $out, '>', $cfg or die "$cfg: $!\n";
    print $out $change->(slurp(root_dir() . '/grub.cfg'));
    close $out or die "$cfg: $!\n";
    local @ENV{qw(GRUB_CFG GRUB_COMMANDS)} = ($cfg, 'mmap');
    my $build = build_dir();
    system(root_dir() . '/scripts/mkiso', $iso, "$build/attic.elf", $o{initramfs} // "$build/initramfs.cpio", $o{cmdline} // '') == 0
        or die "$iso cannot be made\n";
    return Attic->run(name => "boot-$label", iso => $iso, input => ($o{input} // "audit\n") . "poweroff\n", mem => $o{mem} // '128M');
}

# The boot code's pages, the tables of pages at both ends of lowmem, a hole with parts of pages, the initramfs, and RAM at the very start.
my %cut = (
    '0x100000 0x200000'   => qr/rw memory$/m,
    '0x100000 0x101000'   => qr/rw memory$/m,
    '0x2000000 0x2345678' => qr/\.\.c1ffffff -> \w+ rw memory\n.*c2346000\.\..* rw memory$/m,
    '0x200000 0x2000000'  => qr/rw memory$/m,
    '0x7f00000 0x8000000' => qr/\.\.c7efffff -> /,
    '0 0x80000'           => qr/rw memory$/m,
);
for my $range (sort keys %cut) {
    my $vm = grub_does("cutmem $range", sub { $_[0] =~ s/^set timeout.*\n\K/cutmem $range\n/mr }, input => "run hello\naudit\n");
    is $vm->status, 'pass', "cutmem $range: boots and powers off" or diag $vm->describe;
    like $vm->output, $cut{$range}, "cutmem $range: the map";
    like $vm->output, qr/^attic> audit\n[^\n]*all\b[^\n]*hold/mi, "cutmem $range: the audit finds nothing" or diag $vm->describe;
    like $vm->output, qr/^hello\[2\]: exit status 0/m, "cutmem $range: a program runs" or diag $vm->describe;
}
my $holes = grub_does('cutmem and the self-tests', sub { $_[0] =~ s/^set timeout.*\n\K/cutmem 0x100000 0x200000\ncutmem 0x2000000 0x2345678\n/mr },
    cmdline => 'ktest=lowmem.*');
is $holes->status, 'pass', 'RAM with holes: lowmem is mapped where there is RAM, and nowhere else' or diag $holes->describe;

my $two = grub_does('two modules', sub { $_[0] =~ s/^( *)if (module2 .*); then\n\K/$1    $2\n/mr });
like $two->output, qr/^There are 2 modules: the first is the initramfs, the others are ignored\.$/m, 'two modules: a line' or diag $two->describe;

my $none = grub_does('no module', sub { $_[0] =~ s/if module2 \S+/if module2 \/boot\/none.cpio/r });
is $none->status, 'refuse', 'no initramfs to load: refused' or diag $none->describe;
like $none->output, qr/^Attic cannot start: [^\n]*initramfs[^\n]*\n\z/m, 'no initramfs to load: the last line' or diag $none->describe;

# One that leaves no room for tables between the image and 4 MiB.
my ($long) = make_initramfs(name => 'boot-long', files => { long => 'x' x (6 << 20) });
my $beside = grub_does('long module', sub { $_[0] }, initramfs => $long, mem => '64M', cmdline => 'ktest=lowmem.*');
is $beside->status, 'pass', 'no room beside the image: the tables of lowmem are sealed elsewhere' or diag $beside->describe;

my ($large) = make_initramfs(name => 'boot-large', files => { large => 'x' x (16 << 20) });
my $full = grub_does('large module', sub { $_[0] }, initramfs => $large, mem => '16M');
is $full->status, 'refuse', 'an initramfs larger than RAM: refused' or diag $full->describe;
like $full->output, qr/^Attic cannot start: [^\n]*initramfs[^\n]*\n\z/m, 'an initramfs larger than RAM: the last line' or diag $full->describe;

my $init = Attic->run(name => 'boot-init', cmdline => 'init=', input => "poweroff\n");
like $init->output, qr/^init= names no program/m, 'init=: a line' or diag $init->describe;
unlike $init->output, qr/^:/m, 'init=: no line about a program without a name';

done_testing;
