# Run the same shell scripts in Attic and on this machine's Linux, by the same busybox, and compare what they print.
#
#   my @cases = ({ name => 'echo_1', script => "echo 1\n", root => 0 }, ...);
#   same_as_linux(busybox => $path, cases => \@cases, data => {words => $text});
#
# One folder with busybox, the scripts and their data is packed into the initramfs of one boot, and is the root of a process tree
# on Linux; tests/busybox/run goes through the scripts in both. Each script is one test, whose output and exit status must be the
# same. One that stops the machine, or hangs, is not the end of the others: they go on in a further boot.
#
# On Linux the folder's copy is the root, on a tmpfs of its own in a mount namespace; where that is not allowed, not even in a
# user namespace, the scripts run in the folder as it is, and those that need root are left out.
package SameAsLinux;
use strict;
use warnings;
use Attic qw(build_dir make_initramfs root_dir slurp);
use Exporter qw(import);
use File::Path qw(make_path remove_tree);
use POSIX ();
use Test::More;

our @EXPORT_OK = qw(read_cases same_as_linux);

use constant {
    BOOTS   => 6,     # of the scripts that are left after one has failed to end
    SECONDS => 600,   # a whole run
    SILENCE => 40,    # a script
};

# The environment of all scripts, on both sides.
my @ENVIRONMENT = ('env', '-i', 'HOME=/root', 'TERM=linux', 'USER=root');
my $PATH = '/bin:/sbin:/usr/bin:/usr/sbin';

# The scripts of a file, as its head says.
sub read_cases {
    my ($file) = @_;
    my @cases;
    for (split /^/, slurp($file)) {
        if (/^== (\w+)(?: \((root)\))?$/) {
            push @cases, { name => $1, script => '', root => defined $2 };
        } elsif (@cases) {
            $cases[-1]{script} .= $_;
        }
    }
    return @cases;
}

sub same_as_linux {
    my (%o) = @_;
    my ($archive, $tree) = initramfs(%o);
    my ($linux, $as_root) = run_on_linux($tree);
    my @cases = grep { $as_root || !$_->{root} } @{ $o{cases} };
    my $attic = run_on_attic(%o, archive => $archive, tree => $tree, cases => \@cases);
    for my $case (@cases) {
        compare($case, $linux->{ $case->{name} }, $attic->{ $case->{name} });
    }
}

sub compare {
    my ($case, $linux, $attic) = @_;
    my $name = $case->{name};
    return fail("$name: Linux did not end it") unless $linux;
    return fail("$name: ends") || diag("$attic->{why}\nthe script:\n$case->{script}") unless defined $attic->{output};
    # What a dead process leaves behind on Linux depends on how that machine is set up.
    (my $wanted = $linux->{output}) =~ s/ \(core dumped\)$//mg;
    my $same = $attic->{output} eq $wanted && $attic->{status} == $linux->{status};
    ok $same, $name or diag difference($case, $wanted, $linux->{status}, $attic);
}

# The first line that differs, and around it.
sub difference {
    my ($case, $wanted, $status, $attic) = @_;
    my @wanted = split /\n/, $wanted, -1;
    my @got = split /\n/, $attic->{output}, -1;
    my $i = 0;
    $i++ while $i < @wanted && $i < @got && $wanted[$i] eq $got[$i];
    my $from = $i > 2 ? $i - 2 : 0;
    my $part = sub { map { "  $_[0] | $_\n" } map { length > 200 ? substr($_, 0, 200) . '...' : $_ } grep { defined } @_[1 .. 5] };
    return join '', "from line @{[ $from + 1 ]} of the output; exit status: Linux $status, Attic $attic->{status}\n",
        $part->('Linux', @wanted[$from .. $from + 4]), $part->('Attic', @got[$from .. $from + 4]), "the script:\n$case->{script}";
}

# ---- the folder ----

