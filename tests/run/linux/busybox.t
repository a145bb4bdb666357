#!/usr/bin/perl
# Debian's busybox for i386, unmodified: many applets and shell constructs in Attic, each compared byte for byte with what the
# same binary prints on Linux. Then its shell on the console, as a person uses it.
#
# Fetches busybox when it is not there (`make busybox`). tests/run/busybox/cases has the scripts; tests/run/busybox/pipelines is what
# ATTIC_PIPELINES (60) further ones are made of by chance, from ATTIC_SEED, which is printed, and ATTIC_CASES is a regular expression
# that chooses some by name: `ATTIC_SEED=1 ATTIC_PIPELINES=500 ATTIC_CASES=pipeline make test T=busybox`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(can_be_had fetched make_initramfs root_dir slurp);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use SameAsLinux qw(read_cases same_as_linux);
use Test::More;

my ($busybox, $why) = fetched('busybox', 'busybox/busybox');
can_be_had('busybox', $busybox, $why) or done_testing, exit;
my @WORDS = qw(apple banana cherry fig elderberry banana date apple grape honeydew);
my %data = (
    words  => join('', map { "$_\n" } @WORDS) . "a melon, too\n",
    table  => "ann:x:30:red\nbob:y:4:blue\ncarol:z:120:green\ndave:x:7:red\n",
    binary => pack('C*', 0 .. 255) . "\0\0\0\0abcdef\n",
    empty  => '',
);

# ---- fetching, and the archive ----

