# The Linux that Attic is compared with: this machine's, where it runs i386 programs (Attic::runs_i386), else Debian's i386 kernel
# in QEMU, which is fetched when it is not there (`make linux`).
#
#   my ($archive, $tree) = script_tree(name => 'some', busybox => $path, cases => [{name => 'echo_1', script => "echo 1\n"}],
#       data => {words => $text}, programs => {test => $path});
#   my ($results, $why) = scripts_on_linux('some', $archive, $tree);      # {echo_1 => {output => "1\n", status => 0}}
#   my ($results, $why) = programs_on_linux('some', hello => [$path, 'argument']);
#
# A tree holds busybox, the scripts and their data; tests/run/busybox/run goes through the scripts, in Attic too. On this machine's
# Linux its copy is the root, on a tmpfs of its own in a mount namespace; where that is not allowed, not even in a user namespace,
# QEMU is asked. A program needs no tree on this machine.
#
# What Linux did not end is missing in the results; without any Linux they are undef, and the reason comes second.
package Linux;
use strict;
use warnings;
use Attic qw(build_dir fetched make_initramfs root_dir runs_i386 slurp);
use Exporter qw(import);
use File::Basename qw(basename);
use File::Path qw(make_path);
use File::Temp qw(tempfile);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;

our @EXPORT_OK = qw(programs_on_linux results script_tree scripts_on_linux);

use constant {
    SECONDS         => 600,    # all scripts
    PROGRAM_SECONDS => 120,
    SILENCE         => 120,    # a script in QEMU
    # no_timer_check: a timer that is late because the host is busy is no broken one.
    COMMAND_LINE    => 'console=ttyS0 loglevel=1 panic=-1 mitigations=off no_timer_check rdinit=/init.linux',
};

# The environment of all scripts and programs.
my @ENVIRONMENT = ('env', '-i', 'HOME=/root', 'TERM=linux', 'USER=root');

# A root on a tmpfs, as on this machine's Linux, and in it what is the kernel's to do in Attic: devices, /proc, a controlling terminal.
my $INIT_LINUX = <<'END';
#!/bin/sh
set -- /*
mkdir /new
mount -t tmpfs -o mode=755 attic /new
cp -a "$@" /new
mount -t devtmpfs devices /new/dev
mkdir /new/dev/pts
mount -t devpts -o ptmxmode=666 terminals /new/dev/pts
mount -t proc proc /new/proc
setsid -c chroot /new /init.test < /new/dev/ttyS0 > /new/dev/ttyS0 2>&1
poweroff -f
END

sub script_tree {
    my (%o) = @_;
    my %files = (
        'init.linux' => $INIT_LINUX,
        'init.test'  => join("\n", '#!/bin/sh', 'cd /test', "exec @ENVIRONMENT PATH=/bin /bin/sh ./run", ''),
        'test/run'   => slurp(root_dir() . '/tests/run/busybox/run'),
        'test/order' => join('', map { "$_->{name}\n" } @{ $o{cases} }),
        (map { ("test/data/$_" => $o{data}{$_}) } keys %{ $o{data} }),
        (map { ("test/cases/$_->{name}" => $_->{script}) } @{ $o{cases} }),
    );
    return make_initramfs(name => $o{name}, busybox => $o{busybox}, programs => $o{programs}, files => \%files);
}

# What `run` printed, by script.
sub results {
    my ($output) = @_;
    my %result;
    while ($output =~ /^\@begin (\w+)\n(.*?)^?\@end \1 (\d+)\n/msg) {
        $result{$1} = { output => $2, status => $3 };
    }
    return \%result;
}

sub scripts_on_linux {
    my ($name, $archive, $tree) = @_;
    my $output = runs_i386() ? in_own_root($tree) : undef;
    return results($output) if defined $output;
    ($output, my $why) = in_qemu($name, $archive);
    return defined $output ? results($output) : (undef, $why);
}

# Each by itself, without input.
sub programs_on_linux {
    my ($name, %commands) = @_;
    if (runs_i386()) {
        my $folder = tempdir('attic-linux-XXXXXX', TMPDIR => 1, CLEANUP => 1);
        return { map { $_ => program("$folder/$_", @{ $commands{$_} }) } keys %commands };
    }
    my ($busybox, $why) = fetched('busybox', 'busybox/busybox');
    return (undef, $why) unless $busybox;
    my %programs = map { $_ => $commands{$_}[0] } keys %commands;
    my @cases = map { my ($path, @arguments) = @{ $commands{$_} }; { name => $_, script => "exec /$_ @arguments\n" } } sort keys %commands;
    return scripts_on_linux($name, script_tree(name => "$name-linux", busybox => $busybox, programs => \%programs, cases => \@cases));
}

# ---- this machine's ----

# Through a link, because a program may write its path behind #!, where no blank can be.
sub program {
    my ($link, $path, @arguments) = @_;
    symlink $path, $link or die "$link: $!\n";
    my $output = ask(PROGRAM_SECONDS, @ENVIRONMENT, 'sh', '-c', 'exec "$@" 2>&1', 'sh', $link, @arguments);
    return { output => $output, status => $? & 127 ? 128 + ($? & 127) : $? >> 8 };
}

# As root of a tree of its own; undef when that is not possible.
sub in_own_root {
    my ($tree) = @_;
    my $root = "$tree/../linux";
    make_path($root);
    for my $unshare ($> == 0 ? (['unshare', '--mount']) : (), ['unshare', '--mount', '--map-root-user']) {
        my $output = ask(SECONDS, @$unshare, 'sh', '-c', <<'END', 'sh', $tree, $root, i686());
            tree=$1 root=$2
            shift 2
            mount -t tmpfs -o mode=755 attic "$root" && cp -a "$tree/." "$root" && mount --rbind /proc "$root/proc" || exit 99
            for device in null zero urandom tty; do
                : > "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || exit 99
            done
            PATH=$PATH:/usr/sbin:/sbin
            exec "$@" chroot "$root" /init.test
END
        return $output if $output =~ /^\@begin /m;
    }
    return undef;
}

# What makes a process see a 32-bit machine, where that may be said.
sub i686 {
    return system('setarch i686 true 2> /dev/null') == 0 ? qw(setarch i686) : ();
}

# What a command prints on standard output until it ends, and $?. It has a session of its own: the first process of a container may be
# of ours, and a group of processes is orphaned only where no parent of it is. The output goes through a file, because a process that is
# left behind would hold a pipe open for ever.
sub ask {
    my ($seconds, @command) = @_;
    my $logs = build_dir() . '/test-logs';
    make_path($logs);
    my $out = tempfile(DIR => $logs);
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>&', $out;
        open STDERR, '>', "$logs/" . basename($0, '.t') . '-linux.stderr';
        exec 'setsid', '--wait', 'timeout', '-k', '5', $seconds, @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    seek $out, 0, 0;
    local $/;
    return scalar <$out> // '';
}

# ---- Debian's, in QEMU ----

# What the scripts of the archive print, or (undef, why there is no such kernel).
sub in_qemu {
    my ($name, $archive) = @_;
    my ($kernel, $why) = fetched('linux', 'linux/vmlinuz');
    return (undef, $why) unless $kernel;
    my $vm = Attic->boot(name => "$name-linux", kernel => $kernel, initramfs => $archive, cmdline => COMMAND_LINE, mem => '512M',
        timeout => SECONDS, silence => SILENCE);
    $vm->expect(qr/^\@done$/m) // diag "Linux in QEMU: " . $vm->describe;
    $vm->kill_now;
    return $vm->output;
}

1;
