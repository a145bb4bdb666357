# Boot Attic in QEMU from a test, talk to it, and say how it ended.
#
#   my $vm = Attic->boot(name => 'monitor', mem => '128M', cmdline => '', input => "help\npoweroff\n");
#   $vm->expect(qr/attic> /) or ...;   # what comes on the serial port, in order
#   $vm->send("ps\n");
#   $vm->wait_until(sub { $vm->command('ps') !~ /hello/ });    # a state, which no line tells
#   $vm->hmp('info registers');        # QEMU's monitor: the view from outside
#   is $vm->finish, 'pass';            # pass fail panic refuse triple-fault quit timeout error
#
# Each machine has a whole-run limit and a silence limit; one that passes either is killed by its process id and has ended
# in 'timeout'. All limits are seconds of its clock(), which stands still while others have the processors: however busy the host is, a
# machine gets the time it needs, and one that hangs is found as soon as ever. The serial log stays in build/test-logs/NAME.log. The
# command line and the meaning of QEMU's exit status come from scripts/qemu. judge_ktap() is the judge of in-kernel test runs;
# tests/run/judge.t tests it with faked logs.
package Attic;
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha1_hex);
use Errno qw(EAGAIN EINTR);
use Exporter qw(import);
use Fcntl qw(:flock F_GETFL F_SETFL O_NONBLOCK);
use File::Basename qw(basename dirname);
use File::Find qw(find);
use File::Path qw(make_path);
use File::Spec::Functions qw(abs2rel);
use IO::Select;
use IO::Socket::UNIX;
use List::Util qw(max);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(build_dir can_be_had checked_build become_host_program become_host_program32 fetched judge_ktap ktap_ok
    make_initramfs own_initramfs root_dir runs_i386 slurp source_files symbols);

our $ROOT = abs_path(dirname(__FILE__) . '/../../..');
require "$ROOT/scripts/qemu";

# The tests say themselves which machine they want.
delete @ENV{qw(MEM CPU MACHINE FIRMWARE QEMU_DISPLAY CMDLINE SNAPSHOTS)};
# Tools speak plain English, and no test depends on a locale that a bare machine has not.
$ENV{LC_ALL} = 'C';

use constant PROMPT => qr/^attic> /m;

sub root_dir {
    return $ROOT;
}

# The files of the repository, from its root: all but what is built. git is not asked, because a checkout may be somebody else's, or
# a folder unpacked from an archive.
sub source_files {
    my @found;
    find({ no_chdir => 1, wanted => sub {
        (my $path = $File::Find::name) =~ s{^\Q$ROOT\E/}{};
        return $File::Find::prune = 1 if $path =~ m{^(?:build|\.git)\z};
        push @found, $path if !-d && $path ne 'compile_commands.json';
    } }, $ROOT);
    return sort @found;
}

# Where the kernel under test was built: the Makefile hands its BUILD over.
sub build_dir {
    my $build = $ENV{BUILD} || 'build';
    return $build =~ m{^/} ? $build : "$ROOT/$build";
}

# The folder of a kernel built with DEBUG=1, made now if it is not there; what make said comes second. Tests run two at a time, and
# two makes in one folder would be in each other's way.
sub checked_build {
    my $build = build_dir() . '/checks';
    make_path($build);
    open my $lock, '>', "$build/lock" or die "$build/lock: $!\n";
    flock $lock, LOCK_EX or die "$build/lock: $!\n";
    return ($build, make("DEBUG=1 BUILD='" . for_make($build) . "' " . ($ENV{CC} ? "CC='$ENV{CC}'" : '') . ' all'));
}

# A path for make, which takes no blanks in it: the root of the repository may have some.
sub for_make {
    return abs2rel($_[0], $ROOT);
}

# Whether this host's kernel runs i386 programs, and not an emulator that it hands them to (binfmt_misc), which is neither Linux nor
# suits AddressSanitizer. With NO_I386=1 everything goes as if it did not. No test runs one without asking here.
my $runs_i386;

sub runs_i386 {
    return $runs_i386 //= !$ENV{NO_I386} && runs_itself(abs_path(build_dir() . '/user/forever'));
}