# An apt-get that fetches nothing stands for a machine without a network.
my $temp = tempdir('attic-busybox-XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$temp/bin";
write_program("$temp/bin/apt-get", "#!/bin/sh\nexit 100\n");
my $said = do {
    local $ENV{PATH} = "$temp/bin:$ENV{PATH}";
    qx('@{[ root_dir() ]}/scripts/fetch' busybox '$temp' 2>&1 > /dev/null);
};
isnt $?, 0, 'busybox that cannot be fetched: a failure';
like $said, qr/\Abusybox: apt-get cannot fetch busybox-static:i386 [^\n]*network[^\n]*\n\z/, 'and one line that says why';
ok !-e "$temp/busybox/busybox", 'and no half of it';

my ($initramfs) = make_initramfs(name => 'busybox-console', busybox => $busybox); # for the console below, too
my $bytes = slurp($initramfs);
copy($_, "$temp/bin/") or die "$_: $!\n" for $busybox, $busybox =~ s{[^/]+$}{applets}r;
{
    my $old = umask 077;
    make_initramfs(name => 'busybox-console', busybox => "$temp/bin/busybox");
    umask $old;
}
ok slurp($initramfs) eq $bytes, 'the archive depends on nothing but its contents';
my $listing = qx(cpio -tv --numeric-uid-gid --quiet < '$initramfs');
like $listing, $_, "the archive has $_" for qr{^-rwxr-xr-x +1 0 +0 .* bin/busybox$}m, qr{^lrwxrwxrwx +1 0 +0 .* bin/sh -> busybox$}m,
    qr{^lrwxrwxrwx +1 0 +0 .* usr/bin -> ../bin$}m, qr{^drwxrwxrwt +2 0 +0 .* tmp$}m, qr{^drwx------ .* root$}m,
    qr{^-rw-r--r-- +1 0 +0 .* etc/passwd$}m, qr{^drwxr-xr-x +2 0 +0 .* proc$}m;
is_deeply [grep { !/^\S+ +\d+ 0 +0 / } split /\n/, $listing], [], 'all of root';

# FILES= has folders where the tree has links to /bin, and a file where it has a link.
my ($over, $merged) = ("$temp/over", "$temp/merged");
make_path("$over/$_") for qw(bin sbin usr/bin);
write_program("$over/$_", "$_\n") for qw(bin/ls sbin/tool usr/bin/other);
chmod 0700, $over;
{
    local @ENV{qw(BUSYBOX FILES)} = ($busybox, $over);
    my $mkinitramfs = root_dir() . '/scripts/mkinitramfs';
    isnt system("FILES='$temp/nosuch' '$mkinitramfs' '$temp/no.cpio' '$temp/no' 2> /dev/null"), 0, 'FILES that are not there: a failure';
    is system($mkinitramfs, "$temp/merged.cpio", $merged), 0, 'an archive with FILES';
    is sprintf('%o', (stat $merged)[2] & 07777), '755', 'FILES: the root keeps its rights';
}
is slurp("$merged/bin/$_->[0]"), "$_->[1]\n", "FILES: $_->[1] is in bin" for ['ls', 'bin/ls'], ['tool', 'sbin/tool'], ['other', 'usr/bin/other'];
ok -l "$merged/sbin" && -l "$merged/usr/bin", 'FILES: the links stay';
ok slurp("$merged/bin/busybox") eq slurp($busybox), 'FILES: busybox stays';

sub write_program {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out;
    chmod 0755, $path;
}

# ---- the same as on Linux ----

my $seed = $ENV{ATTIC_SEED} // time;
my @cases = read_cases(root_dir() . '/tests/run/busybox/cases');
cmp_ok scalar @cases, '>', 80, 'the scripts are there';
diag "pipelines by chance: ATTIC_SEED=$seed";
srand $seed;
push @cases, pipelines($ENV{ATTIC_PIPELINES} // 60);
push @cases, applets();
@cases = grep { $_->{name} =~ /$ENV{ATTIC_CASES}/ } @cases if $ENV{ATTIC_CASES};
same_as_linux(name => 'busybox', busybox => $busybox, cases => \@cases, data => \%data);

sub one_of {
    return $_[rand @_];
}

# Pipelines of one to four filters, some of them in a construct of the shell.
sub pipelines {
    my ($count) = @_;
    my %parts;
    for (grep { /^(?:source|filter) / } split /\n/, slurp(root_dir() . '/tests/run/busybox/pipelines')) {
        my ($kind, $command) = split ' ', $_, 2;
        push @{ $parts{$kind} }, $command;
    }
    my @frames = ('%s', '%s', '%s', 'x=$(%s); echo "$x"', '(%s); echo $?', '%s > out 2> err; cat out err', 'f() { %s; }; f',
        '%s & wait; echo done', 'if %s; then echo yes; else echo no; fi');
    return map {
        my $number = $_;
        my $source = one_of(@{ $parts{source} });
        my ($head, $rest) = split /\\n/, $source, 2 if $source =~ /<< END/;
        my $line = join ' | ', "{ " . ($head // $source) . ($head ? "\n" . $rest =~ s/\\n/\n/gr . "\n}" : '; }'),
            map { one_of(@{ $parts{filter} }) } 0 .. rand 4;
        $line =~ s/\@([NWC])/$1 eq 'N' ? 1 + int rand 30 : $1 eq 'W' ? one_of(@WORDS) : one_of('a' .. 'z')/ge;
        my $framed = sprintf one_of(@frames), $line;
        # Errors come when they come.
        { name => "pipeline_${seed}_$number", script => "{\n$framed\n} 2> errors\necho \"status \$?\"\nsort errors\n" };
    } 1 .. $count;
}

# Each applet says how it is used: the start-up of all of them. Left out are some that would do something even so.
sub applets {
    my %no = map { $_ => 1 } qw([ [[ ash echo false halt init linuxrc nuke poweroff reboot resume run-init sh test true busybox);
    my @names = grep { !$no{$_} } split /\n/, slurp($busybox =~ s{[^/]+$}{applets}r);
    my @groups;
    push @groups, [splice @names, 0, 50] while @names;
    return map {
        { name => "usage_$_", script => "for applet in @{ $groups[$_] }; do \$applet --help 2>&1; echo \"\$applet \$?\"; done\n" };
    } 0 .. $#groups;
}

# ---- the shell on the console ----

my $vm = Attic->boot(name => 'busybox-console', initramfs => $initramfs, cmdline => 'init=/bin/sh', silence => 30);
ok prompted(), 'init=/bin/sh: a prompt' or diag $vm->describe;

# The prompt on a new line (a line that is edited is drawn again, prompt and all, on the same); behind it the shell may ask the
# terminal where its cursor is.
sub prompted {
    return defined $vm->expect(qr/(?<=\n)[~\/]\S* # (?:\e\[6n)?/, 30);
}

# Type; what the shell and its programs print up to the next prompt, without the echo of the line.
sub typed {
    my ($keys) = @_;
    $vm->send($keys);
    return $vm->describe unless prompted();
    return $vm->before =~ s/\A[^\n]*\n//r =~ s/\e\[\d*[A-Zn]//gr;
}

is typed("echo hello\n"), "hello\n", 'a command';
is typed("cat /etc/passwd | grep root | wc -l\n"), "1\n", 'a pipeline';
like typed("ls -l /bin/sh\n"), qr{^lrwxrwxrwx +1 root +root .* /bin/sh -> busybox$}m, 'ls -l';
is typed("for i in 1 2 3; do echo \$((i * i)); done\n"), "1\n4\n9\n", 'a loop';
is typed("cat << END\none\ntwo\nEND\n") =~ s/^> .*\n//mgr, "one\ntwo\n", 'a here-document, line by line';
is typed("echo helXX\x7f\x7flo\n"), "hello\n", 'backspace';
is typed("\e[A\n"), "hello\n", 'up: the command before';
is typed("wc -c /etc/grou\t\n"), (length("root:x:0:\nnogroup:x:65534:\n")) . " /etc/group\n", 'tab completes';
is typed("echo lost\x03") =~ s/\A\n\z//r, '', 'Ctrl-C drops the line'; # busybox 1.37 prints a line's end more
is typed("false\n") . typed("echo \$?\n"), "1\n", 'exit status';

# When the shell does what a line says, it has given the terminal its usual mode back.
$vm->send("echo now; cat\n");
ok defined $vm->expect(qr/^now\n/m, 30), 'cat waits for the terminal';
$vm->send("typed\n");
ok defined $vm->expect(qr/typed\ntyped(?=\n)/, 10), 'which echoes, and hands over a line at a time' or diag $vm->describe;
is typed("\x04"), '', 'Ctrl-D is the end of its input';

$vm->send("echo now; sleep 1000\n");
$vm->expect(qr/^now\n/m, 30);
typed("\x03");
is typed("echo \$?\n"), "130\n", 'Ctrl-C ends what runs in the foreground';
is typed("sleep 1000 & sleep 1; kill \$!; wait \$!; echo status \$?\n") =~ s/^\[\d+\].*\n|^Terminated\n//mgr, "status 143\n",
    'a job in the background is killed';
is typed("(sleep 1; echo late) & wait; echo end\n") =~ s/^\[\d+\].*\n//mgr, "late\nend\n", 'a job is waited for';
is typed("cd /tmp; echo one > f; echo two >> f; sort -r f; rm f; ls; cd /\n"), "two\none\n", 'files';
is typed("x=\$(echo 'a b' | tr a-z A-Z); echo \"[\$x]\"\n"), "[A B]\n", 'command substitution';
like typed("cat /proc/self/maps\n"), qr{^[0-9a-f]{8}-[0-9a-f]{8} r-xp .* /bin/busybox$}m, '/proc/self/maps';
$vm->send("exit\n");
ok defined $vm->expect(Attic::PROMPT, 20), 'exit leads to the monitor' or diag $vm->describe;
like $vm->command('audit') // '', qr/hold/, 'every invariant holds' or diag $vm->describe;
$vm->send("poweroff\n");
is $vm->finish, 'pass', 'power off' or diag $vm->describe;

# ---- `make run INIT=/bin/sh` with input from a pipe ----

my $piped = qx(printf 'echo \$((6 * 7))\\n' | '@{[ root_dir() ]}/scripts/qemu' --timeout 60 --ctrl-d '@{[ $vm->iso ]}' 2>&1);
is $?, 0, 'piped in, it ends by itself' or diag $piped;
like $piped, qr/^42\r?$/m, 'and the command was run' or diag $piped;

my $folder = "$temp/cmdline";
$said = Attic::make("BUILD=$folder CMDLINE='mem=64M' INIT=/bin/sh $folder/cmdline");
is slurp("$folder/cmdline"), "mem=64M init=/bin/sh\n", 'INIT= is init= on the command line' or diag $said;

done_testing;
