#!/usr/bin/perl
# The monitor as a user meets it: `make run` with input piped in, each command's output, line editing, and a lot of input at
# once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir symbols);
use Test::More;

# ---- make run, as it is ----

# What `make run` prints on standard output and on standard error, and its exit status, with this on standard input.
sub make_run {
    my ($input, @variables) = @_;
    my $dir = build_dir() . '/test-logs';
    my ($in, $out, $err) = map { "$dir/make-run.$_" } qw(in out err);
    open my $to, '>:raw', $in or die "$in: $!\n";
    print $to $input;
    close $to;
    my @command = ('make', '--no-print-directory', '-C', root_dir(), 'run', 'TIMEOUT=60', ($ENV{CC} ? "CC=$ENV{CC}" : ()), @variables);
    my $status = Attic::with_make(sub { system('sh', '-c', "cat '$in' | \"\$\@\" > '$out' 2> '$err'", 'sh', @command) });
    return (Attic::slurp($out) =~ tr/\r//dr, Attic::slurp($err), $status >> 8);
}

my $high;
my ($out, $err, $status) = make_run("help\nlayout\nrun counter\npoweroff\n");
is $status, 0, 'make run with piped input ends with status 0' or diag $err;
is $err, '', 'and nothing on standard error';
like $out, qr/^attic> help\nhelp .*^attic> layout\n.*0xC0000000.*^attic> run counter\n.*exit status 0.*^attic> poweroff\n/msi,
    'and all of it is on standard output' or diag $out;

# What there is to run, and what for: /etc/programs has the words, from the sources.
my ($listed) = make_run("programs\nhelp run\n");
my @texts = split /\n/, qx('@{[ root_dir() ]}/scripts/rooms' programs);
cmp_ok scalar @texts, '>=', 8, 'there are programs to look at';
for (@texts) {
    my ($name, $text) = /^(\S+) (.+)$/;
    is scalar(() = $listed =~ /^\Q@{[ sprintf '%-12s', $name ]} $text\E$/mg), 2, "programs and help run: $name, and what it is for";
}
like $listed, qr/^Others: (?:.*\n)+? .*\bfork_test\b/m, 'tests are only named' or diag $listed;
is join("\n", grep { length > 80 } $listed =~ /^attic> programs\n(.*)/ms ? split /\n/, $1 : 'none'), '', 'in 80 columns';

($out, $err, $status) = make_run("audit");
is $status, 0, 'input that ends without poweroff, and without a newline, ends the run as well';
like $out, qr/^attic> audit\n.*^attic> poweroff\n/ms, 'after its last line';

($out, $err, $status) = make_run('');
is $status, 0, 'no input at all';

($out, $err, $status) = make_run("crash panic\n");
isnt $status, 0, 'a panic is a failure of make run';
like $err, qr/^qemu: the kernel panicked$/m, 'and is told in one line';

($out, $err, $status) = make_run('', 'CMDLINE=ktest=printf.*');
is $status, 0, 'CMDLINE="ktest=printf.*" runs self-tests' or diag $out, $err;
like $out, qr/^ok 1 printf\./m, 'with their results';

($out, $err, $status) = make_run("meminfo\n", 'MEM=16M', 'CMDLINE=');
like $out, qr/\b1[56][ .\d]*(?:MiB|\d\d\d kB)/, 'MEM=16M is the size of the machine' or diag $out;

($out, $err, $status) = make_run("meminfo\nbuddyinfo\n", 'MEM=1G', 'CMDLINE=');
($high) = $out =~ /^HighTotal: +(\d+) kB$/m;
cmp_ok $high // 0, '>', 100 << 10, 'MEM=1G has high memory' or diag $out;
cmp_ok abs($high - ($out =~ /^HighFree: +(\d+) kB$/m)[0]), '<', 4 << 10, 'nearly all of it free';
like $out, qr/^Node 0, zone  HighMem(?: +\d+){11} *$/m, 'buddyinfo: it is a zone';

# What the kernel does not know is told, as it was typed.
($out, $err, $status) = make_run('', 'CMDLINE=vmaloc=64M quiet ktest vmalloc=3M lowmem=1M mem=3M bench');
like $out, qr/^Kernel option "\Q$_\E" is unknown and ignored; .*vmalloc=/m, "option $_: unknown" for qw(vmaloc=64M quiet);
like $out, qr/^Kernel option "ktest" has no value/m, 'option ktest without a value';
like $out, qr/^$_ is /m, "$_: quoted as typed" for qw(vmalloc=3M lowmem=1M mem=3M);
unlike $out, qr/^Kernel option "(?:bench|.*=[31]M)"/m, 'known options are not complained about';

($out, $err, $status) = make_run('', 'CMDLINE=ktest=nothing*');
isnt $status, 0, 'self-tests that do not exist fail';
like $err, qr/^qemu: .*none of that name/m, 'and it is not said that one failed';

# ---- each command ----

my $vm = Attic->boot(name => 'monitor');
ok defined $vm->expect(Attic::PROMPT), 'the prompt' or die $vm->describe;

my $help = $vm->command('help');
like $help, qr/^\Q$_\E\b.*\S/m, "help lists $_"
    for qw(help layout meminfo vmallocinfo buddyinfo slabinfo frames audit ps run test poweroff);
is $vm->command('help audit') =~ tr/\n//, 1, 'help COMMAND is one line';

my $layout = $vm->command('layout');
like $layout, qr/0xffc00000.*fixmap/is, 'layout: the fixmap';
like $layout, qr/0xf7c00000.*vmalloc|vmalloc.*0xf7c00000/is, 'layout: the vmalloc area';
like $layout, qr/0xc8000000|0xc7f[ef]\w+/i, 'layout: high_memory is that of 128 MiB';
like $layout, qr/0xc0000000/i, 'layout: C';
my @addresses = map { hex } $layout =~ /^\s*(0x[0-9a-f]{8})\b/gmi;
is "@addresses", join(' ', sort { $b <=> $a } @addresses), 'layout: from high to low addresses';

my $meminfo = $vm->command('meminfo');
like $meminfo, qr/^MemTotal: +\d+ kB$/m, 'meminfo: MemTotal';
like $meminfo, qr/^MemFree: +\d+ kB$/m, 'meminfo: MemFree';
like $meminfo, qr/^MemAvailable: +\d+ kB\nBuffers: +0 kB\nCached: +\d+ kB$/m, "meminfo: Linux's lines";
like $meminfo, qr/^BootTsc: +[1-9]\d* .*\bunder -icount/m, 'meminfo: the cost of the boot, in its unit';
my %kb = $meminfo =~ /^(\w+): +(\d+) kB$/mg;
my $symbols = symbols(build_dir() . '/attic.debug');
is $kb{KernelImage}, ($symbols->{__kernel_end} - $symbols->{__text_start}) >> 10, 'meminfo: the image without the boot code';
is $kb{MemFree} + $kb{MemUsed}, $kb{MemTotal}, 'meminfo: free and used are all';
is $kb{LowTotal} + $kb{HighTotal}, $kb{MemTotal}, 'meminfo: low and high are all';

my @areas = split /\n/, $vm->command('vmallocinfo');
cmp_ok scalar @areas, '>=', 1, 'vmallocinfo: there is an area';
my $format = qr/^0x([0-9a-f]{8})-0x([0-9a-f]{8}) +(\d+) [\w.]+\+0x[0-9a-f]+\/0x[0-9a-f]+(?: pages=\d+ (?:vmalloc|vmap)| phys=0x[0-9a-f]{8} ioremap)$/;
is scalar(grep { $_ !~ $format } @areas), 0, "vmallocinfo: Linux's line format" or diag join "\n", @areas;
is scalar(grep { /$format/ && hex($2) - hex($1) != $3 } @areas), 0, 'vmallocinfo: sizes are the ranges';
like join("\n", @areas), qr/ pages=2 vmalloc$/m, 'vmallocinfo: a kernel stack of two pages';

like join("\n", @areas), qr/ edu_\w+\S+ phys=0x[0-9a-f]{5}000 ioremap$/m, 'vmallocinfo: the registers of a device';

my @zones = split /\n/, $vm->command('buddyinfo');
like $_, qr/^Node 0, zone +\w+(?: +\d+){11} *$/, "buddyinfo: Linux's line format" for @zones;
is join(' ', map { /zone +(\w+)/ } @zones), 'DMA Normal', 'buddyinfo: the zones that have memory';

my @caches = split /\n/, $vm->command('slabinfo');
is shift @caches, 'slabinfo - version: 2.1', "slabinfo: Linux's first line";
like shift @caches, qr/^# name +<active_objs> <num_objs> <objsize> .* : tunables .* : slabdata /, 'slabinfo: the second';
my $numbers = qr/^(\S+) +(\d+) +(\d+) +\d+ +(\d+) +\d+ : tunables +0 +0 +0 : slabdata +(\d+) +(\d+) +0$/;
is scalar(grep { $_ !~ $numbers } @caches), 0, "slabinfo: Linux's line format" or diag join "\n", @caches;
is scalar(grep { /$numbers/ && ($2 > $3 || $3 != $4 * $6 || $5 > $6) } @caches), 0, 'slabinfo: the numbers fit together';
like join("\n", @caches), qr/^$_ /m, "slabinfo: $_" for qw(kmem_cache kmalloc-8 kmalloc-64 kmalloc-96 kmalloc-8k task vmap_area);

my @frames = split /\n/, $vm->command('frames');
my $owner = qr/^(free|used|reserved|sum) +([a-z0-9]\D*?[a-z0-9]+(?: 0)?|) +(\d+) +(\d+) kB$/;
is scalar(grep { $_ !~ $owner } @frames), 0, 'frames: a row for each owner' or diag join "\n", @frames;
is scalar(grep { /$owner/ && $4 != 4 * $3 } @frames), 0, 'frames: frames of 4 kB';
my ($frames_in_all, $sum) = (0, 0);
/$owner/ && ($1 eq 'sum' ? ($sum = $3) : ($frames_in_all += $3)) for @frames;
is $frames_in_all, $sum, 'frames: the sum is that of the rows';
is 4 * $sum, $kb{MemTotal}, 'frames: and all of RAM';
like join("\n", @frames), qr/^$_ +[1-9]/m, "frames: $_"
    for 'free +buddy', map({ "used +$_" } qw(slab vmalloc)), map { "reserved +$_" } 'page 0', 'kernel image', 'struct pages', 'module';

# ---- devices ----

like $vm->command('lspci'), qr/^00:03\.0 00ff: 1234:11e8 \(rev \w\w\)\n\tInterrupt: pin A routed to IRQ \d+\n\tRegion 0: Memory at [0-9a-f]{8} .*1M\]$/m,
    'lspci: the edu card, its interrupt and its registers';
