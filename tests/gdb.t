#!/usr/bin/perl
# gdb's tour through the boot, in batch mode: it stops at every stage, with source lines before and after paging comes on,
# and finds CR0.PG, CR3 and EIP as the stage says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir symbols);
use Test::More;

use constant C => 0xC0000000;

my $debug = build_dir() . '/debug';
my $symbols = symbols("$debug/attic.debug");
my $boot_directory = $symbols->{boot_page_directory};
my $master_directory = $symbols->{swapper_pg_dir} - C;

# Stage, PG, the page directory, above C, file.
my @stages = (
    ['_start',             0, 0,                 0, 'boot/boot.asm'],
    ['boot_paging_on',     1, $boot_directory,   0, 'boot/boot.asm'],
    ['boot_high',          1, $boot_directory,   1, 'boot/'],
    ['boot_identity_gone', 1, $boot_directory,   1, 'boot/'],
    ['kernel_main',        1, $boot_directory,   1, 'kernel/main.c'],
    ['lowmem_map_init',    1, $boot_directory,   1, 'mm/lowmem.c'],
    ['page_alloc_init',    1, $master_directory, 1, 'mm/page_alloc.c'],
    ['vmalloc_init',       1, $master_directory, 1, 'mm/vmalloc.c'],
    ['mm_seal',            1, $master_directory, 1, 'mm/'],
    ['return_to_user',     1, undef,             1, 'arch/x86/entry.asm'],
);

my $vm = Attic->boot(name => 'gdb', build => $debug, stopped => 1, gdb_socket => 1, input => "run hello\npoweroff\n");
my $said = $vm->gdb("$debug/attic.debug", ('tour') x (@stages + 1), 'pagewalk 0xc0100000', 'pagewalk 0', 'tasks', 'info breakpoints',
    'detach');
my ($tour) = $said =~ /^(_start: .*)/ms;
my @stops = ($tour // '') =~ /^(\w[\w ]*): .*\n  PG=(\d) CR3=(0x\w+) EIP=(0x\w+) CS=(0x\w+) (.*)$/mg;

for (@stages) {
    my ($stage, $pg, $directory, $high, $file) = @$_;
    my ($at, $stop_pg, $cr3, $eip, undef, $source) = splice @stops, 0, 6;
    is $at, $stage, "$stage: gdb stops there" or diag($said), last;
    is $stop_pg, $pg, "$stage: CR0.PG";
    is hex $cr3, $directory, "$stage: CR3" if defined $directory;
    is hex $eip, $symbols->{$stage}, "$stage: EIP";
    is hex($eip) >= C ? 1 : 0, $high, "$stage: EIP is " . ($high ? 'above' : 'below') . ' C';
    like $source, qr{(?:^|/)\Q$file\E.*:\d+$}, "$stage: source line";
    check_source_line($stage, $source);
}
my ($at, $pg, $cr3, $eip, $cs) = splice @stops, 0, 6;
is $at, 'ring 3', 'first process: gdb stops at its first instruction' or diag $said;
is hex($cs // 0) & 3, 3, 'first process: in ring 3';
cmp_ok hex($eip // 'ffffffff'), '<', C, 'first process: EIP is below C';
isnt hex($cr3 // 0), $master_directory, 'first process: a directory of its own';

like $said, qr/0xc0100000 -> physical 0x00100000, 4 KiB page/, 'pagewalk: the image lies at physical 1 MiB';
like $said, qr/^PDE    0 .*\n(?:PTE .*\n)?not mapped/m, 'pagewalk: page 0 is not mapped';
like $said, qr/^ +\d+ \w+ +0x\w+ hello/m, 'tasks: hello is one of them' or diag $said;
is $vm->finish, 'pass', 'detached, Attic goes on and powers off' or diag $vm->describe;

# ---- beside the path: left-over breakpoints, another start, bad arguments ----

$vm = Attic->boot(name => 'gdb-beside', build => $debug, stopped => 1, gdb_socket => 1, input => "run hello\npoweroff\n");
$said = $vm->gdb("$debug/attic.debug", 'tasks', 'pagewalk banana', 'pagewalk', 'pagewalk 1 +', 'help tour', 'hbreak *kernel_main', 'continue',
    'hbreak *page_alloc_init', 'hbreak pit_init', 'tour', ('tour') x 4, 'info breakpoints', 'tour', 'detach');
@stops = $said =~ /^(\w[\w ]*): .*\n  PG=\d/mg;
is "@stops", 'kernel_main lowmem_map_init page_alloc_init vmalloc_init tour mm_seal', 'the tour begins where the machine is, and stops at'
    . ' breakpoints without losing its place' or diag $said;
like $said, qr/^tour: stopped between the stages.*`tour` goes on.*\n  PG=1 .*pit\.c:\d+$/m, 'such a stop is named as one';
my ($breakpoints) = $said =~ /^Num +Type.*\n((?:.*\n)*?)(?=mm_seal:)/m;
is join(' ', map { /^(\d+) .* in (\w+)/ ? "$1:$2" : () } split /\n/, $breakpoints // ''), '1:kernel_main 2:page_alloc_init 3:pit_init',
    "the tour leaves no breakpoint, and takes no number from the user's" or diag $said;
like $said, qr/^tasks: there are none yet/m, 'tasks: too early';
like $said, qr/^pagewalk: `banana` is no address: .*banana.*$/m, 'pagewalk banana';
like $said, qr/^pagewalk: `1 \+` is no address: /m, 'pagewalk 1 +';
like $said, qr/^usage: pagewalk ADDR$/m, 'pagewalk';
unlike $said, qr/Python|Traceback|Error occurred/, 'no exception of Python shows';
my ($help) = $said =~ /^(tour: run to.*?stop\.\n)/ms;
like $help // '', qr/return_to_user/, 'help tour names the stages';
is join(' ', grep { !-e root_dir() . "/$_" } ($help // '') =~ /\b([A-Z]{3,}|\w+\.md)\b/g), '', 'and no document that is not there';
is $vm->finish, 'pass', 'detached half-way, Attic goes on' or diag $vm->describe;

# From the prompt there is one stage left; a program has to be started for it.
$vm = Attic->boot(name => 'gdb-prompt', build => $debug, gdb_socket => 1);
$vm->expect(Attic::PROMPT, 30);
$vm->send("run nap 1000000 1\n" x 20); # one of them starts once gdb is there
$said = $vm->gdb("$debug/attic.debug", 'tour', 'tour', 'tour', 'detach');
@stops = $said =~ /^(\w[\w ]*): .*\n  PG=\d/mg;
is "@stops", 'return_to_user ring 3', 'from the prompt: the way to ring 3' or diag $said;
like $said, qr/^\(the next stage comes when a program is started: .*run hello.*\n(?:.*\n)*return_to_user:/m, 'after a word on what to do';
like $said, qr/^the tour is over/m, 'and then it is over';
$vm->kill_now;

# The line that gdb names is about the stage: the label in assembly, the function's head or first lines in C.
sub check_source_line {
    my ($stage, $source) = @_;
    my ($path, $line) = $source =~ /^(.*):(\d+)$/ or return fail "$stage: no line";
    $path = root_dir() . "/$path" unless $path =~ m{^/};
    open my $in, '<', $path or return fail "$stage: $path cannot be opened: $!";
    my @lines = <$in>;
    my $from = $line > 8 ? $line - 8 : 1;
    ok scalar(grep { /\b\Q$stage\E\b/ } @lines[$from - 1 .. $line - 1]), "$stage: that line is about it" or diag "$source: $lines[$line - 1]";
}

done_testing;
