#!/usr/bin/perl
# Snapshots as a reader gets them: each document fits its schema and says what the tables in physical memory say, read through
# QEMU's monitor without a word from Attic. And machines from which none can come.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp symbols);
use Fcntl qw(O_RDWR);
use File::Temp qw(tempdir);
use JSON::PP;
use List::Util qw(sum);
use POSIX qw(mkfifo);
use Snapshots qw(documents invalid);
use Test::More;

use constant {
    C => 0xC0000000, P => 1, PS => 0x80, SOFTWARE => 0xe00, FRAME => 0xFFFFF000,
    F_SETPIPE_SZ => 1031,
};
my @BITS = qw(P RW US PWT PCD A D PAT G);

my $symbols = symbols();
my $folder = tempdir('attic-snapshot-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# ---- documents ----

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

# Runs of pages as "frame bits" by page number; of 4 MiB pages the first 4 KiB stand for all. No two runs could be one.
sub pages {
    my (%page, $last);
    for my $run (map { @$_ } @_) {
        die "$run->{start}: goes on what was before\n" if $last && $last->{end} eq $run->{start} && $last->{bits} eq $run->{bits};
        $last = $run;
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

# Runs of frames that have a block, from the array of struct pages: first frame, count, owner, references.
my @OWNERS = (undef, 'buddy', 'hot', 'other', 'slab', 'vmalloc', 'process tables', 'user pages', 'file pages');

sub frame_runs {
    my ($vm) = @_;
    my $count = variable($vm, 'max_pfn');
    my $map = $vm->physical(variable($vm, 'mem_map') - C, 16 * $count);
    my @runs;
    for (my ($pfn, $size) = (0); $pfn < $count; $pfn += $size) {
        my ($type, undef, $order, $head, $references) = unpack 'CCCCV', substr $map, 16 * $pfn, 8;
        $size = $head ? 1 << $order : 1;
        next unless $head;
        my $last = $runs[-1];
        if ($last && $last->[0] + $last->[1] == $pfn && "@$last[2, 3]" eq "$OWNERS[$type] $references") {
            $last->[1] += $size;
        } else {
            push @runs, [$pfn, $size, $OWNERS[$type], $references];
        }
    }
    return \@runs;
}

# ---- each machine ----

sub check_machine {
    my ($label, %o) = @_;
    my $file = build_dir() . "/test-logs/snapshot-$label.jsonl";
    my $vm = Attic->boot(name => "snapshot-$label", hmp => 1, snapshots => $file, silence => 100, %o);
    defined $vm->expect(Attic::PROMPT) or die $vm->describe;
    $vm->command('vmalloc 20K');
    my ($pid) = $vm->command('run steps &') =~ /^steps\[(\d+)\]/m;
    $vm->command("run steps $pid") for 1 .. 4;
    my ($bytes) = $vm->command('snapshot one') =~ /^snapshot: one: (\d+) bytes sent$/m;
    like $vm->command("snapshot two"), qr/\Asnapshot: two: \d+ bytes sent\n\z/, "$label: snapshot says what it has sent";
    $vm->hmp('stop');

    is invalid($file), '', "$label: the schema holds";
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
    my %count;
    $count{ $_->[2] } += $_->[1] for @{ $document->{frames} };
    is sum(values %count), $document->{memory}{ram_frames}, "$label: the frames are all of RAM";
    is sum(map { $_ // 0 } @count{qw(buddy hot)}), $document->{memory}{free_frames}, "$label: and so many are free";
    my %in_blocks = map { $_ => 1 } @OWNERS[1 .. $#OWNERS];
    is_deeply [grep { $in_blocks{ $_->[2] } } @{ $document->{frames} }], frame_runs($vm), "$label: owner and references of each";
    my @overlap = grep { $document->{frames}[$_ - 1][0] + $document->{frames}[$_ - 1][1] > $document->{frames}[$_][0] }
        1 .. $#{ $document->{frames} };
    is "@overlap", '', "$label: and no frame twice";
}

# Every member of the schema, wherever it is, says what it means.
sub undescribed {
    my ($schema, $where) = @_;
    my @found = map { my $key = $_; ($schema->{properties}{$key}{description} // '') =~ /\w{2}/ ? () : "$where.$key" }
        sort keys %{ $schema->{properties} || {} };
    my %inside = (%{ $schema->{properties} || {} }, %{ $schema->{definitions} || {} });
    my @items = !$schema->{items} ? () : ref $schema->{items} eq 'ARRAY' ? @{ $schema->{items} } : $schema->{items};
    push @found, "$where\[]" if grep { !$_->{description} } @items;
    return (@found, map({ undescribed($inside{$_}, "$where.$_") } sort keys %inside), map { undescribed($_, "$where\[]") } @items);
}

my $schema = decode_json(slurp(root_dir() . '/docs/snapshot.schema.json'));
is join(' ', undescribed($schema, '')), '', 'the schema describes every member';

check_machine('8M', mem => '8M');
check_machine('lowmem', mem => '128M', cmdline => 'lowmem=8M');
check_machine('4G', mem => '4G', cmdline => 'vmalloc=64M');

# ---- machines where it cannot work ----

my $none = Attic->run(name => 'snapshot-none', input => "snapshot x\nsnapshot\nsnapshot a/b\nsnapshot @{['a' x 33]}\n"
    . "vmalloc 0\nvmalloc 1x\nvmalloc 5G\nvfree x\nvfree 0xc0100000\nvfree 0xf7c00000\npoweroff\n");
my $say = $none->output;
like $say, qr/^snapshot: this machine has no second serial port, where it would go; `make run` gives it one\n/m, 'no second port: one line';
is scalar(() = $say =~ /^usage: snapshot NAME/mg), 3, 'a name that is none: one line';
is scalar(() = $say =~ /^usage: vmalloc SIZE; a size/mg), 2, 'a size that is none: one line';
like $say, qr/^vmalloc: no frames, or no addresses, for 5G\n/m, 'a size that is too much';
like $say, qr/^usage: vfree ADDR;/m, 'an address that is none';
like $say, qr/^vfree: $_ is not the start of an area that "vmalloc" made here$/m, "vfree $_: not one of its own" for qw(0xc0100000 0xf7c00000);
is $none->status, 'pass', 'and Attic goes on';

# A listener that does not listen: a pipe that is full.
mkfifo("$folder/pipe.$_", 0600) for qw(in out);
sysopen my $pipe, "$folder/pipe.out", O_RDWR or die "$folder/pipe.out: $!\n";
fcntl $pipe, F_SETPIPE_SZ, 4096 or die "F_SETPIPE_SZ: $!\n";
my $deaf = Attic->boot(name => 'snapshot-deaf', silence => 60, extra => ['-serial', "pipe:$folder/pipe"]);
defined $deaf->expect(Attic::PROMPT) or die $deaf->describe;
$deaf->command('run forever sleep &');
like $deaf->command('snapshot x', 60), qr/^snapshot: the second serial port takes nothing more after \d+ bytes: x is cut short\n/m,
    'a port that takes nothing more: one line';
sysread $pipe, my $rest, 4096;
fcntl $pipe, F_SETPIPE_SZ, 1 << 20 or die "F_SETPIPE_SZ: $!\n";
like $deaf->command('snapshot y', 60), qr/^snapshot: y: \d+ bytes sent$/m, 'when somebody listens again, the next one comes';
sysread $pipe, $rest, 1 << 20, length $rest;
my ($cut, @whole) = split /\n/, $rest;
is_deeply [map { decode_json($_)->{name} } @whole], ['y'], 'in a line of its own';
ok !eval { decode_json($cut) }, 'behind what was cut short';
$deaf->kill_now;

done_testing;