my $dma = $vm->command('dma', 30);
my @parts = split /^(?=\d\. )/m, $dma;
is scalar @parts, 5, 'dma: a head and four parts' or diag $dma;
like $parts[1] // '', qr/^ +The copy has 8192 of 8192 bytes right\.$/m, 'dma: lowmem is copied right';
is scalar(() = $dma =~ /^dma: .* refused: /mg), 1, 'dma: one line says what is refused';
like $parts[2] // '', qr/^dma: edu: 0x[0-9a-f]{8} refused: a vmalloc address: .*\n +dma_map_single has refused it with error -99\.$/m,
    'dma: the vmalloc buffer, and why';
like $parts[3] // '', qr/(?:^ +The device is told of 4096 bytes at physical 0x\w+\.\n){2} +The copy has 8192 of 8192 bytes right\.$/m,
    'dma: frame by frame it is copied right';
like $parts[4] // '', qr/A, has 4096 new ones.*\n.*C, has 0 new ones, and 4096 as .*\n.*B, .* has 0 as .*\n.*meant for C: yes, all\.$/m,
    'dma: arithmetic writes over the neighbour';
like $dma, qr/^The device has interrupted 24 times\. /m, 'dma: an interrupt for each transfer';
like $vm->command('audit'), qr/hold/, 'dma: and nothing is left behind';
($out) = make_run("dma\n", 'MEM=512M', 'CMDLINE=');
is scalar(() = $out =~ /^ +The copy has 8192 of 8192 bytes right\.$/mg), 2, 'dma: also where vmalloc has frames above the mask' or diag $out;

