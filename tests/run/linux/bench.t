#!/usr/bin/perl
# What the kernel's operations and processes may cost, relative to Linux, and what a boot may cost: a change that makes one
# dearer fails here.
# Under -icount the figures hardly differ from run to run, so they are held to their limits as they stand.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir can_be_had root_dir slurp);
use Linux qw(programs_on_linux);
use Test::More;

# The most that a row may cost of what it costs Linux.
my %RATIO = (
    vmalloc_4k             => 0.20,
    vmalloc_64k            => 0.15,
    vmalloc_1m             => 0.12,
    vmalloc_random         => 0.15,
    vmalloc_4k_busy5000    => 0.20,
    vmalloc_4k_holes2500   => 0.20,
    vmalloc_16k_holes2500  => 0.20,
    vmalloc_random_replace => 0.21,
    vmap_16                => 0.285,
    page_order0            => 0.10,
    page_order3            => 0.10,
    page_order9            => 0.01,
    page_batch5000         => 0.08,
    kmalloc_64             => 0.285,
    kmalloc_64_batch5000   => 0.138,

    # of processes: the rows of user/tests/helpers/bench_process.c
    getpid                 => 0.25,
    fork_exit_wait         => 0.15,
    fork_exit_wait_8m      => 0.20,
    anon_fault             => 0.40,
    cow_fault              => 0.40,
    munmap_page            => 0.08,
    mmap_touch_munmap_64k  => 0.20,
    brk_64k                => 0.115,
    pipe_roundtrip         => 0.20,
);

# The most that our own figure may be.
my %OURS = (
    growth_5000  => 1.2,    # vmalloc_4k with so many live areas, relative to none
    growth_14000 => 1.35,
    boot_512M    => 10_000_000,
    boot_4G      => 40_000_000,
);

# ---- the whole table, against the figures in the tree ----

my ($build, $root) = (build_dir(), root_dir());

# What it prints, without comments, as lines; $? is its status.
sub bench {
    my ($pattern) = @_;
    local $ENV{BUILD} = $build;
    my @lines = split /\n/, qx('$root/scripts/bench' --tree '$pattern' 2>&1);
    return grep { !/^#/ } @lines;
}

my @lines = bench('');
my $out = join "\n", @lines;
is $?, 0, 'scripts/bench runs' or diag $out;
is_deeply [grep { !/^\w+ +[\d.]+ +(?:[\d.]+ +[\d.]+|- +-)$/ } @lines], [], 'each line is: name ours linux ratio'
    or diag $out;
my %row = map { my ($name, @rest) = split ' '; $name => \@rest } @lines;
is scalar keys %row, scalar @lines, 'no name is there twice';

my %linux = slurp("$root/tests/peers/linux/figures") =~ /^(\w+) (\d+)$/mg;
is_deeply [sort grep { $row{$_}[1] && $row{$_}[1] =~ /^\d+$/ } keys %row], [sort keys %linux],
    'the kernel or the program has a row for each of Linux\'s figures, and only those';
is_deeply [grep { !defined $linux{$_} } sort keys %RATIO], [], 'Linux\'s figures have each row that has a limit';
my @process = slurp("$root/user/tests/helpers/bench_process.c") =~ /^    \{"(\w+)", \w+_row\},$/mg;
is_deeply [grep { !defined $RATIO{$_} } @process], [], 'each row of processes has a limit';
my $doc = slurp("$root/docs/bench.md");
is_deeply [grep { $doc !~ /^\|.*`$_`/m } sort keys %row], [], 'docs/bench.md says what each row does';

for my $name (sort keys %linux) {
    my ($ours, $linux, $ratio) = @{ $row{$name} // ['', '', ''] };
    is $linux, $linux{$name}, "$name: Linux's figure is that of the tree";
    is $ratio, $ours && sprintf('%.3f', $ours / $linux{$name}), "$name: the ratio is right";
}
# The limits are for the default compiler: clang's code costs up to a sixth more here and there.
my $default_compiler = ($ENV{CC} // '') !~ /clang/;
for my $name (sort keys %RATIO) {
    my ($ours, $linux) = @{ $row{$name} // [] };
    my $ratio = $linux ? $ours / $linux : 'nothing';
    SKIP: {
        skip "$name: the limits are for gcc", 1 unless $default_compiler;
        ok $linux && $ratio <= $RATIO{$name}, sprintf '%s: %s instructions, at most %.2f of Linux\'s', $name, $ours // 'no',
            $RATIO{$name} or diag "$name is $ratio of Linux's";
    }
}
for my $name (sort keys %OURS) {
    my $ours = $row{$name} ? $row{$name}[0] : 0;
    ok $ours > 0 && $ours <= $OURS{$name}, "$name: $ours, at most $OURS{$name}";
}
for my $name (qw(kernel_bytes_512M kernel_bytes_per_mib)) {
    cmp_ok $row{$name} ? $row{$name}[0] : 0, '>', 0, "$name is told";
}

# ---- some of the rows, on one side or on both ----

is_deeply [map { /^(\w+)/ } bench('pipe*')], ['pipe_roundtrip'], 'a row of processes alone';
is_deeply [map { /^(\w+)/ } bench('kmalloc_64')], ['kmalloc_64'], 'a row of the kernel alone';
is_deeply [map { /^(\w+)/ } bench('*_64?')], [grep { /_64.$/ } slurp("$root/tests/peers/linux/figures") =~ /^(\w+) \d+$/mg],
    'rows of both, in the order of the figures';
is_deeply [bench('nothing')], ['bench: no row matches "nothing"'], 'no row: one line says so';
isnt $?, 0, 'no row: the status says so';

# ---- the program on Linux ----

my ($linux, $why) = programs_on_linux('bench', program => ["$build/user/bench_process"]);
if (can_be_had('Linux', $linux, $why)) {
    is_deeply [$linux->{program}{output} =~ /^bench: (\w+) \d+$/mg], \@process, 'bench_process measures the same rows on Linux';
    is $linux->{program}{status}, 0, 'and says so';
}

# ---- bench= on the command line, and rows that cannot run ----

my $vm = Attic->run(name => 'bench-cmdline', mem => '128M', cmdline => 'bench=page_*');
is $vm->status, 'pass', 'bench=page_*: ends in pass' or diag $vm->describe;
is_deeply [sort { $a cmp $b } $vm->output =~ /^bench: (\w+) +\d+$/mg], [sort grep { /^page_/ } keys %linux],
    'bench=page_*: these rows of the kernel, and only these';

$vm = Attic->run(name => 'bench-none', mem => '16M', cmdline => 'bench=nothing');
is $vm->status, 'fail', 'bench=nothing: ends in fail' or diag $vm->describe;
like $vm->output, qr/^bench: no row matches "nothing"$/m, 'bench=nothing: one line says why';

$vm = Attic->run(name => 'bench-small', mem => '8M', cmdline => 'bench=*');
is $vm->status, 'fail', '8 MiB: ends in fail, because rows are skipped' or diag $vm->describe;
like $vm->output, qr/^bench: vmalloc_4k_busy5000 skipped: \d+ pages are needed, \d+ are free$/m,
    '8 MiB: a row that has no room says so';
like $vm->output, qr/^bench: vmalloc_4k +\d+$/m, '8 MiB: a row that has room runs';

done_testing;