sub runs_itself {
    my ($program) = @_;
    my $pid = open(my $out, '-|', 'sh', '-c', 'exec "$0" sleep < /dev/null 2> /dev/null', $program) or return 0;
    <$out>; # it says that it runs
    my $exe = readlink "/proc/$pid/exe";
    kill 'KILL', $pid;
    local ($?, $!);
    close $out;
    return ($exe // '') eq $program;
}

# Where `make busybox`, `make musl` and `make linux` put things: one folder for all variants of the build.
sub fetched_dir {
    my $dir = $ENV{FETCHED} || 'build';
    return $dir =~ m{^/} ? $dir : "$ROOT/$dir";
}

# What `make TARGET` fetches, as its path below fetched_dir(): fetched now if it is not there. (path), or (undef, why it cannot be
# had), for can_be_had().
sub fetched {
    my ($target, $path) = @_;
    my $file = fetched_dir() . "/$path";
    return $file if -e $file;
    my $said = make($target);
    return $file if $? == 0 && -e $file;
    my ($why) = grep { /^\Q$target\E: / } reverse split /\n/, $said;
    return (undef, $why // "make $target fails");
}

# True if the thing is there. If not, what would need it is skipped, with the reason, or in CI, where the package sources can be
# reached, a failure.
sub can_be_had {
    my ($what, $thing, $why) = @_;
    return 1 if $thing;
  SKIP: {
        skip $why, 1 if ($ENV{CI} // '') ne 'true';
        fail("$what can be had") or diag $why;
    }
    return 0;
}

# Run make with these arguments, for this build by default; what it says, and $?. Folders below the root are named from there, because
# make cannot have a blank in a name, and the way to the root may.
sub make {
    my ($arguments) = @_;
    delete local @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
    local @ENV{qw(BUILD FETCHED)} = map { for_make($_) } build_dir(), fetched_dir();
    return qx(make --no-print-directory -C '$ROOT' $arguments 2>&1 < /dev/null);
}

# Call the function while no other test runs make in this build, with what make needs below `make test`: the variables that this was
# given, but not its -j.
sub with_make {
    my ($function) = @_;
    my $file = build_dir() . '/make.lock';
    open my $lock, '>', $file or die "$file: $!\n";
    flock $lock, LOCK_EX or die "$file: $!\n";
    my $variables = ($ENV{MAKEFLAGS} // '') =~ /(-- .*)/s ? $1 : '';
    delete local @ENV{qw(MAKELEVEL MFLAGS)};
    local $ENV{MAKEFLAGS} = $variables;
    return $function->();
}

# An initramfs for a test. Options: name (of its folder), busybox (path or none), programs ({name => path}, which go to the root), files
# ({path => text}; executable when they start with #!). Returns the archive and the folder that it was made of.
sub make_initramfs {
    my (%o) = @_;
    my $dir = build_dir() . "/test-images/$o{name}";
    my ($archive, $tree) = ("$dir/initramfs.cpio", "$dir/tree");
    my $mkinitramfs = "$ROOT/scripts/mkinitramfs";
    my %programs = %{ $o{programs} || {} };
    make_path($dir);
    local $ENV{BUSYBOX} = $o{busybox} // '';
    run_or_die($mkinitramfs, $archive, $tree, map { "$_=$programs{$_}" } sort keys %programs);
    for my $path (sort keys %{ $o{files} || {} }) {
        my $text = $o{files}{$path};
        make_path(dirname("$tree/$path"));
        open my $out, '>:raw', "$tree/$path" or die "$tree/$path: $!\n";
        print $out $text;
        close $out or die "$tree/$path: $!\n";
        chmod $text =~ /^#!/ ? 0755 : 0644, "$tree/$path";
    }
    run_or_die($mkinitramfs, '--pack', $archive, $tree);
    return ($archive, $tree);
}

# The build's own programs without busybox, for what measures or compares: a busybox that was fetched makes no difference. Each test
# has its own, because they run two at a time, and takes the programs from where they are linked: make empties the folder of its own
# initramfs when a test has fetched busybox.
sub own_initramfs {
    my $user = build_dir() . '/user';
    my %programs = map { $_ => "$user/$_" } map { basename($_, '.c') } glob "'$ROOT/user/'{,tests/,tests/helpers/}*.c";
    $programs{glibc_hello} = "$user/glibc/hello" if -e "$user/glibc/hello";
    my ($archive) = make_initramfs(name => 'own-' . basename($0, '.t'), programs => \%programs);
    return $archive;
}

sub run_or_die {
    my @command = @_;
    system(@command) == 0 or die "@command: failed\n";
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$in>;
}

# The ISO that boots the build's kernel with this command line and initramfs (the build's own by default); made once, again when
# one of them is newer.
sub boot_image {
    my ($cmdline, $build, $initramfs) = @_;
    my $dir = "$build/test-images";
    make_path($dir);
    my $iso = "$dir/" . substr(sha1_hex(join "\0", $cmdline, $initramfs // ()), 0, 12) . '.iso';
    $initramfs //= "$build/initramfs.cpio";
    open my $lock, '>', "$iso.lock" or die "$iso.lock: $!\n";
    flock $lock, LOCK_EX;
    my $newest = (sort { $b <=> $a } map { (stat)[9] } grep { -e } "$build/attic.elf", $initramfs)[0];
    die "$build/attic.elf is not there: run make first\n" unless $newest;
    if (!-e $iso || (stat $iso)[9] <= $newest) {
        run_or_die("$ROOT/scripts/mkiso", $iso, "$build/attic.elf", $initramfs, $cmdline);
    }
    return $iso;
}

# Build a program of tests/host/ as a 32-bit program of this host, under the address and undefined-behaviour sanitizers, and
# become it: it prints TAP. Where i386 programs do not run, qemu-i386 runs it, in which AddressSanitizer does not work. The first takes
# the headers of tests/host/shim in place of the kernel's, the second is for code that needs the kernel's address map.
sub become_host_program {
    my ($name, @sources) = @_;
    build_and_become($name, '-Itests/host/shim', '-Iinclude', @sources);
}

sub become_host_program32 {
    my ($name, @sources) = @_;
    build_and_become($name, '-fno-strict-aliasing', '-Iinclude', @sources);
}

# The cross compiler brings its own 32-bit libc and sanitizers; gcc-multilib, which cc -m32 needs, cannot be installed beside it
# on Debian.
sub host_compiler {
    my $lib = '/usr/i686-linux-gnu/lib';
    return split ' ', $ENV{HOSTCC32} || (-e "$lib/ld-linux.so.2"
        ? "i686-linux-gnu-gcc -Wl,--disable-new-dtags,-rpath,$lib -Wl,--dynamic-linker=$lib/ld-linux.so.2" : 'cc -m32');
}

sub build_and_become {
    my ($name, @options_and_sources) = @_;
    my $dir = build_dir() . '/host';
    make_path($dir);
    chdir $ROOT or die "$ROOT: $!\n";
    my ($sanitizers, @run) = runs_i386() ? 'address,undefined' : ('undefined', 'qemu-i386');
    my @command = (host_compiler(), split(' ', '-std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-builtin -Wall -Wextra -Werror'),
        "-fsanitize=$sanitizers", '-fno-sanitize-recover=all', @options_and_sources, '-o', "$dir/$name");
    system(@command) == 0 or die "@command: failed\n";
    exec { "$dir/$name" } "$dir/$name" or die "$dir/$name: $!\n" unless @run;
    print_and_skip('no AddressSanitizer: it does not run under qemu-i386, and this host runs no i386 programs', @run, "$dir/$name");
}

# Run a program that prints TAP, and add one point: what was left out.
sub print_and_skip {
    my ($why, @command) = @_;
    open my $from, '-|', @command or die "$command[0]: $! (qemu-i386 is in the package qemu-user)\n";
    my $last;
    while (<$from>) {
        s/^1\.\.\K(\d+)/$last = $1 + 1/e;
        print;
    }
    close $from;
    print "ok $last # skip $why\n" if $? == 0;
    exit($? & 127 ? 1 : $? >> 8);
}

# Address of each symbol of the kernel.
sub symbols {
    my ($elf) = @_;
    $elf //= build_dir() . '/attic.debug'; # attic.elf has no names of data
    my %address;
    for (qx(@{[ $ENV{NM} || 'nm' ]} '$elf')) {
        $address{$3} = hex $1 if /^([0-9a-f]+) (\S) (\S+)$/;
    }
    die "$elf: no symbols\n" unless %address;
    return \%address;
}

# ---- a running machine ----

# Options: name (of the log), mem, cpu, machine, firmware (of scripts/qemu), cmdline, build (folder), initramfs (file), iso, kernel
# (file: another than Attic), input (sent as it is taken), timeout, silence (seconds), snapshots (file for the documents of `snapshot`),
# serial (none: no first serial port, and nothing to expect()), hmp (true: hmp() works), gdb_socket (true: gdb() works), stopped, as_disk, no_exit, no_edu, extra (array of QEMU options).
sub boot {
    my ($class, %o) = @_;
    my $self = bless {
        name    => $o{name} // basename($0, '.t'),
        timeout => $o{timeout} // 120,
        silence => $o{silence} // 20,
        output  => '',
        pos     => 0,
        pending => $o{input} // '',
        clock   => 0,
        waited  => {},    # by thread, of QEMU and the programs of beside()
        beside  => {},    # by pid
    }, $class;
    $self->open_logs;
    $self->{hmp_path} = socket_path('hmp') if $o{hmp};
    $self->{gdb_path} = socket_path('gdb') if $o{gdb_socket};
    $self->{iso} = $o{iso} // boot_image($o{cmdline} // '', $o{build} // build_dir(), $o{initramfs}) unless $o{kernel};
    $self->start_qemu(%o, iso => $self->{iso});
    $self->{deadline} = $self->{timeout};
    $self->{last_sign} = 0;
    return $self;
}

# Boot, wait for the end: everything in one call.
sub run {
    my ($class, %o) = @_;
    my $vm = $class->boot(%o);
    $vm->finish;
    return $vm;
}

sub open_logs {
    my ($self) = @_;
    my $dir = build_dir() . '/test-logs';
    make_path($dir);
    (my $file = $self->{name}) =~ s/[^\w.-]+/_/g;
    $self->{log_path} = "$dir/$file.log";
    $self->{reset_log} = "$dir/$file.qemu";
    unlink $self->{reset_log};
    open $self->{log}, '>:raw', $self->{log_path} or die "$self->{log_path}: $!\n";
    $self->{log}->autoflush(1);
}

my $sockets = 0;

sub socket_path {
    my ($kind) = @_;
    return sprintf '%s/attic-%s-%d-%d', Attic::QEMU::socket_folder(), $kind, $$, ++$sockets;
}

sub start_qemu {
    my ($self, %o) = @_;
    $self->{watch} = Attic::Watch->new(image => $o{iso});
    $self->{watch}->open;
    my @command = Attic::QEMU::command(
        (map { ($_ => $o{$_}) } qw(iso mem cpu machine firmware serial as_disk stopped no_exit no_edu)),
        log => $self->{reset_log}, snapshots => $o{snapshots}, watch => $self->{watch},
        extra => [@{ $o{extra} || [] }, gdb_options($self->{gdb_path}), kernel_options(%o)],
        monitor => $self->{hmp_path} && "unix:$self->{hmp_path},server=on,wait=off",
    );
    pipe my $in_read, my $in_write or die "pipe: $!\n";
    pipe my $out_read, my $out_write or die "pipe: $!\n";
    $self->{started} = time;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<&', $in_read;
        open STDOUT, '>&', $out_write;
        open STDERR, '>>', $self->{reset_log};
        Attic::QEMU::become(@command);
    }
    $self->{watch}->started;
    close $_ for $in_read, $out_write;
    for ($in_write, $out_read) {
        fcntl $_, F_SETFL, fcntl($_, F_GETFL, 0) | O_NONBLOCK;
    }
    @$self{qw(pid in out)} = ($pid, $in_write, $out_read);
}

sub gdb_options {
    my ($path) = @_;
    return () unless $path;
    return ('-chardev', "socket,path=$path,server=on,wait=off,id=gdb", '-gdb', 'chardev:gdb');
}

# QEMU itself boots a Linux kernel, without GRUB.
sub kernel_options {
    my (%o) = @_;
    return $o{kernel} ? ('-kernel', $o{kernel}, '-initrd', $o{initramfs}, '-append', $o{cmdline}) : ();
}

# Everything the serial port has said so far, without carriage returns.
sub output {
    return $_[0]{output};
}

# The image that it was booted from.
sub iso {
    return $_[0]{iso};
}

sub log_path {
    return $_[0]{log_path};
}

# Seconds of a processor that QEMU has used: they hardly depend on what else the host does.
sub used {
    my ($self) = @_;
    my (undef, @fields) = split ' ', slurp("/proc/$self->{pid}/stat") =~ s/.*\)//sr;
    return ($fields[10] + $fields[11]) / POSIX::sysconf(POSIX::_SC_CLK_TCK);
}

# Seconds since QEMU's start without those in which it waited for a processor, nor those in which a program of beside() did. It never
# goes back.
sub clock {
    my ($self) = @_;
    my $waited = 0;
    $waited = Attic::QEMU::waited($_, $self->{waited}) for $self->{pid}, keys %{ $self->{beside} };
    my $elapsed = time - $self->{started};
    my $now = max($elapsed - $waited, $elapsed / Attic::QEMU::PATIENCE());
    return $self->{clock} = max($self->{clock}, $now);
}

# Ask, while the machine goes on, until the answer is true, for LONG seconds at most. The last answer.
use constant LONG => 60;

sub wait_until {
    my ($self, $question) = @_;
    my $until = $self->clock + LONG;
    my $answer;
    until ($answer = $question->()) {
        last if $self->{ended} || $self->clock > $until;
        $self->pump(0.05);
    }
    return $answer;
}

sub send {
    my ($self, $text) = @_;
    $self->{pending} .= $text;
    $self->pump(0);
}

# Wait until the output after the last match matches the pattern, and step past it. The matched text, or undef when the
# machine ended or was silent for too long; captures are in captures().
sub expect {
    my ($self, $pattern, $timeout) = @_;
    my $until = $self->clock + ($timeout // $self->{timeout});
    while (1) {
        if (substr($self->{output}, $self->{pos}) =~ $pattern) {
            $self->{captures} = [map { defined $-[$_] ? substr $&, $-[$_] - $-[0], $+[$_] - $-[$_] : undef } 1 .. $#+];
            my $matched = $&;
            $self->{before} = substr $self->{output}, $self->{pos}, $-[0];
            $self->{pos} += $+[0];
            return $matched;
        }
        return undef if $self->{ended} || $self->clock > $until;
        $self->pump(0.1);
    }
}

sub captures {
    return @{ $_[0]{captures} || [] };
}

# The output between the end of the match before and the start of the last one.
sub before {
    return $_[0]{before};
}

# Send a line to the monitor; what it prints up to the next prompt, without the echo of the line; undef when none came.
sub command {
    my ($self, $line, $timeout) = @_;
    $self->send("$line\n");
    return undef unless defined $self->expect(PROMPT, $timeout);
    (my $printed = $self->before) =~ s/\A[^\n]*\n//;
    return $printed;
}

# Move bytes both ways, for at most `wait` seconds; notice the end of QEMU and both limits.
sub pump {
    my ($self, $wait) = @_;
    return if $self->{ended};
    my $watch = $self->{watch};
    my $readers = IO::Select->new($self->{out}, $watch->handle // ());
    my $writers = length $self->{pending} ? IO::Select->new($self->{in}) : undef;
    my ($readable, $writable) = IO::Select->select($readers, $writers, undef, $wait);
    $self->write_pending if $writable && @$writable;
    $self->read_output if grep { $_ == $self->{out} } @{ $readable || [] };
    $watch->serve if grep { $_ == ($watch->handle // 0) } @{ $readable || [] };
    $self->check_limits unless $self->{ended};
}

sub write_pending {
    my ($self) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $n = syswrite $self->{in}, $self->{pending}, 4096;
    if (defined $n) {
        substr $self->{pending}, 0, $n, '';
    } elsif (!$!{EAGAIN} && !$!{EINTR}) {
        $self->{pending} = '';
    }
}

sub read_output {
    my ($self) = @_;
    my $n = sysread $self->{out}, my $bytes, 65536;
    return if !defined $n && ($!{EAGAIN} || $!{EINTR});
    return $self->reap unless $n;
    $self->{last_sign} = $self->clock;
    print { $self->{log} } $bytes;
    $bytes =~ tr/\r//d;
    $self->{output} .= $bytes;
}

sub check_limits {
    my ($self) = @_;
    my $now = $self->clock;
    my $why =
        $now > $self->{deadline}                      ? "longer than $self->{timeout} s"
      : $now > $self->{last_sign} + $self->{silence} ? "silent for $self->{silence} s"
      :                                                 return;
    $self->{timed_out} = $why;
    $self->{watch}->look;
    kill 'KILL', $self->{pid};
    $self->reap;
}

sub reap {
    my ($self) = @_;
    waitpid $self->{pid}, 0;
    my $verdict = $self->{timed_out} ? Attic::QEMU::timeout_verdict() : Attic::QEMU::verdict($?, $self->{reset_log}, 0);
    # QEMU 10 may die of its own end, when sockets are open and the guest writes the exit port. The guest has said its last word then, in
    # which there is no failure.
    $verdict = ['pass', 0, 'QEMU died of SIGSEGV after the power was off'] if ($? & 127) == POSIX::SIGSEGV && $self->output =~ /^Power off\.\r?\n\z/m;
    $self->{ended} = 1;
    ($self->{status}, undef, $self->{text}) = @$verdict;
    $self->{text} .= " ($self->{timed_out})" if $self->{timed_out};
    unlink grep { defined } @$self{qw(hmp_path gdb_path console_path)};
    unlink $self->{reset_log} if $self->{status} ne 'triple-fault' && $self->{status} ne 'error';
    close $self->{log};
}

# Wait for the end. How it ended, as one word.
sub finish {
    my ($self) = @_;
    $self->pump(0.2) until $self->{ended};
    return $self->{status};
}

sub status {
    return $_[0]{status} // 'running';
}

# How it ended, as a sentence, where the machine was if it said nothing of its end, and the last lines of output: for diag().
sub describe {
    my ($self) = @_;
    my @lines = split /\n/, $self->{output};
    splice @lines, 0, @lines - 20 if @lines > 20;
    return join "\n", "$self->{name}: " . ($self->{text} // 'still running') . "; log: $self->{log_path}", $self->{watch}->report,
        map { "  | $_" } @lines;
}

# End it now, whatever it does.
sub kill_now {
    my ($self) = @_;
    return if $self->{ended};
    kill 'KILL', $self->{pid};
    $self->{timed_out} //= 'ended by the test';
    $self->reap;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->kill_now if $self->{pid} && !$self->{ended};
}

# ---- QEMU's monitor ----

# Run one command of the human monitor and return what it prints.
sub hmp {
    my ($self, $command) = @_;
    $self->{hmp} //= $self->open_hmp;
    print { $self->{hmp} } "$command\n";
    my $answer = $self->read_hmp;
    $answer =~ s/\e\[[KD]//g;
    $answer =~ s/\A[^\n]*\n//;
    return $answer;
}

sub open_hmp {
    my ($self) = @_;
    my $socket;
    $self->wait_until(sub { $socket = IO::Socket::UNIX->new(Peer => $self->{hmp_path}) }) or die "$self->{hmp_path}: $!\n";
    $socket->autoflush(1);
    $self->{hmp} = $socket;
    $self->read_hmp;
    return $socket;
}

sub read_hmp {
    my ($self) = @_;
    my ($text, $select) = ('', IO::Select->new($self->{hmp}));
    while ($text !~ /\(qemu\) \z/) {
        $self->wait_until(sub { $select->can_read(0.1) }) or die "QEMU's monitor is silent\n";
        sysread $self->{hmp}, my $bytes, 65536 or die "QEMU's monitor has gone\n";
        $text .= $bytes =~ tr/\r//dr;
    }
    return $text =~ s/\(qemu\) \z//r;
}

# `size` bytes of physical memory from `addr`.
sub physical {
    my ($self, $addr, $size) = @_;
    my $file = socket_path('mem');
    my $answer = $self->hmp("pmemsave $addr $size \"$file\"");
    die "pmemsave: $answer\n" unless -s $file;
    my $bytes = slurp($file);
    unlink $file;
    return $bytes;
}

# The value of a register in `info registers`: CR0, CR3, EIP...
sub register {
    my ($self, $name) = @_;
    my ($value) = $self->hmp('info registers') =~ /\b\Q$name\E=([0-9a-f]+)/ or die "no register $name\n";
    return hex $value;
}

# The text on the VGA screen, 25 lines, from where it is shown.
sub screen {
    my ($self) = @_;
    return text_of($self->physical(0xb8000 + 2 * $self->crtc_address(0x0c), 80 * 25 * 2));
}

# The text in all of the screen's memory, with what has been scrolled out of sight.
sub screen_memory {
    my ($self) = @_;
    return text_of($self->physical(0xb8000, 80 * 204 * 2));
}

sub text_of {
    my ($cells) = @_;
    my $text = join '', map { chr } unpack '(Cx)*', $cells;
    return join '', map { s/[\0 ]+\z//r . "\n" } unpack '(a80)*', $text;
}

# Row and column of the cursor, from 0.
sub screen_cursor {
    my ($self) = @_;
    my $cell = $self->crtc_address(0x0e) - $self->crtc_address(0x0c);
    return (int $cell / 80, $cell % 80);
}

# Two neighbouring registers of the CRT controller as one number, the upper half first. A machine that is writing them may come between;
# ask again then.
sub crtc_address {
    my ($self, $index) = @_;
    my @halves = map {
        $self->hmp(sprintf 'o /b 0x3d4 0x%02x', $_);
        $self->hmp('i /b 0x3d5') =~ /= 0x([0-9a-f]+)/ ? hex $1 : 0;
    } $index, $index + 1;
    return $halves[0] << 8 | $halves[1];
}

# Press keys of the keyboard, by QEMU's names (`shift-a`, `ctrl-c`, `left`), one after the other.
sub press {
    my ($self, @keys) = @_;
    for my $key (@keys) {
        my $said = $self->hmp("sendkey $key 2");
        die "sendkey $key: $said\n" if $said =~ /\S/;
        $self->pump(0.02);
    }
}

my %KEYS = (' ' => 'spc', "\n" => 'ret', "\t" => 'tab', '-' => 'minus', '=' => 'equal', '[' => 'bracket_left', ']' => 'bracket_right',
    ';' => 'semicolon', "'" => 'apostrophe', '`' => 'grave_accent', '\\' => 'backslash', ',' => 'comma', '.' => 'dot', '/' => 'slash');
@KEYS{split //, '~!@#$%^&*()_+{}|:"<>?'} = map { "shift-$_" } 'grave_accent', 1 .. 9, 0, qw(minus equal bracket_left bracket_right
    backslash semicolon apostrophe comma dot slash);

# Type a text on the keyboard, US layout.
sub type {
    my ($self, $text) = @_;
    $self->press(map { $KEYS{$_} // (/[A-Z]/ ? 'shift-' . lc : $_) } split //, $text);
}

# ---- gdb ----

# Attach gdb in batch mode, with Attic's own commands loaded, and run these. What it prints. The machine goes on by itself when
# gdb has detached.
sub gdb {
    my ($self, $elf, @commands) = @_;
    $self->pump(0.05) until $self->{ended} || -S $self->{gdb_path}; # QEMU makes it when it starts
    return $self->beside($ENV{GDB} || 'gdb', '-q', '-nx', '-batch', '-x', 'scripts/gdb/attic.gdb', '-ex',
        "target remote $self->{gdb_path}", (map { ('-ex', $_) } @commands), $elf);
}

# Where a gdb can connect to.
sub gdb_target {
    return $_[0]{gdb_path};
}

use constant BESIDE_SECONDS => 120;

# Run a program in the root of the repository while the machine goes on; what it prints, errors included. One that does not end within
# BESIDE_SECONDS of the clock is killed, and timed_out() is true.
sub beside {
    my ($self, @command) = @_;
    my $until = $self->clock + BESIDE_SECONDS;
    $self->{beside_timed_out} = 0;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        chdir $ROOT;
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }
    $self->{beside}{$pid} = 1;
    my ($said, $select) = ('', IO::Select->new($out));
    while (1) {
        $self->pump(0.02);
        $self->take_typed;
        $self->{last_sign} = $self->clock; # stopped on purpose
        if ($self->clock > $until) {
            $self->{beside_timed_out} = 1;
            kill 'KILL', $pid;
            last;
        }
        next unless $select->can_read(0.02);
        sysread $out, my $bytes, 65536 or last;
        $said .= $bytes;
    }
    close $out;
    return $said;
}

# Whether the last program of beside() had to be killed.
sub timed_out {
    return $_[0]{beside_timed_out};
}

# A socket for a gdb of beside() that wants to type on Attic's console (ATTIC_CONSOLE). The console's output is not sent there: it
# would come among gdb's lines at any moment.
sub open_console {
    my ($self) = @_;
    $self->{console_path} = socket_path('console');
    $self->{console} = IO::Socket::UNIX->new(Local => $self->{console_path}, Listen => 1) or die "$self->{console_path}: $!\n";
    return $self->{console_path};
}

sub take_typed {
    my ($self) = @_;
    my $socket = $self->{typist} // $self->{console} // return;
    return unless IO::Select->new($socket)->can_read(0);
    if (!$self->{typist}) {
        $self->{typist} = $socket->accept;
    } elsif (sysread $socket, my $bytes, 4096) {
        $self->send($bytes);
    } else {
        delete @$self{qw(console typist)};
    }
}

# ---- in-kernel tests ----

# Judge the serial log of a run of in-kernel tests: { tests => [{ok, name, skip, notes}], problems => [text] }. A run is whole
# when it has a header, a plan, every number of the plan once and in order, no name twice, and ended in pass or fail.
sub judge_ktap {
    my ($output, $status) = @_;
    my (@tests, @problems, %seen, $header, $plan, @notes);
    for (split /\r?\n/, $output) {
        if (/^KTAP version (\d+)$/) {
            push @problems, "KTAP version $1" if $1 != 1;
            push @problems, 'a second KTAP header' if $header++;
        } elsif (/^1\.\.(\d+)/) {
            push @problems, 'a second plan' if defined $plan;
            $plan = $1;
        } elsif (/^(not )?ok (\d+) (?:- )?(\S+)(?: # SKIP ?(.*))?/) {
            my %test = (ok => !$1, name => $3, skip => $4, notes => [splice @notes]);
            push @tests, \%test;
            push @problems, "result $2 where " . @tests . ' should be' if $2 != @tests;
            push @problems, "$3 is there twice" if $seen{$3}++;
        } elsif (/^# /) {
            push @notes, $_;
        }
    }
    push @problems, 'no KTAP header' unless $header;
    push @problems, 'no plan' unless defined $plan;
    push @problems, sprintf '%d tests planned, %d reported', $plan, scalar @tests if defined $plan && $plan != @tests;
    push @problems, 'no tests' unless @tests;
    my $failed = grep { !$_->{ok} } @tests;
    my $expected = $failed ? 'fail' : 'pass';
    push @problems, "ended in $status, not $expected" if $status ne $expected;
    return { tests => \@tests, problems => \@problems };
}

# Run the in-kernel tests on one machine, and report each as a test of this program. Options are boot()'s, and label.
sub ktap_ok {
    my (%o) = @_;
    my $label = delete $o{label} // $o{mem};
    my $glob = $ENV{KTEST} // '*';
    my $vm = Attic->run(timeout => 240, %o, cmdline => join ' ', grep { length } $o{cmdline} // '', "ktest=$glob");
    my $verdict = judge_ktap($vm->output, $vm->status);
    # QEMU's "max" has all that Attic asks for: a test that says otherwise has been misled.
    push @{ $verdict->{problems} }, map { "$_->{name}: $_->{skip}" } grep { ($_->{skip} // '') =~ /^this processor/ } @{ $verdict->{tests} }
        if ($o{cpu} // $ENV{CPU} // 'max') eq 'max';
    for my $test (@{ $verdict->{tests} }) {
        report($test, "$label: $test->{name}");
    }
    ok !@{ $verdict->{problems} }, "$label: the run is whole"
        or diag join "\n", @{ $verdict->{problems} }, $vm->describe;
    return $vm;
}

sub report {
    my ($test, $name) = @_;
    if ($test->{ok} && defined $test->{skip}) {
      SKIP: {
            skip "$name: $test->{skip}", 1;
        }
        return;
    }
    ok $test->{ok}, $name or diag join "\n", @{ $test->{notes} };
}

1;