like $vm->command('ps'), qr/^ *PID .*\n(?: *\d+ .*\n)*.* init$/m, 'ps: the thread of the monitor';
like $vm->command('audit'), qr/\A[^\n]*all\b[^\n]*hold[^\n]*\n\z/i, 'audit: one line, all hold';
like $vm->command('run hello'), qr/hello\[\d+\]: exit status 0/, 'run hello';

# Two at once; the one in the background is reported before some prompt. A host that is busy elsewhere may lose so many ticks that
# one ends before the other has had a turn: then it is tried again.
my ($counters, $turns);
for my $try (1 .. 20) {
    $counters = $vm->command('run counter & counter', 30);
    $vm->wait_until(sub { (() = ($counters .= $vm->command('')) =~ /^counter\[\d+\]: exit status 0/mg) >= 2 });
    my @pids = $counters =~ /counter\[(\d+)\] \d of/g;
    $turns = grep { $pids[$_] != $pids[$_ - 1] } 1 .. $#pids;
    last if $turns >= 2;
}
is scalar(() = $counters =~ /^counter\[\d+\]: exit status 0/mg), 2, 'run counter & counter: both end' or diag $counters;
cmp_ok $turns, '>=', 2, 'and took turns';

# ---- Ctrl-C and kill ----

# Ctrl-C once the program is there, and before: it waits unread then.
$vm->send("run forever\n");
ok defined $vm->expect(qr/^forever\[\d+\]: runs until.*\n/m, 20), 'run forever' or diag $vm->describe;
$vm->send("dropped\x03");
ok defined $vm->expect(Attic::PROMPT, 20), 'Ctrl-C brings the prompt back' or die $vm->describe;
like $vm->before, qr/\A\^C\nforever\[\d+\]: killed by signal 2 \(SIGINT\)\n\z/, 'and ends the program' or diag $vm->before;
is $vm->command(''), '', 'what was typed before it is dropped';
like $vm->command("run forever sleep\n\x03"), qr/: killed by signal 2 \(SIGINT\)/, 'Ctrl-C that waits unread, and a program that sleeps';
$vm->send("run forever & forever sleep & tty_read\n");
ok defined $vm->expect(qr/^ready\n/m, 20), 'a program in the foreground, two behind it';
$vm->send("\x03");
ok defined $vm->expect(qr/^tty_read\[\d+\]: killed by signal 2 \(SIGINT\)\n/m, 20), 'Ctrl-C ends the one in the foreground';
$vm->expect(Attic::PROMPT, 10);
my %pid = reverse $vm->command('ps') =~ /^ *(\d+) .* (\w+)$/mg;
my @background = $vm->command('ps') =~ /^ *(\d+) .* forever$/mg;
is scalar @background, 2, 'and leaves those in the background';
like $vm->command('test list.*'), qr/\Atest: pages are counted, so end the program in the background first:\n/, 'test waits for them';
is $vm->command("kill $_"), "forever[$_]: killed by signal 9 (SIGKILL)\n", "kill $_" for @background;
unlike $vm->command('ps'), qr/forever/, 'and they are gone';
like $vm->command("kill $pid{$_}"), qr/\Akill: $_\[\d+\] is a part of the kernel[^\n]*\n\z/, "kill: $_ refuses" for qw(init idle);
like $vm->command('run attack read 0'), qr/killed by signal 11 \(SIGSEGV\)/, 'a signal is named';

