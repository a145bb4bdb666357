#!/usr/bin/perl
# Snapshots as a reader gets them: each document fits its schema and says what the tables in physical memory say, read through
# QEMU's monitor without a word from Attic; and memdiff, which compares them, says in words what each of the steps of user/steps.c
# did.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp symbols);
use Fcntl qw(O_RDWR);
use File::Spec::Functions qw(abs2rel);
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(mkfifo);
use Test::More;

use constant {
    C => 0xC0000000, P => 1, PS => 0x80, SOFTWARE => 0xe00, FRAME => 0xFFFFF000,
    F_SETPIPE_SZ => 1031,
};
my @BITS = qw(P RW US PWT PCD A D PAT G);
my @FREE = qw(buddy hot);

my $root = root_dir();
my $symbols = symbols();
my $folder = tempdir('attic-snapshot-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# ---- documents ----

# Each line of the file as a document, by name; the last of a name counts.
sub documents {
    my ($file) = @_;
    return { map { my $document = decode_json($_); $document->{name} => $document } split /\n/, slurp($file) };
}

# What a validator of JSON Schema has against the documents of these files, or against the schema itself.
sub invalid {
    my $program = <<'END';
import json, sys
from jsonschema import Draft7Validator
schema = json.load(open(sys.argv[1]))
Draft7Validator.check_schema(schema)
for path in sys.argv[2:]:
    for line in open(path):
        for error in Draft7Validator(schema).iter_errors(json.loads(line)):
            print(path, '/'.join(map(str, error.absolute_path)), error.message)
END
    open my $from, '-|', 'python3', '-c', $program, "$root/docs/snapshot.schema.json", @_ or die "python3: $!\n";
    my $said = do { local $/; <$from> };
    return $said . (close($from) ? '' : "python3 has failed\n");
}

sub without_time {
    my %document = %{ $_[0] };
    delete @document{qw(name uptime_ms)};
    return \%document;
}

# Runs of directory entries as a list of [frame, bits] by index.
sub entries {
    my %entry;
    for my $run (@{ $_[0] }) {
        my $step = $run->{bits} =~ /PS/ ? 1024 : 1;
        $entry{ $run->{index} + $_ } = join ' ', (hex($run->{phys}) >> 12) + $_ * $step, $run->{bits} for 0 .. $run->{count} - 1;
    }
    return \%entry;
}

# Runs of pages as "frame bits" by page number; of 4 MiB pages the first 4 KiB stand for all.
sub pages {
    my %page;
    for my $run (map { @$_ } @_) {
        my ($at, $step) = (hex($run->{start}) >> 12, $run->{bits} =~ /PS/ ? 1024 : 1);
        for (@{ $run->{frames} }) {
            my ($first, $count) = @$_;
            for (my $i = 0; $i < $count; $i += $step) {
                $page{ $at + $i } = join ' ', $first + $i, $run->{bits};
            }
            $at += $count;
        }
        die "$run->{start}: frames and pages differ\n" if $at << 12 != hex $run->{end};
    }
    return \%page;
}

# ---- the tables, from outside ----

sub bits {
    my ($entry, $directory) = @_;
    return join ' ', map { $_ == 7 && $directory ? 'PS' : $BITS[$_] } grep { $entry >> $_ & 1 } 0 .. $#BITS;
}

sub words {
    my ($vm, $phys, $count) = @_;
    return unpack 'V*', $vm->physical($phys, 4 * $count);
}

# The entries of a directory that are not 0, and all it maps from index `from` to `to`, in the form of entries() and pages(). In the
# kernel's half what is not present maps nothing, and may be a note of the vmalloc area.
sub walk {
    my ($vm, $phys, $from, $to) = @_;
    my @directory = words($vm, $phys, 1024);
    my (%entry, %page);
    for my $index (grep { $directory[$_] } $from .. $to) {
        my $pde = $directory[$index];
        $entry{$index} = join ' ', $pde >> 12, bits($pde, 1);
        if ($pde & PS) {
            $page{ $index << 10 } = join ' ', $pde >> 12, bits($pde, 1);
            next;
        }
        my @table = words($vm, $pde & FRAME, 1024);
        for my $i (grep { $index < 768 ? $table[$_] : $table[$_] & P } 0 .. 1023) {
            $page{ ($index << 10) + $i } = join ' ', $table[$i] >> 12, bits($table[$i] & ~SOFTWARE, 0);
        }
    }
    return (\%entry, \%page);
}

sub variable {
    my ($vm, $name) = @_;
    return (words($vm, $symbols->{$name} - C, 1))[0];
}

# Owner and references of each frame that has a block, from the array of struct pages.
sub owners {
    my ($vm) = @_;
    my @names = (undef, 'buddy', 'hot', 'other', 'slab', 'vmalloc', 'process tables', 'user pages', 'file pages');
    my $count = variable($vm, 'max_pfn');
    my $map = $vm->physical(variable($vm, 'mem_map') - C, 16 * $count);
    my %owner;
    for (my $pfn = 0; $pfn < $count;) {
        my ($type, undef, $order, $head, $references) = unpack 'CCCCV', substr $map, 16 * $pfn, 8;
        my $size = $head ? 1 << $order : 1;
        $owner{ $pfn + $_ } = "$names[$type] $references" for $head ? 0 .. $size - 1 : ();
        $pfn += $size;
    }
    return \%owner;
}

# ---- each machine ----

sub check_machine {
    my ($label, %o) = @_;
    my $file = build_dir() . "/test-logs/snapshot-$label.jsonl";
    my $vm = Attic->boot(name => "snapshot-$label", hmp => 1, snapshots => $file, %o);
    defined $vm->expect(Attic::PROMPT) or BAIL_OUT $vm->describe;
    $vm->command('vmalloc 20K');
    my ($pid) = $vm->command('run steps &') =~ /^steps\[(\d+)\]/m;
    $vm->command("run steps $pid") for 1 .. 4;
    my ($bytes) = $vm->command('snapshot one') =~ /^snapshot: one: (\d+) bytes sent$/m;
    like $vm->command('snapshot two'), qr/\Asnapshot: two: \d+ bytes sent\n\z/, "$label: snapshot says what it has sent";
    my $uptime_before = $vm->command('snapshot three');
    $vm->hmp('stop');

    my $said = invalid($file);
    is $said, '', "$label: the schema holds";
    my $documents = documents($file);
    my ($one, $two) = @$documents{qw(one two)};
    is $bytes, index(slurp($file), "\n") + 1, "$label: so many bytes came";
    is_deeply without_time($one), without_time($two), "$label: two in a row are the same";
    cmp_ok $two->{uptime_ms}, '>=', $one->{uptime_ms}, "$label: but for the time";
    check_kernel($label, $vm, $two);
    check_spaces($label, $vm, $two, $pid);
    check_frames($label, $vm, $two);
    $vm->hmp('cont');
    like $vm->command('audit'), qr/all invariants hold/, "$label: and nothing is wrong afterwards";
    $vm->kill_now;
}

sub check_kernel {
    my ($label, $vm, $document) = @_;
    my $kernel = $document->{kernel};
    my ($entries, $pages) = walk($vm, $symbols->{swapper_pg_dir} - C, 0, 1023);
    is hex $kernel->{pgd}, $symbols->{swapper_pg_dir} - C, "$label: the master directory";
    is_deeply entries($kernel->{pdes}), $entries, "$label: its entries";
    is_deeply pages($kernel->{mappings}, map { $_->{mappings} } @{ $kernel->{areas} }), $pages, "$label: all that it maps";
    for my $area (@{ $kernel->{areas} }) {
        my $count = keys %{ pages($area->{mappings}) };
        is $count, $area->{pages}, "$label: area $area->{start}: all its pages are mapped" if $count != $area->{pages};
        is hex($area->{end}) - hex($area->{start}), 4096 * ($count + 1), "$label: area $area->{start}: and a guard"
            if hex($area->{end}) - hex($area->{start}) != 4096 * ($count + 1);
    }
    my %regions = map { $_->{name} => $_ } @{ $document->{regions} };
    is hex($regions{lowmem}{end}) - C, variable($vm, 'lowmem_size'), "$label: where lowmem ends";
    is hex($regions{vmalloc}{start}), variable($vm, 'vmalloc_start'), "$label: where the vmalloc area starts";
    is $document->{regions}[$_]{start}, $document->{regions}[$_ - 1]{end}, "$label: no gap below $document->{regions}[$_]{name}"
        for 1 .. $#{ $document->{regions} };
    my ($mine) = grep { $_->{caller} =~ /^monitor_vmalloc\+/ } @{ $kernel->{areas} };
    is_deeply [@$mine{qw(kind pages)}], ['vmalloc', 5], "$label: the area that was made by hand";
    is hex $mine->{caller_address}, $symbols->{monitor_vmalloc}, "$label: and by whom";
}

sub check_spaces {
    my ($label, $vm, $document, $pid) = @_;
    my %space = map { $_->{pgd} => $_ } @{ $document->{spaces} };
    my @tasks = grep { $_->{pgd} } @{ $document->{tasks} };
    is scalar @tasks, 2, "$label: two processes";
    is_deeply [sort keys %space], [sort map { $_->{pgd} } @tasks], "$label: with an address space each";
    for my $task (@tasks) {
        my ($entries, $pages) = walk($vm, hex $task->{pgd}, 0, 767);
        is_deeply entries($space{ $task->{pgd} }{pdes}), $entries, "$label: process $task->{pid}: its directory";
        is_deeply pages($space{ $task->{pgd} }{mappings}), $pages, "$label: process $task->{pid}: all that it maps";
        is_deeply $space{ $task->{pgd} }{kernel_differs}, [], "$label: process $task->{pid}: the kernel's half";
    }
    is_deeply [sort map { "$_->{comm} $_->{state}" } @{ $document->{tasks} }],
        ['idle ready', 'init running', 'steps sleeping', 'steps sleeping'], "$label: names and states";
    is $tasks[1]{ppid}, $pid, "$label: the child's parent";
}

sub check_frames {
    my ($label, $vm, $document) = @_;
    my ($sum, $free, @wrong, %told) = (0, 0);
    for (@{ $document->{frames} }) {
        my ($first, $count, $owner, $references) = @$_;
        $sum += $count;
        $free += $count if grep { $_ eq $owner } @FREE;
        $told{ $first + $_ } = "$owner $references" for 0 .. $count - 1;
    }
    is $sum, $document->{memory}{ram_frames}, "$label: the frames are all of RAM";
    is $free, $document->{memory}{free_frames}, "$label: and so many are free";
    my $owners = owners($vm);
    for (sort { $a <=> $b } keys %$owners) {
        push @wrong, "frame $_: $owners->{$_}, not " . ($told{$_} // 'nothing') if ($told{$_} // '') ne $owners->{$_};
    }
    is "@wrong[0 .. ($#wrong > 4 ? 4 : $#wrong)]", '', "$label: owner and references of each frame";
    cmp_ok scalar keys %$owners, '>', 1000, "$label: which are many";
}

check_machine('8M', mem => '8M');
check_machine('lowmem', mem => '128M', cmdline => 'lowmem=8M');
check_machine('4G', mem => '4G', cmdline => 'vmalloc=64M');

# ---- memdiff ----

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

my $file = build_dir() . '/test-logs/snapshot-steps.jsonl';
my $vm = Attic->boot(name => 'snapshot-steps', snapshots => $file);
defined $vm->expect(Attic::PROMPT) or BAIL_OUT $vm->describe;
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

refused('no such name', qr/^memdiff: no snapshot "nothing": \S+ has end, first, /, '--file', $file, 'first', 'nothing');
refused('no such file', qr/^memdiff: \S+none: no such file/, '--file', "$folder/none", 'first', 'touch');
refused('a folder', qr/^memdiff: \S+: Is a directory$/, '--file', $folder, 'first', 'touch');
refused('an empty file', qr/has no snapshots$/, '--file', write_file('empty', ''), 'first', 'touch');
refused('a file with many', qr/more than one document; \S+:NAME says which$/, $file, $alone);
refused('one argument', qr/^memdiff: .*usage: make memdiff A=NAME B=NAME/, 'first');
refused('an empty argument', qr/two snapshots are needed/, 'first', '');
refused('cut short', qr/first: broken JSON/, '--file', write_file('cut', substr $first, 0, 2000), 'first', $alone);
refused('no JSON', qr/broken JSON/, $alone, write_file('text', "hello\n"));
refused('other JSON', qr/no snapshot of Attic/, $alone, write_file('list', "[1]\n"));
(my $newer = $first) =~ s/"version":1/"version":2/;
refused('another version', qr/format version 2; this program reads 1$/, $alone, write_file('newer', $newer));
for my $key (sort keys %$document) {
    my %less = %$document;
    delete $less{$key};
    next if $key eq 'uptime_ms';
    refused("without $key", qr/^memdiff: \S*less: /, $alone, write_file('less', encode_json(\%less)));
}
for my $wrong ({ frames => [[1, 2]] }, { tasks => [{}] }, { spaces => 7 }, { kernel => { %{ $document->{kernel} }, pdes => [{}] } }) {
    my ($key) = keys %$wrong;
    refused("wrong $key", qr/not as docs\/snapshot\.schema\.json has it/, $alone, write_file('wrong', encode_json({ %$document, %$wrong })));
}

# A machine that differs in what no program can change.
my %other = (%$document, memory => { %{ $document->{memory} }, ram_frames => 1 }, regions => [@{ $document->{regions} }[1 .. 7]]);
$other{kernel} = { %{ $document->{kernel} }, pdes => [@{ $document->{kernel}{pdes} }[1 .. 3]], mappings => [] };
$other{frames} = [@{ $document->{frames} }[1 .. $#{ $document->{frames} }]];
($said) = memdiff($pretty, write_file('other', encode_json(\%other)));
like $said, $_, "another machine: $_"
    for qr/^memory: ram_frames is 1, was \d+$/m, qr/^region null: not there, was 0x00000000-0x00010000$/m,
    qr/^kernel: directory entry 768 \(0xc0000000\): page table in frame 0x\w{4} \[P RW A\] is gone$/m,
    qr/^kernel: pages 0xc0000000-0xc0\w{6} \(\d+ pages\): nothing, was frame 0x0000 \[P RW A D G\]$/m,
    qr/^1 frame of page 0 now of no RAM: frame 0x0000$/m;

# ---- make run, and machines where it cannot work ----

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

my $none = Attic->run(name => 'snapshot-none', input => "snapshot x\nsnapshot\nsnapshot a/b\nsnapshot @{['a' x 33]}\n"
    . "vmalloc 0\nvmalloc 1x\nvmalloc 5G\nvfree x\nvfree 0xc0100000\npoweroff\n");
my $say = $none->output;
like $say, qr/^snapshot: this machine has no second serial port, where it would go; `make run` gives it one\n/m, 'no second port: one line';
is scalar(() = $say =~ /^usage: snapshot NAME/mg), 3, 'a name that is none: one line';
is scalar(() = $say =~ /^usage: vmalloc SIZE; a size/mg), 2, 'a size that is none: one line';
like $say, qr/^vmalloc: no frames, or no addresses, for 5G\n/m, 'a size that is too much';
like $say, qr/^usage: vfree ADDR;.*\n.*\nvfree: 0xc0100000 is not the start of an area/m, 'an address that is none, and one of somebody else';
is $none->status, 'pass', 'and Attic goes on';

# A listener that does not listen: a pipe that is full.
mkfifo("$folder/pipe.$_", 0600) for qw(in out);
sysopen my $pipe, "$folder/pipe.out", O_RDWR or die "$folder/pipe.out: $!\n";
fcntl $pipe, F_SETPIPE_SZ, 4096 or die "F_SETPIPE_SZ: $!\n";
my $deaf = Attic->boot(name => 'snapshot-deaf', silence => 60, extra => ['-serial', "pipe:$folder/pipe"]);
defined $deaf->expect(Attic::PROMPT) or BAIL_OUT $deaf->describe;
$deaf->command('run forever sleep &');
like $deaf->command('snapshot x', 60), qr/^snapshot: the second serial port takes nothing more after \d+ bytes: x is cut short\n/m,
    'a port that takes nothing more: one line';
sysread $pipe, my $rest, 4096;
$deaf->kill_now;

done_testing;
