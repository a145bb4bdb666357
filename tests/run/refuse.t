#!/usr/bin/perl
# A machine or loader that cannot run Attic gets one clear line on the serial port and on the screen, and a status of its own. And what
# the image consists of is what the processor is asked for.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp);
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
    is $halted->screen =~ s/\n//gr, $lines[0], "$label: and nothing else there" if $o{alone};
    $halted->kill_now;
}

# Everything that the compiler may use on its own, or the kernel uses, is asked for before it is used.
refused("no-$$_[0]", $$_[1], cpu => "qemu32,-$$_[0]", alone => 1)
    for ['cmov', qr/Attic cannot .*CMOV/], ['cx8', qr/Attic cannot .*CX8/], ['msr', qr/Attic cannot .*MSR/], ['tsc', qr/Attic cannot .*TSC/];

# Where only the second serial port is there, it is the console; without any, the screen says it.
refused('com2', qr/Attic cannot .*CMOV/, cpu => 'qemu32,-cmov', serial => 'none', extra => ['-serial', 'stdio'], alone => 1);
my $screen_only = Attic->boot(name => 'refuse-screen', timeout => 60, silence => 60, hmp => 1, no_exit => 1, cpu => 'qemu32,-cmov', serial => 'none');
ok $screen_only->wait_until(sub { $screen_only->screen =~ /\AAttic cannot .*CMOV/ }), 'no serial port: the line is on the screen'
    or diag $screen_only->screen;
$screen_only->kill_now;

refused('no-pse', qr/Attic cannot .*PSE/, cpu => 'qemu32,-pse', alone => 1);
refused('no-pge', qr/Attic cannot .*PGE/, cpu => 'qemu32,-pge', alone => 1);
refused('7M', qr/Attic cannot .*8 MiB/, mem => '7M');
refused('long-cmdline', qr/Attic cannot .*command line is too long/, cmdline => 'x' x 2000);

# The first line needs a port that somebody has set up, and a screen that is shown from its start. Here the port is left at 5 bits and
# another speed, and the screen moved. GRUB has said nothing before.
my $left = Attic->boot(name => 'refuse-left', timeout => 60, hmp => 1, stopped => 1, gdb_socket => 1, no_exit => 1, cpu => 'qemu32,-cmov');
my $gdb_said = $left->gdb(build_dir() . '/attic.debug', 'thbreak *_start', 'continue', 'monitor xp /4000bx 0xb8000',
    'monitor o /b 0x3fb 0x80', 'monitor o /b 0x3f8 0x0c', 'monitor o /b 0x3fb 0', 'monitor o /w 0x3d4 0x500c', 'detach');
my @bytes = map { hex } $gdb_said =~ /\b0x([0-9a-f]{2})\b/g;
my $grub_said = join '', map { chr $bytes[2 * $_] } 0 .. @bytes / 2 - 1;
is scalar @bytes, 4000, 'GRUB\'s screen can be read' or diag $gdb_said;
unlike $grub_said, qr/error|not found/, 'GRUB complains of nothing';
ok defined $left->expect(qr/^Attic cannot .*CMOV/m, 20), 'a port that was not set up: the line' or diag $left->describe;
ok $left->wait_until(sub { port($left, 0x3fd) & 0x40 }), 'all is sent';
is port($left, 0x3fb), 3, 'the port has 8 bits, no parity';
$left->hmp('o /b 0x3fb 0x83');
is port($left, 0x3f8), 1, 'and 115200 baud';
$left->hmp('o /b 0x3d4 0x0c');
is port($left, 0x3d5), 0, 'the screen is shown from its start';
$left->kill_now;