# ---- test -l ----

is $vm->command('test -l kill.*'), join('', map { "$_\n" } map { /^KTEST\(kill, (\w+)\)/mg ? "kill.$1" : () }
    split /^/m, Attic::slurp(root_dir() . '/tests/kernel/process/kill_test.c')), 'test -l GLOB lists them';
cmp_ok $vm->command('test -l') =~ tr/\n//, '>', 100, 'test -l lists all';
is $vm->command('test -l nosuch'), qq(test: no self-test matches "nosuch"\n), 'or none';
like $vm->command('test list.*'), qr/^KTAP version 1\n1\.\.\d+\n(?s:.*)# [1-9]\d* passed, 0 failed\n/m, 'test GLOB';

# ---- what is wrong gets one line that says what is right ----

my %wrong = (
    'meminf'        => qr/meminfo/,
    'xyzzy'         => qr/help/,
    'layout now'    => qr/usage: layout$/,
    'run'           => qr/usage: run PROGRAM/,
    'run nothing'   => qr/no such program/,
    'run &'         => qr/usage: run/,
    'crash gently'  => qr/usage: crash/,
    'help nothing'  => qr/no such command/,
    'kill'          => qr/usage: kill PID/,
    'kill init'     => qr/usage: kill PID/,
    'kill 4000000'  => qr/no task has the pid 4000000/,
    'test -x'       => qr/usage: test/,
    'test a b'      => qr/usage: test/,
    'test no.such'  => qr/no self-test matches/,
    'A' x 200       => qr/no such command/,
    'A' x 300       => qr/too long and was dropped/,
);
for my $line (sort keys %wrong) {
    my $said = $vm->command($line);
    my $label = length $line > 20 ? substr($line, 0, 10) . '...' : $line;
    like $said, qr/$wrong{$line}/m, "$label: says what is right";
    is $said =~ tr/\n//, 1, "$label: in one line" unless $line eq 'test no.such';
}
is $vm->command(''), '', 'an empty line says nothing';
is $vm->command('   '), '', 'nor do blanks';
is $vm->command("\x1b"), '', 'nor does a stray escape';

