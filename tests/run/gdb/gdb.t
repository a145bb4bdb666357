#!/usr/bin/perl
# `attic tour` in gdb, through the boot: it stops at every stage, with source lines before and after paging comes on, and finds
# CR0.PG, CR3 and EIP as the stage says. It may begin anywhere, and goes on where others stopped the machine. (The whole tour, and what
# it shows of the tables, is tests/run/gdb/tour.t's.)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
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
    ['lowmem_map_init',    1, $boot_directory,   1, 'mm/kva/lowmem.c'],
    ['page_alloc_init',    1, $master_directory, 1, 'mm/frame/zone.c'],
    ['vmalloc_init',       1, $master_directory, 1, 'mm/kva/vmalloc.c'],
    ['mm_seal',            1, $master_directory, 1, 'mm/'],
    ['return_to_user',     1, undef,             1, 'arch/x86/entry.asm'],
);

# Any program will do as the first one.
my $vm = Attic->boot(name => 'gdb', build => $debug, stopped => 1, gdb_socket => 1, input => "run hello\npoweroff\n");
my $said = $vm->gdb("$debug/attic.debug", ('attic tour') x (2 * @stages + 1), 'info breakpoints', 'detach');
my @stops = stops($said);

for (@stages) {
    my ($stage, $pg, $directory, $high, $file) = @$_;
    my $stop = shift @stops;
    is $stop->{name}, $stage, "$stage: gdb stops there" or diag($said), last;
    is $stop->{PG}, $pg, "$stage: CR0.PG";
    is hex $stop->{CR3}, $directory, "$stage: CR3" if defined $directory;
    is hex $stop->{EIP}, $symbols->{$stage}, "$stage: EIP";
    is hex($stop->{EIP}) >= C ? 1 : 0, $high, "$stage: EIP is " . ($high ? 'above' : 'below') . ' C';
    like $stop->{place}, qr{^\Q$file\E.*:\d+$}, "$stage: source line";
    like $stop->{source}, qr/\b\Q$stage\E\b/, "$stage: that line is about it";
    is $stop->{source}, source_of($stop->{place}, $stop->{source}), "$stage: it is what the file holds";
    like $stop->{rest}, qr/^After, .*:\n\n    CR0/m, "$stage: and what comes after";
}
my $last = shift @stops // {};
is $last->{name}, 'Ring 3', 'first process: gdb stops at its first instruction' or diag $said;
is $last->{CPL}, 3, 'first process: in ring 3';
cmp_ok hex($last->{EIP} // 'ffffffff'), '<', C, 'first process: EIP is below C';
isnt hex($last->{CR3} // 0), $master_directory, 'first process: a directory of its own';
is $vm->finish, 'pass', 'detached, Attic goes on and powers off' or diag $vm->describe;

# ---- beside the path: left-over breakpoints, another start, bad arguments ----

$vm = Attic->boot(name => 'gdb-beside', build => $debug, stopped => 1, gdb_socket => 1, input => "run hello\npoweroff\n");
$said = $vm->gdb("$debug/attic.debug", 'attic tour banana', 'attic tour 1 2 3', 'attic tour transcript', 'help attic tour',
    'hbreak *kernel_main', 'continue', 'hbreak *page_alloc_init', 'hbreak pit_init', ('attic tour') x 8, 'info breakpoints', ('attic tour') x 4,
    'info breakpoints', 'detach');
is join(' ', map { $_->{name} } stops($said)), 'kernel_main lowmem_map_init page_alloc_init vmalloc_init between mm_seal return_to_user',
    'the tour begins where the machine is, and stops at breakpoints without losing its place' or diag $said;
like $said, qr/^Stopped between the stops.*`attic tour` goes on.*\n\n    CR0\.PG=1 .*EIP=0xc/m, 'such a stop is named as one';
my @breakpoints = map { join ' ', /^(\d+) .* in (\w+)/mg } $said =~ /^Num +Type.*\n((?:.*\n)*?)(?=\n|## |After|Stopped|\[Inf)/mg;
is "@breakpoints", join(' ', ('1 kernel_main 2 page_alloc_init 3 pit_init') x 2),
    "the tour leaves no breakpoint, and takes no number from the user's" or diag $said;
is(() = $said =~ /^usage: attic tour .*$/mg, 3, 'arguments that make no sense get the usage');
unlike $said, qr/Python|Traceback|Error occurred/, 'no exception of Python shows';
my ($help) = $said =~ /^(attic tour: run to.*?shown\.)\n/ms;
for (map { $_->[0] } @stages) {
    like $help // '', qr/\b\Q$_\E\b/, "help attic tour names $_";
}
is join(' ', grep { !-e root_dir() . "/$_" } ($help // '') =~ /\b([A-Z]{3,}|\w+\.md)\b/g), '', 'and no document that is not there';
is $vm->finish, 'pass', 'detached half-way, Attic goes on' or diag $vm->describe;

# A reader who steps on alone from a first moment is not waited for at the second one.
$vm = Attic->boot(name => 'gdb-alone', build => $debug, stopped => 1, gdb_socket => 1, input => "run hello\npoweroff\n");
$said = $vm->gdb("$debug/attic.debug", ('attic tour') x 3, 'hbreak *kernel_main', 'continue', 'stepi', 'attic tour', 'stepi', 'attic tour', 'detach');
is join(' ', map { $_->{name} } stops($said)), '_start boot_paging_on lowmem_map_init', 'who goes on alone is found again' or diag $said;
$vm->kill_now;

# From the prompt a program has to be started.
$vm = Attic->boot(name => 'gdb-prompt', build => $debug, gdb_socket => 1);
$vm->expect(Attic::PROMPT, 30);
$vm->send("run nap 1000000 1\n" x 20); # one of them starts once gdb is there
$said = $vm->gdb("$debug/attic.debug", ('attic tour') x 4, 'detach');
is join(' ', map { $_->{name} } stops($said)), 'return_to_user Ring 3', 'from the prompt: the way to ring 3' or diag $said;
like $said, qr/^\(the next stop comes when the program is started: .*run tour.*\n(?:.*\n)*## 10/m, 'after a word on what to do';
$vm->kill_now;

# In the middle of the program: the next stop is the one that comes next.
$vm = Attic->boot(name => 'gdb-middle', build => $debug, stopped => 1, gdb_socket => 1, input => "run tour\npoweroff\n");
$said = $vm->gdb("$debug/attic.debug", 'hbreak *mm_seal', 'continue', 'hbreak sys_fork', 'continue', 'delete', ('attic tour') x 15, 'detach');
is join(', ', map { $_->{name} } stops($said)),
    "A vmalloc, A process switch, A first-touch fault, A copy-on-write fault, A system call's way in, A system call's way out, A vfree",
    'begun within the program, the tour goes on there' or diag $said;
is $vm->finish, 'pass', 'and Attic powers off' or diag $vm->describe;

# The stops in what gdb said: name, registers and source line of the first moment, the rest of the text. One between the stops has
# the name `between`.
sub stops {
    my ($text) = @_;
    my @found;
    for my $part (split /^(?=## |Stopped between)/m, $text) {
        my ($line) = $part =~ /^    (CR0\.PG=.*)$/m or next;
        my %stop = (rest => $part, $line =~ /\b(PG|CR3|EIP|CPL)=(\w+)/g);
        $stop{name} = $part =~ /^## \d+\. `?(.*?)`?:/ ? $1 : $part =~ /^Stopped/ ? 'between' : next;
        ($stop{place}) = $part =~ /^    ([\w\/]+\.(?:c|asm):\d+)$/m;
        # The line itself, and in assembly the label before it.
        ($stop{source}) = $part =~ /^((?:     +\d+  \w+:\n)?    > *\d+  .*)$/m;
        push @found, \%stop;
    }
    return @found;
}

# The same lines out of the file.
sub source_of {
    my ($place, $shown) = @_;
    my ($path, $number) = $place =~ /^(.*):(\d+)$/ or return 'no place';
    my @lines = split /\n/, Attic::slurp(root_dir() . "/$path");
    my $count = () = $shown =~ /^/mg;
    return join "\n", map { sprintf '    %s%4d  %s', $_ == $number ? '>' : ' ', $_, $lines[$_ - 1] } $number - $count + 1 .. $number;
}

done_testing;