sub port {
    my ($vm, $port) = @_;
    my ($value) = $vm->hmp(sprintf 'i /b 0x%x', $port) =~ /= 0x([0-9a-f]+)/;
    return hex($value // 0);
}

# ---- the instructions of the image ----

# What every processor with CPUID has, as objdump writes it; b, w and l behind a name are sizes. The no-op of several bytes, nopw and
# nopl, is not among it, because not every processor with CMOV has it. What objdump calls tzcnt is bsf with a prefix that older processors
# pass over; clang 19 writes it where the two give the same.
my $I486 = join '|', qw(aa[adms] adc add and arpl bound bs[fr] bswap bt[crs]? l?call cbtw clc cld cli clts cltd cmc cmp cmps cmpxchg cpuid cs
    cwtd cwtl da[as] data16 dec div ds enter es fs gs hlt i?div i?mul in inc ins int3? into invlpg iret j[a-z]+ l?jmp la[hr]f? l[defgs]s lea
    leave lgdt lidt lldt lmsw lock lod[s] loop[a-z]* lret lsl ltr mov mov[sz][bw][wl] movs neg nop not or out outs pop popa popf push pusha
    pushf rcl rcr repn?z? ret rol ror sahf sar sbb scas set[a-z]+ sgdt shl shld shr shrd sidt sldt smsw ss stc std sti stos str sub test
    tzcnt ud2 ver[rw] wbinvd xadd xchg xlat xor);
my @NEEDS = ([qr/^cmov/, 'CMOV'], [qr/^cmpxchg8b$/, 'CX8'], [qr/^rdtsc$/, 'TSC'], [qr/^(?:rd|wr)msr$/, 'MSR']);
# What is used only after a look at cpu_features, and the files that look.
my @GUARDED = (
    [qr/^(?:fn?init|fn?save|frstor|fldcw|fn?stcw|fnop|fxsave|fxrstor)$/, qr{^(?:arch/x86/fpu|tests/kernel/process/fpu_test)\.c$}],
    [qr/^rdrand$/, qr{^arch/x86/cpu\.c$}],
);

my %asked = map { $_ => 1 } slurp(root_dir() . '/boot/boot.asm') =~ /^ +dd CPUID_(\w+), text_/mg;
my ($found, $wrong) = instructions();
cmp_ok $found, '>', 50_000, 'the image is taken to pieces';
is join("\n", @$wrong), '', 'each instruction is one that every processor has, or that the processor is asked for';

sub instructions {
    my ($count, %problems, $file) = (0);
    my $objdump = ($ENV{CROSS} // '') . 'objdump';
    my @objects = grep { -e } map { build_dir() . "/$_.o" } grep { m{^(?:arch|boot|drivers|fs|kernel|lib|mm|tests)/[^.]+\.(?:c|asm)$} }
        map { s{^\Q@{[root_dir()]}\E/}{}r } Attic::source_files();
    # -D: what nasm marks as data, an entry table, consists of instructions, too.
    open my $in, '-|', $objdump, '-D', '--no-show-raw-insn', (map { ('-j', $_) } qw(.text .text.unlikely .text.startup .text.fixup .boot.text)), @objects
        or die "$objdump: $!\n";
    while (<$in>) {
        $file = $1 if m{^\Q@{[build_dir()]}\E/(\S+)\.o:\s+file format};
        my ($name) = /^ *[0-9a-f]+:\t(\S+)/ or next;
        $count++;
        my $why = complaint($name, $file) // next;
        $problems{"$file: $name: $why"} = 1;
    }
    return ($count, [sort keys %problems]);
}

sub complaint {
    my ($name, $file) = @_;
    for (@NEEDS) {
        my ($pattern, $feature) = @$_;
        return $asked{$feature} ? undef : "$feature is not asked for" if $name =~ $pattern;
    }
    for (@GUARDED) {
        my ($pattern, $files) = @$_;
        return $file =~ $files ? undef : 'not here' if $name =~ $pattern;
    }
    return $name =~ /^(?:$I486)[bwl]?$/ && $name !~ /^nop[wl]$/ ? undef : 'not an instruction that all have';
}

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