# ---- line editing ----

sub typed {
    my ($keys, $answer, $label) = @_;
    like $vm->command($keys) // $vm->describe, $answer, $label;
}

typed("auditx\x7f", qr/hold/, 'backspace (DEL)');
typed("auditx\x08", qr/hold/, 'backspace (BS)');
typed("audXit\e[D\e[D\x08", qr/hold/, 'left, then backspace');
typed("\e[A", qr/hold/, 'up: the line before');
typed("ps", qr/PID/, 'another');
typed("\e[A\e[A", qr/hold/, 'up, up: the line before that');
typed("\e[A\e[A\e[B", qr/hold/, 'up, up, down');
typed("aud\t", qr/hold/, 'tab completes a command');
typed("run hel\t", qr/exit status 0/, 'tab completes a program');
typed("run /hel\t", qr/exit status 0/, 'also by its path');
typed("run /de\t", qr/^\/dev\/: not a file/m, 'and a folder, with which the word goes on');
typed("test kill.kern\t", qr/^ok 1 kill\.kernel_threads_refuse$/m, 'tab completes a self-test');
typed("test -l kill.k\t", qr/^kill\.kernel_threads_refuse\n/m, 'also after -l');
$vm->send("test -l kil\t\t\t");
ok defined $vm->expect(qr/^kill\.\*  (?:kill\.\w+  )+\n/m, 10), 'tab, tab lists suite.* and suite.name' or diag $vm->describe;
$vm->expect(Attic::PROMPT, 10);
$vm->send("\x15");
typed("help lay\t", qr/\Alayout: draw/, 'tab completes after help');
typed("xyz\x15audit", qr/hold/, 'Ctrl-U erases the line');
$vm->send("xyz\x03");
ok defined $vm->expect(Attic::PROMPT, 10), 'Ctrl-C drops the line';

# ---- much at once: nothing is lost ----

my @lines = map { sprintf "no%05d", $_ } 1 .. 8200;
my $bulk = join '', map { "$_\n" } @lines;
cmp_ok length $bulk, '>=', 65536, 'more than 64 KiB of input';
# While the program runs nobody reads, so that the kernel's buffer fills up and the rest must wait outside.
$vm->send("run counter\n" . $bulk . "poweroff\n");
is $vm->finish, 'pass', 'piped in at once, it ends in a power-off' or diag $vm->describe;
my @echoed = $vm->output =~ /^attic> (no\d{5})$/mg;
is scalar @echoed, scalar @lines, 'each line was read';
is_deeply \@echoed, \@lines, 'and in order' or diag 'first difference: ' . (grep { $echoed[$_] ne $lines[$_] } 0 .. $#echoed)[0];

done_testing;
