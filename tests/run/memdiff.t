#!/usr/bin/perl
# memdiff: what each of the steps of user/steps.c did, in words; changes that are made up in documents; where snapshots are looked for,
# and what is refused; and all of it through make.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp);
use File::Spec::Functions qw(abs2rel);
use File::Temp qw(tempdir);
use JSON::PP;
use Snapshots qw(invalid);
use Test::More;

my $root = root_dir();
my $folder = tempdir('attic-memdiff-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# ---- step by step ----

# What memdiff says, its standard error, and its exit status.
sub memdiff {
    my (@arguments) = @_;
    my $errors = "$folder/errors";
    my $pid = open(my $from, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>', $errors;
        exec "$root/scripts/memdiff", @arguments or POSIX::_exit(127);
    }
    my $said = do { local $/; <$from> } // '';
    close $from;
    return ($said, slurp($errors), $? >> 8);
}

my $file = build_dir() . '/test-logs/memdiff.jsonl';
my $vm = Attic->boot(name => 'memdiff', snapshots => $file, silence => 100);
defined $vm->expect(Attic::PROMPT) or die $vm->describe;
$vm->command('snapshot start');
my ($memory) = $vm->command('vmalloc 16K') =~ /^vmalloc: (0x[0-9a-f]{8}), 4 pages/m;
$vm->command('snapshot vmalloc');
$vm->command("vfree $memory");
$vm->command('snapshot vfree');
my ($steps) = $vm->command('run steps &') =~ /^steps\[(\d+)\]/m;
$vm->command('snapshot steps');
my @names = qw(steps first mmap touch fork write mprotect kill munmap end);
$vm->command('run forever & forever sleep &');    # so that what only a first program needs is there
my @others = $vm->command('ps') =~ /^ *(\d+) .* forever$/mg;
$vm->command("kill $_") for @others;
$vm->command('snapshot first');
my %done;
for my $name (@names[2 .. $#names]) {
    $done{$name} = $vm->command("run steps $steps");
    $vm->command("snapshot $name");
}
$vm->command('snapshot end');

sub changed {
    my ($from, $to, %expected) = @_;
    my ($said, $errors, $status) = memdiff('--file', $file, $from, $to);
    is "$errors$status", 1, "$from to $to: something has changed, and no trouble" or diag $errors;
    for my $what (sort keys %expected) {
        my ($wanted, $not) = $what =~ /^no / ? ('unlike', $expected{$what}) : ('like', $expected{$what});
        no strict 'refs';
        &$wanted($said, $not, "$from to $to: $what");
    }
    return $said;
}

my $FRAMES = qr/frames? 0x[0-9a-f]{4}\S*(?:, 0x\S+)*/;
my $PROCESS = qr/^process $steps \(steps\)/m;
my $AT = qr/0x[0-9a-f]{8}/;

my ($said, $errors, $status) = memdiff('--file', $file, 'first', 'first');
is $said, "Nothing has changed from first to first.\n", 'nothing has changed';
is "$errors$status", '0', 'which is status 0';
($said, $errors, $status) = memdiff('--file', $file, 'start', 'vmalloc');
my ($end) = map { sprintf '0x%08x', hex($memory) + 5 * 4096 } 1;
is $status, 1, 'something has changed: status 1';
like $said, qr/^vmalloc area $memory-$end \(4 pages, vmalloc, by monitor_vmalloc\+0x0\) is new: $FRAMES, which were free$/m, 'a vmalloc: the area';
like $said, qr/^vmalloc: 4 frames more, $FRAMES, which were free$/m, 'and its frames';
unlike $said, qr/kernel: directory|process|kernel: page/, 'and no directory entry';
changed('vmalloc', 'vfree', 'the area' => qr/^vmalloc area $memory-$end .* is gone: $FRAMES, which are free now$/m);
($said, $errors, $status) = memdiff('--file', $file, 'start', 'vfree');
like $said, qr/\A(?:Nothing has changed from start to vfree\.\n|slab: 1 frame more.*\n)\z/, 'there and back: nothing but a slab that was kept';

changed('vfree', 'steps',
    'its kernel stack' => qr/^vmalloc area .*\(2 pages, vmalloc, by \w+\+0x[0-9a-f]+, kernel stack of $steps \(steps\)\) is new: /m,
    'the process' => qr/^process $steps \(steps\) is new, started by 1 \(init\): 5 areas, \d+ pages? mapped: .*; \d+ page tables?$/m,
    'its tables' => qr/^process tables: \d+ frames more/m);
like $done{mmap}, qr/^steps\[$steps\]: mmap/m, 'a step is taken';
changed('first', 'mmap',
    'the area' => qr/$PROCESS: area $AT-$AT \(8 pages; rw-p, no name\) is new$/m,
    'no page of it' => qr/$PROCESS: page.*mapped now/m);
my $touched = changed('mmap', 'touch',
    'four pages' => qr/$PROCESS: pages ($AT)-$AT \(4 pages\): mapped now: $FRAMES writable \(1 reference\), was free$/m,
    'the page of zeros' => qr/$PROCESS: page $AT: mapped now: the page of zeros$/m,
    'a page table' => qr/$PROCESS: directory entry \d+ \($AT\): page table in frame 0x[0-9a-f]{4} \[P RW US\] is new$/m,
    'frames' => qr/^user pages: 4 frames more, $FRAMES, which were free$/m,
    'a reference' => qr/^the page of zeros: 1 frame with \d+ references, which had \d+: /m,
    'no area' => qr/: area /);
my ($at) = $touched =~ /: pages ($AT)-/;
my ($from, $to, $third) = map { sprintf '0x%08x', hex($at) + 4096 * $_ } 0, 4, 2;
changed('touch', 'fork',
    'the child' => qr/^process \d+ \(steps\) is new, forked from $steps \(steps\), with which it shares 4 frames: 6 areas, /m,
    'shared from now on' => qr/$PROCESS: pages $from-$to \(4 pages\): $FRAMES: writable -> read-only, 1 -> 2 references$/m,
    'two have them' => qr/^user pages: 4 frames with 2 references, which had 1: $FRAMES$/m);
changed('fork', 'write',
    'copied' => qr/$PROCESS: pages $from-$third \(2 pages\): $FRAMES read-only \(2 references\) -> $FRAMES writable \(1 reference\): copied$/m,
    'frames' => qr/^user pages: 2 frames more, $FRAMES, which were free$/m,
    'one has the old ones' => qr/^user pages: 2 frames with 1 reference, which had 2: $FRAMES$/m,
    'no other process' => qr/^process (?!$steps )/m);
changed('write', 'mprotect',
    'the area' => qr/$PROCESS: area $from-$AT \(1 page\): r--p, no name; was rw-p, no name$/m,
    'the page' => qr/$PROCESS: page $from: $FRAMES: writable -> read-only/m);
changed('mprotect', 'kill',
    'the child' => qr/^process \d+ \(steps\) is gone$/m,
    'its frames' => qr/^user pages: \d frames fewer, $FRAMES, which are free now$/m);
changed('kill', 'munmap',
    'the areas' => qr/$PROCESS: area $AT-$AT \(7 pages; rw-p, no name\) is gone$/m,
    'the pages' => qr/$PROCESS: pages? \S+.*: mapped no longer: $FRAMES writable \(1 reference\), is free now$/m,
    'the table' => qr/$PROCESS: directory entry .* is gone$/m);
changed('munmap', 'end', 'the process' => qr/^process $steps \(steps\) is gone$/m);

# Many at once are few words, and --all makes them many.
$vm->command('vmalloc 8K') for 1 .. 12;
$vm->command('snapshot many');
my $short = changed('end', 'many', 'twelve areas' => qr/^12 vmalloc areas from $AT to $AT \(2 pages each, vmalloc, by monitor_vmalloc\+0x0\) are new: /m);
cmp_ok $short =~ tr/\n//, '<', 8, 'end to many: few lines';
($said) = memdiff('--file', $file, '--all', 'end', 'many');
cmp_ok $said =~ tr/\n//, '>', 12, 'and many with --all';
$vm->send("poweroff\n");
is $vm->finish, 'pass', 'and Attic is well' or diag $vm->describe;
is invalid($file), '', 'the schema holds for all of them';

# ---- where snapshots are found ----

sub write_file {
    my ($name, $text) = @_;
    open my $out, '>', "$folder/$name" or die "$folder/$name: $!\n";
    print $out $text;
    close $out;
    return "$folder/$name";
}

my @lines = split /^/, slurp($file);
my ($first) = grep { /"name":"first"/ } @lines;
my ($touch) = grep { /"name":"touch"/ } @lines;
my $document = decode_json($first);

sub refused {
    my ($label, $expected, @arguments) = @_;
    my ($out, $err, $code) = memdiff(@arguments);
    is "$out$code", '2', "$label: status 2, and nothing is printed";
    like $err, $expected, "$label: says why";
    is $err =~ tr/\n//, 1, "$label: in one line";
}

sub same {
    my ($label, @arguments) = @_;
    my ($out, $err, $code) = memdiff(@arguments);
    is "$err$code", '0', $label or diag $out;
}

my $alone = write_file('alone.json', $touch);
my $pretty = write_file('pretty.json', JSON::PP->new->pretty->canonical->encode($document));
same('FILE:NAME, and a file with one document', '--file', $file, "$file:touch", $alone);
same('a document in many lines', '--file', $file, 'first', $pretty);
(my $renamed = $touch) =~ s/"name":"touch"/"name":"first"/;
same('the last of a name counts', '--file', write_file('twice', "$first\n$renamed"), 'first', $alone);
same('what is cut short behind it does no harm', '--file', write_file('behind', $touch . substr $first, 0, 2000), 'touch', $alone);

refused('no such name', qr/^memdiff: no snapshot "nothing": .+ has end, first, /, '--file', $file, 'first', 'nothing');
refused('no such file', qr/^memdiff: \S+none: no such file/, '--file', "$folder/none", 'first', 'touch');
refused('a folder', qr/^memdiff: \S+: Is a directory$/, '--file', $folder, 'first', 'touch');
refused('an empty file', qr/has no snapshots$/, '--file', write_file('empty', ''), 'first', 'touch');
refused('a file with many', qr/more than one document; .+:NAME says which$/, $file, $alone);
refused('one argument', qr/^memdiff: .*usage: make memdiff A=NAME B=NAME/, 'first');
refused('an empty argument', qr/two snapshots are needed/, 'first', '');
refused('cut short', qr/first: broken JSON/, '--file', write_file('cut', substr $first, 0, 2000), 'first', $alone);
refused('no JSON', qr/broken JSON/, $alone, write_file('text', "hello\n"));
refused('brackets without end', qr/broken JSON/, $alone, write_file('deep', '[' x 100_000));
refused('other JSON', qr/no snapshot of Attic/, $alone, write_file('list', "[1]\n"));
(my $newer = $first) =~ s/"version":1/"version":2/;
refused('another version', qr/format version 2; this program reads 1$/, $alone, write_file('newer', $newer));
for my $key (sort keys %$document) {
    my %less = %$document;
    delete $less{$key};
    next if $key eq 'uptime_ms';
    refused("without $key", qr/^memdiff: \S*less: /, $alone, write_file('less', encode_json(\%less)));
}
for my $wrong ({ frames => [[1, 2]] }, { frames => [[1, 2, [], 1]] }, { regions => [{ name => 'null', start => 0, end => 1 }] }, { tasks => [{}] }, { spaces => 7 }, { kernel => { %{ $document->{kernel} }, pdes => [{}] } }) {
    my ($key) = keys %$wrong;
    refused("wrong $key", qr/not as docs\/snapshot\.schema\.json has it/, $alone, write_file('wrong', encode_json({ %$document, %$wrong })));
}

# ---- changes that are made up ----

# What memdiff says of a document after the code has changed it; it gets a deep copy.
sub after {
    my ($document, $change) = @_;
    my $copy = decode_json(encode_json($document));
    $change->($copy);
    my ($out, $err) = memdiff(write_file('before', encode_json($document)), write_file('after', encode_json($copy)));
    return $err . $out;
}

# Each: what is changed, and all that is said of it.
my $forked = decode_json((grep { /"name":"fork"/ } @lines)[0]);
my ($parent, $child) = sort { $a->{pid} <=> $b->{pid} } grep { $_->{pgd} } @{ $forked->{tasks} };
my $who = "process $child->{pid} \\(steps\\)";

sub child_of {
    my ($in) = @_;
    return (grep { $_->{pid} == $child->{pid} } @{ $in->{tasks} })[0];
}

sub space_of_child {
    my ($in) = @_;
    my $pgd = child_of($in)->{pgd};
    return (grep { $_->{pgd} eq $pgd } @{ $in->{spaces} })[0];
}

sub expect_after {
    my ($label, $change, @lines_expected) = @_;
    my $expected = join '', map { "$_\n" } @lines_expected;
    like after($forked, $change), qr/\A$expected\z/, $label;
}

expect_after('nothing but a turn', sub { child_of($_[0])->{state} = 'ready' }, 'Nothing has changed from fork to fork\\.');
expect_after('hot frames', sub { $_->[2] = 'hot' for grep { $_->[2] eq 'buddy' } @{ $_[0]{frames} } }, 'Nothing has changed .*');
expect_after('a signal', sub { child_of($_[0])->{state} = 'stopped' }, "$who has been stopped");
expect_after('another parent', sub { child_of($_[0])->{ppid} = 1 }, "$who: its ppid is 1, was $parent->{pid}");
expect_after('a zombie', sub {
    my $space = space_of_child($_[0]);
    $_[0]{spaces} = [grep { $_ ne $space } @{ $_[0]{spaces} }];
    @{ child_of($_[0]) }{qw(state pgd)} = ('zombie', undef);
}, "task $child->{pid} \\(steps\\) has ended, and its parent has not asked for it yet",
    "task $child->{pid} \\(steps\\) has no address space any more");
expect_after('a program that execs', sub {
    space_of_child($_[0])->{pgd} = '0x00123000';
    @{ child_of($_[0]) }{qw(comm pgd)} = ('hello', '0x00123000');
}, "process $child->{pid} \\(hello\\) was steps",
    "process $child->{pid} \\(hello\\) has a new address space, page directory 0x00123000: 6 areas, \\d+ pages mapped: .*");
expect_after('vfork', sub {
    push @{ $_[0]{tasks} }, { %$child, pid => 4000, ppid => $child->{pid} };
}, "process 4000 \\(steps\\) is new, in the address space of $child->{pid} \\(steps\\) \\(vfork\\)");
expect_after('a heap', sub { space_of_child($_[0])->{heap_end} = '0x0804d010' },
    "$who: the heap is $AT-0x0804d010, was $AT-$AT");
expect_after('a stack that grows', sub {
    my ($stack) = grep { ($_->{name} // '') eq '[stack]' } @{ space_of_child($_[0])->{vmas} };
    $stack->{start} = sprintf '0x%08x', hex($stack->{start}) - 8192;
}, "$who: area $AT-$AT \\(2 pages; rw-p, \\[stack\\]\\) is new, grown from what is beside it");
expect_after('an area cut short', sub {
    my ($area) = grep { $_->{start} eq $from } @{ space_of_child($_[0])->{vmas} };
    $area->{end} = $to;
}, "$who: area $to-$AT \\(4 pages; rw-p, no name\\) is gone, cut off what is beside it");
expect_after('a right', sub {
    my ($run) = grep { $_->{start} eq $from } @{ space_of_child($_[0])->{mappings} };
    $run->{bits} = 'US';
}, "$who: pages $from-$to \\(4 pages\\): $FRAMES: read-only -> without any right, A cleared(?:, D cleared)?");
expect_after('the other half', sub { space_of_child($_[0])->{kernel_differs} = [800] },
    "$who: directory entries that are not the kernel's: \\[800\\], was \\[\\]");
expect_after('an address space of nobody', sub {
    push @{ $_[0]{spaces} }, { %{ space_of_child($_[0]) }, pgd => '0x00123000' };
}, 'page directory 0x00123000, which no task has, has a new address space, .*');
expect_after('a page of every second kind', sub {
    space_of_child($_[0])->{mappings} = [map { { start => sprintf('0x%08x', 0x20000000 + 8192 * $_),
        end => sprintf('0x%08x', 0x20001000 + 8192 * $_), bits => 'P US', frames => [[$document->{memory}{zero_frame}, 1]] } } 1 .. 40];
}, ("$who: .*") x 16, "$who: and \\d\\d more changes of its pages");
expect_after('a vmap', sub {
    push @{ $_[0]{kernel}{areas} }, { start => '0xff000000', end => '0xff002000', kind => 'vmap', pages => 1, caller => 'here+0x1/0x2',
        caller_address => '0xc0100001', mappings => [{ start => '0xff000000', end => '0xff001000', bits => 'P RW A D G', frames => [[0, 1]] }] };
}, 'vmalloc area 0xff000000-0xff002000 \\(1 page, vmap, by here\\+0x1\\) is new: shows frame 0x0000, of page 0');
expect_after('a device that is given up', sub {
    $_[0]{kernel}{areas} = [grep { $_->{kind} ne 'ioremap' } @{ $_[0]{kernel}{areas} }];
}, 'vmalloc area .* \\(1 page, ioremap, by edu_bind\\+.*\\) is gone: showed a device at frame 0xfea00');
expect_after('a page of an area', sub { $_[0]{kernel}{areas}[0]{mappings}[0]{bits} = 'P A D G' },
    'vmalloc area .*: pages .* \\(2 pages\\): frame (\\w+) \\[P A D G\\], was frame \\g{-1} \\[P RW A D G\\]');
expect_after('another machine', sub {
    my ($in) = @_;
    $in->{memory}{ram_frames} = 1;
    shift @{ $in->{regions} };
    shift @{ $in->{kernel}{pdes} };
    shift @{ $in->{kernel}{mappings} };
    shift @{ $in->{frames} };
}, 'memory: ram_frames is 1, was \\d+', 'region null: not there, was 0x00000000-0x00010000',
    'kernel: directory entry 768 \\(0xc0000000\\): page table in frame 0x\\w{4} \\[P RW A\\] is gone',
    'kernel: pages 0xc0000000-0xc0\\w{6} \\(\\d+ pages\\): nothing, was frame 0x0000 \\[P RW A D G\\]',
    '1 frame of page 0 now of no RAM: frame 0x0000');

# ---- through make ----

sub make {
    my ($input, @arguments) = @_;
    local @ENV{qw(MAKEFLAGS MAKELEVEL)} = (($ENV{MAKEFLAGS} // '') =~ /(-- .*)/s ? $1 : '');
    my @command = ('make', '--no-print-directory', '-C', $root, 'BUILD=' . abs2rel(build_dir(), $root),
        ($ENV{CC} ? "CC=$ENV{CC}" : ()), @arguments);
    my $in = write_file('in', $input);
    open my $from, '-|', 'sh', '-c', "cat '$in' | \"\$\@\" 2>&1", 'sh', @command or die "make: $!\n";
    my $out = do { local $/; <$from> };
    close $from;
    return ($out, $? >> 8);
}

my $snapshots = "$folder/made by make";
write_file('made by make', "of a run before\n");
my ($ran, $ended) = make("snapshot a\nvmalloc 4K\nsnapshot b\n", 'run', "SNAPSHOTS=$snapshots", 'TIMEOUT=60', 'CMDLINE=');
is $ended, 0, 'make run' or diag $ran;
is slurp($snapshots) =~ tr/\n//, 2, 'SNAPSHOTS= is the file, with the snapshots of this run';
my ($diff, $code) = make('', 'memdiff', "SNAPSHOTS=$snapshots", 'A=a', 'B=b');
like $diff, qr/\Avmalloc area .* \(1 page, vmalloc, by monitor_vmalloc\+0x0\) is new: /, 'make memdiff';
is $code, 0, 'for which a change is no failure';
($diff, $code) = make('', 'memdiff', "SNAPSHOTS=$snapshots", 'A=a', 'B=c');
like $diff, qr/^memdiff: no snapshot "c": .* has a, b$/m, 'but trouble is';
is $code, 2, 'one';

done_testing;