sub initramfs {
    my (%o) = @_;
    my %files = (
        'init.test'     => join("\n", '#!/bin/sh', 'cd /test', "exec @ENVIRONMENT PATH=$PATH /bin/sh ./run", ''),
        'test/run'      => slurp(root_dir() . '/tests/busybox/run'),
        'test/order'    => order(@{ $o{cases} }),
        (map { ("test/data/$_" => $o{data}{$_}) } keys %{ $o{data} }),
        (map { ("test/cases/$_->{name}" => $_->{script}) } @{ $o{cases} }),
    );
    return make_initramfs(name => $o{name}, busybox => $o{busybox}, files => \%files);
}

sub order {
    return join '', map { "$_->{name}\n" } @_;
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

# ---- Linux ----

# As root of a tree of its own, when possible. (results, whether as root).
sub run_on_linux {
    my ($tree) = @_;
    my $dir = "$tree/..";
    my $root = "$dir/linux";
    remove_tree($root);
    make_path($root);
    for my $unshare ($> == 0 ? (['unshare', '--mount']) : (), ['unshare', '--mount', '--map-root-user']) {
        my $output = ask(@$unshare, 'sh', '-c', <<'END', 'sh', $root, $tree, i686());
            mount -t tmpfs -o mode=755 attic "$1" && cp -a "$2/." "$1" && mount --rbind /proc "$1/proc" || exit 99
            for device in null zero urandom tty; do
                : > "$1/dev/$device" && mount --bind "/dev/$device" "$1/dev/$device" || exit 99
            done
            command -v chroot > /dev/null || PATH=$PATH:/usr/sbin:/sbin
            exec ${3-} ${4-} chroot "$1" /init.test
END
        return (results($output), 1) if $output =~ /^\@done$/m;
    }
    diag 'no root of its own on Linux (that needs root, or user namespaces): the scripts that need one are left out';
    return (run_in_folder($tree, $root), 0);
}

sub run_in_folder {
    my ($tree, $root) = @_;
    my $path = "$root/bin";
    system('cp', '-a', "$tree/.", $root) == 0 or die "cannot copy $tree\n";
    make_path("$root/bin");
    for my $link (glob "$root/bin/* $root/sbin/* $root/usr/bin/* $root/usr/sbin/*") {
        next unless -l $link;
        my ($name) = $link =~ m{([^/]+)$};
        unlink "$root/bin/$name";
        symlink 'busybox', "$root/bin/$name";
    }
    return results(ask('sh', '-c', "cd '$root/test' && exec @{[ i686(), @ENVIRONMENT ]} PATH='$path' '$root/bin/sh' ./run"));
}

# What makes a process see a 32-bit machine, where that may be said.
sub i686 {
    return system('setarch i686 true 2> /dev/null') == 0 ? qw(setarch i686) : ();
}

# What a command prints on standard output; it may take some minutes.
sub ask {
    my @command = ('timeout', SECONDS, @_);
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDERR, '>', build_dir() . '/test-logs/same-as-linux.stderr' if -d build_dir() . '/test-logs';
        exec @command or POSIX::_exit(127);
    }
    local $/;
    my $said = <$out> // '';
    close $out;
    return $said;
}

# ---- Attic ----

# Boot, and again with what is left when something stopped the machine. Results by script; one without output has the reason.
sub run_on_attic {
    my (%o) = @_;
    my @left = @{ $o{cases} };
    my (%result, $archive);
    for my $boot (1 .. BOOTS) {
        ($archive) = initramfs(%o, cases => \@left);
        my $vm = Attic->boot(name => "$o{name}-$boot", initramfs => $archive, cmdline => 'init=/init.test', mem => $o{mem},
            timeout => SECONDS, silence => SILENCE);
        my $done = defined $vm->expect(qr/^\@done$/m);
        %result = (%result, %{ results($vm->output) });
        my @now_left = grep { !$result{ $_->{name} } } @left;
        return \%result if $done && !@now_left;
        my $why = $vm->describe;
        $vm->kill_now;
        my $stopped = shift @now_left;
        $result{ $stopped->{name} } = { why => $why } if $stopped;
        @left = @now_left or last;
        last if @left == @{ $o{cases} } - 1; # not even the first: no shell
    }
    $result{ $_->{name} } //= { why => 'not run: too many machines have stopped before' } for @left;
    return \%result;
}

1;
