#!/usr/bin/perl
# `map` as it looks at the prompt: on machines of three sizes as letters without colours, where rows, letters and legend are held against
# `frames`; then in colours on a terminal that answers, or does not, or says something else meanwhile; and `map -w` with a program
# behind it, and each way to end it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(own_initramfs);
use List::Util qw(sum max);
use Test::More;

my $PLAIN = qr/[ .A-Za-z|-]/;
my $SGR = qr/\e\[0(?:;(?:30;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]))?m/;
my $ASKED = qr/\e7\e\[999;999H\e\[6n\e8/;
use constant HZ => 100;
my @PROGRAMS = (initramfs => own_initramfs());

sub booted {
    my ($name, %o) = @_;
    my $vm = Attic->boot(name => "map-$name", @PROGRAMS, %o);
    defined $vm->expect(Attic::PROMPT, 20) or die $vm->describe;
    return $vm;
}

# The guest's own time: how many ticks all tasks together have had.
sub ticks {
    my ($vm) = @_;
    return sum($vm->command('ps') =~ /^ *\d+ +\d+ \w+ +(\d+) /mg);
}

# The parts of a picture of so many cells a row. rows: [address, cells, or undef for what is left out]; virtual: lines; legend:
# name => [frames, kB, letter].
sub parse {
    my ($text, $per_row) = @_;
    my %map = (lines => [split /\n/, $text], rows => [], virtual => [], legend => {});
    ($map{frames}, $map{kb}, $map{per_cell}) = $text =~ /^RAM: (\d+) frames, (\d+) kB; a cell: (\d+) of them/m;
    for (@{ $map{lines} }) {
        my $left = substr $_, 0, 11 + $per_row;
        push @{ $map{rows} }, [hex $1, $2] if $left =~ /^0x([0-9a-f]{8}) ($PLAIN+)$/;
        push @{ $map{rows} }, [hex $1, undef] if $left =~ /^0x([0-9a-f]{8}) \* \d+ [KMG]iB (?:free|no RAM) *$/;
        push @{ $map{virtual} }, substr $_, 11 + $per_row + 2 if /^(?:0x|\s{11})/ && length > 11 + $per_row + 2;
        $map{legend}{$2} = [$3, $4, $1] while /(\S) ([a-z ]*[a-z]) +(\d+) +(\d+) kB/g;
    }
    return \%map;
}

# Each row starts where the one before it ends, at a multiple of its size; the address behind the last.
sub rows_ok {
    my ($label, $map, $per_row) = @_;
    my ($step, $next, @wrong) = ($per_row * $map->{per_cell} * 4096, 0);
    for (@{ $map->{rows} }) {
        my ($at, $cells) = @$_;
        push @wrong, sprintf '0x%08x', $at if $at % $step || (defined $next ? $at != $next : 0);
        $next = defined $cells ? $at + $step : undef;
    }
    is "@wrong", '', "$label: every row says where it starts";
}

# The owners' sums that `frames` tells, under the legend's names.
sub counted {
    my ($text) = @_;
    my %known = map { $_ => 1 } 'slab', 'vmalloc', 'user pages', 'file pages', 'process tables', 'other', 'kernel image',
        'struct pages', 'page tables', 'module';
    my %frames;
    for ($text =~ /^((?:free|used|reserved) .*)$/mg) {
        my ($kind, $name, $count) = /^(\w+) +(.*?) +(\d+) +\d+ kB/;
        $frames{ $kind eq 'free' ? 'free' : $known{$name} ? $name : 'reserved' } += $count;
    }
    return \%frames;
}

# ---- letters, three sizes ----

for my $mem (qw(8M 128M 4G)) {
    my $vm = booted("plain-$mem", mem => $mem, cmdline => 'color=off');
    my $text = $vm->command('map');
    my $frames = counted($vm->command('frames'));
    unlike $vm->output, qr/\e/, "$mem: color=off sends no escape sequence";
    my $map = parse($text, 32);
    cmp_ok scalar @{ $map->{lines} }, '<=', 23, "$mem: fits 24 lines with the prompt" or diag $text;
    cmp_ok max(map { length } @{ $map->{lines} }), '<=', 80, "$mem: fits 80 columns";

    rows_ok($mem, $map, 32);
    my $cells = join '', map { $_->[1] // () } @{ $map->{rows} };
    my %letters = map { $_->[2] => $_->[0] } values %{ $map->{legend} };
    is join('', grep { !$letters{uc $_} && $_ ne ' ' } split //, $cells), '', "$mem: every letter is one of an owner with frames";
    is join('', grep { $letters{$_} > 5 && $cells !~ /$_/i } sort grep { /\w/ } keys %letters), '', "$mem: and every owner is to be seen";
    cmp_ok $map->{per_cell}, '<=', $mem eq '4G' ? 16 : 4, "$mem: a cell is not larger than need be";

    my %legend = map { $_ => $map->{legend}{$_}[0] } keys %{ $map->{legend} };
    is sum(values %legend), $map->{frames}, "$mem: the legend adds up to all of RAM";
    is $map->{frames}, sum(values %$frames), "$mem: which is that of `frames`";
    is_deeply \%legend, $frames, "$mem: and so is each owner's";
    is_deeply [grep { $_->[1] != $_->[0] * 4 } values %{ $map->{legend} }], [], "$mem: kB are four a frame";

    my @regions = map { /^(0x\w{8}) (\w[\w ]*?) +\d+ [KMG]iB/ ? "$1 $2" : () } @{ $map->{virtual} };
    like "@regions", qr/^0xfffff000 last page 0xffc00000 fixmap 0xffbff000 fixmap guard 0xf7c00000 vmalloc 0x\w+ hole 0xc0000000 lowmem 0x00010000 user 0x00000000 null$/,
        "$mem: the regions, from top to bottom";
    my ($at) = grep { $map->{virtual}[$_] =~ /vmalloc/ } 0 .. $#{ $map->{virtual} };
    like $map->{virtual}[$at + 1], qr/^ (?:[VI]+\|)+$/, "$mem: areas with a guard behind each";
    my $guards = $map->{virtual}[$at + 1] =~ tr/|//;
    like $map->{virtual}[$at + 2], qr/^ $guards areas, a cell: 1 page,/, "$mem: and their number";

    if ($mem eq '128M') {
        is $vm->command('map x'), "usage: map [-w]\n", 'a wrong argument';
        like $vm->command('map -w -w'), qr/^usage: map/, 'too many';
        $vm->send("map -w\n");
        ok defined $vm->expect(qr/^RAM: .*^RAM: .*^RAM: /ms, 20), 'map -w with color=off: one picture below the other';
        $vm->send(' ');
        ok defined $vm->expect(Attic::PROMPT, 5), 'until a key';
        unlike $vm->output, qr/\e/, 'and still no escape sequence';
    }
    $vm->send("poweroff\n");
    is $vm->finish, 'pass', "$mem: power off";
}

# ---- colours, and a terminal that answers ----

my $vm = booted('colour', hmp => 1);

sub answered {
    my ($answer) = @_;
    $vm->send("map\n");
    defined $vm->expect($ASKED, 5) or return '';
    $vm->send($answer);
    defined $vm->expect(Attic::PROMPT, 10) or return '';
    return $vm->before;
}

my $start = ticks($vm);
my $text = $vm->command('map');
cmp_ok ticks($vm) - $start, '<', 2 * HZ, 'a terminal that does not answer costs little time';
like $text, qr/\A$ASKED/, 'it was asked';
$text =~ s/$ASKED//;
(my $plain = $text) =~ s/$SGR//g;
unlike $plain, qr/\e/, 'only well-formed SGR sequences';
my $map = parse($plain, 32);
rows_ok('80 x 24', $map, 32);
cmp_ok scalar @{ $map->{lines} }, '<=', 23, 'and it is taken for one of 80 x 24';
my @in_force = grep { /.*($SGR)/s && $1 ne "\e[0m" } split /\n/, $text;
is_deeply \@in_force, [], 'each line ends without a colour';
like $text, qr/\e\[0;30;\d+mK/, 'a block where one owner has all of a cell';
like $text, qr/\e\[0;9[0-7]mk/, 'a coloured letter where not' or diag $plain;
my %colours = map { /\e\[0;30;(\d+)m(\w)(?=\e\[0m [a-z])/ ? ($2 => $1) : () } $text =~ /(\e\[0;30;\d+m\w\e\[0m [a-z])/g;
is scalar(keys %{ { reverse %colours } }), 11, 'eleven owners of frames in use, each in a colour of its own' or diag explain \%colours;
my ($on_screen) = $vm->screen_memory =~ /(^0x0{8} .*)/ms;
unlike $on_screen // '', qr/\[\d|;\d+m|78/, 'the VGA screen shows none of that';
like $on_screen // '', qr/^0x0{8} $PLAIN{32}  0xfffff000 last page +4 KiB$/m, 'but the text';

$plain = answered("\e[40;120R") =~ s/$SGR//gr;
$map = parse($plain, 64);
rows_ok('a terminal of 120 x 40', $map, 64);
like $plain, qr/^0x0{8} $PLAIN{64}  0xf/m, '64 cells a row';
cmp_ok scalar @{ $map->{lines} }, '<=', 39, 'which fit';
cmp_ok max(map { length } @{ $map->{lines} }), '<=', 120, 'the width too';
unlike $plain, qr/;120R/, 'the answer is not typed at the prompt';
is $vm->command(''), '', 'where nothing is left of it';

$plain = answered("au\e[30;60Rdit\n") =~ s/$SGR//gr;
like $plain, qr/^0x0{8} $PLAIN{32}$/m, 'a terminal of 60 columns: the virtual side is below';
like $plain, qr/^0x0{8} null/m, 'down to 0';
ok defined $vm->expect(qr/\A(?:audit\n)?audit: all invariants hold/, 5), 'what is typed around the answer is not lost' or diag $vm->describe;
$vm->expect(Attic::PROMPT, 5);
$plain = answered("\e[;R") =~ s/$SGR//gr;
like $plain, qr/^0x0{8} $PLAIN{32}  0xf/m, 'an answer that is none: 80 x 24';
$vm->send("\x03");
$vm->expect(Attic::PROMPT, 5);
like answered("\e[1;1R"), qr/^0x/m, 'a terminal of one cell';
like answered("\e[9999;9999R") =~ s/$SGR//gr, qr/^0x0{8} $PLAIN{128}  0xf/m, 'an absurdly large one';

# ---- map -w ----

# So many pictures begin from here on; what came until then.
sub pictures {
    my ($count) = @_;
    return $vm->expect(qr/(?:.*?\e\[H){$count}/s, 20) // '';
}

# Programs of which one writes, one sleeps for a second of the guest's time, and one has no end.
$vm->send("run counter & nap 100000 10 & forever &\nmap -w\n");
$text = pictures(3);
like $text, qr/counter\[\d+\] \d of 5: counted to/, 'a program in the background goes on meanwhile';
like $text =~ s/$SGR//gr, qr/^.* \d+ nap +\d+ [A-Zt-]/m, 'and the areas of one are shown';
for (1 .. 100) {
    last if $text =~ / \d+ forever +\d+ / && $text !~ / \d+ (?:counter|nap) +\d+ /;
    $text = pictures(1) =~ s/$SGR//gr;
}
$text = pictures(3);
isnt $text, '', 'three more pictures' or diag $vm->describe;
like $text, qr/\e\[J\e\[\?25h\n(?:\w.*\n)*\e\[\?25l\e\[H/, 'the cursor is hidden while one is drawn';
like $text =~ s/$SGR//gr, qr/ \d+ forever +\d+ /, 'with the program that still runs';
unlike $text =~ s/$SGR//gr, qr/ \d+ (?:counter|nap) +\d+ /, 'and not with those that have ended';
unlike $text, qr/\e\[2J/, 'without clearing the screen in between';
unlike $text, $ASKED, 'or asking again';
$vm->send('x');
ok defined $vm->expect(qr/^attic> /m, 5), 'a key ends it, the prompt comes';
is $vm->command(''), '', 'and the key is not typed there';

$start = ticks($vm);
$vm->send("map -w\n");
pictures(6);
$vm->send('x');
$vm->expect(qr/^attic> /m, 5);
my $drawn = 6 + (() = $vm->before =~ /\e\[H/g);
my $ticks = ticks($vm) - $start;
cmp_ok $ticks, '>=', ($drawn - 1) * HZ / 2, "$drawn pictures took $ticks ticks: not more than two a second";
cmp_ok $ticks, '<', $drawn * HZ * 3 / 4, 'and nearly that';
like $vm->output, qr/\e\[2J(?:counter.*\n)*\e\[\?25l\e\[H/, 'the screen was cleared at its beginning';

for ([ "\x03", 'Ctrl-C' ], [ "\e[A", 'an arrow' ], [ "\e", 'escape' ], [ "\eOP", 'F1' ]) {
    my ($key, $name) = @$_;
    $vm->send("map -w\n");
    pictures(1);
    $vm->send($key);
    ok defined $vm->expect(qr/^attic> /m, 5), "$name ends it";
    is $vm->command(''), '', 'as a whole' or diag $vm->describe;
}
$vm->send("map -w\n");
pictures(1);
$vm->send("\e[40;120R");
isnt pictures(3), '', 'an answer that comes late is no key';
# Typed while a program sleeps for two seconds of the guest's: then it is there when the next picture is drawn.
$vm->send('x');
$vm->expect(qr/^attic> /m, 5);
$vm->send("run nap 1000000 2\n");
$vm->expect(qr/^attic> run nap .*\n/m, 5);
$vm->send("map -w\nq");
ok defined $vm->expect(qr/^attic> map -w\n(?!$ASKED).*?RAM:.*?^attic> /ms, 20), 'who types ahead is not asked';
is $vm->command(''), '', 'and has typed a key';

like $vm->command('run tty_test'), qr/exit status 0/, 'a program sets the size';
unlike $vm->command('map'), $ASKED, 'which then counts';
like $vm->command('audit'), qr/all invariants hold/, 'audit';
$vm->send("poweroff\n");
is $vm->finish, 'pass', 'power off';

# ---- piped input, all of which has come when the program that sleeps has ended ----

$vm = Attic->run(name => 'map-piped', @PROGRAMS, cmdline => 'color=blue color=offx', input => "run nap 1000000 1\nmap\nmap -w\nxaudit\nmap\nps\npoweroff\n");
is $vm->status, 'pass', 'all input at once: to its end';
unlike $vm->output, qr/\e\[6n/, 'nobody is asked for the size';
is scalar(() = $vm->output =~ /^(?:\e\[2J\e\[\?25l\e\[H)?RAM: /mg), 3, 'three pictures';
like $vm->output, qr/^attic> audit\naudit: all.*^attic> map\n.*^attic> ps\n/ms, 'and nothing eaten' or diag $vm->output;
like $vm->output, qr/^Kernel option "color=$_" has no such value: it is color=on or off$/m, "color=$_: a line" for qw(blue offx);
like $vm->output, qr/\e\[0;30;\d+mK/, 'and colours';

# ---- the picture in README.md ----

# The words of a picture, without its numbers, which are those of one build.
sub words {
    my ($picture) = @_;
    return join "\n", grep { /[a-z]{3}/ } map { s/[\d.]+|0x\w+|\s+/ /gr } $picture =~ m{<text[^>]*>([^<]+)</text>}g;
}

my $said;
my $status = Attic::with_make(sub {
    $said = Attic::make('picture');
    return $? >> 8;
});
is $status, 0, 'make picture draws' or diag $said;
my $picture = Attic::slurp(Attic::build_dir() . '/picture/map.svg');
like $picture, qr{\A<svg .*^</svg>\n\z}ms, 'an SVG';
like words($picture), qr/kernel image.*struct pages.*page tables/s, 'of the map';
is words(Attic::slurp('docs/map.svg')), words($picture), 'docs/map.svg says the same (make docs)';

done_testing;
