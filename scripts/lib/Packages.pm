# Debian packages of another architecture, fetched and unpacked into a folder: the system is not changed.
#
#   my $packages = Attic::Packages->new(name => 'busybox', dir => "$BUILD/busybox");
#   $packages->update;                             # look for packages
#   $packages->update('bookworm');                 # also in Debian 12, where these are the sources of another Debian
#   $packages->field('linux-image-686:i386', 'Depends');
#   $packages->unpack('busybox-static:i386');      # under dir/root/, once
#
# The package sources are those that this machine has already, asked also for i386. apt-get runs with lists, cache, status and
# configuration of its own in dir/apt, so that neither the list of installed packages nor the system's cache is touched, and
# no root is needed; packages are only unpacked, none of their scripts runs. What was fetched is kept, and `rm -r dir` fetches
# again. What the programs say goes to dir/log. fail() ends the run with one line, named after the script, and status 1: whatever cannot
# be had ends that way.
#
# Used by scripts/fetch and scripts/bench-linux, which also run their own programs through run() and ask().
package Attic::Packages;
use strict;
use warnings;
use File::Basename qw(basename);
use File::Path qw(make_path remove_tree);
use POSIX ();

# Options: name (of the script, for its messages), dir (an absolute path, made when it is not there).
sub new {
    my ($class, %o) = @_;
    my $self = bless { name => $o{name}, dir => $o{dir}, log => "$o{dir}/log" }, $class;
    make_path($self->{dir});
    $self->write_file($self->{log}, '');
    $self->need(@$_) for ['apt-get', 'apt'], ['dpkg-deb', 'dpkg'];
    return $self;
}

sub dir {
    return $_[0]{dir};
}

sub log_path {
    return $_[0]{log};
}

sub fail {
    my ($self, $why) = @_;
    print STDERR "$self->{name}: $why\n";
    exit 1;
}

sub write_file {
    my ($self, $path, $text) = @_;
    open my $out, '>', $path or $self->fail("$path: $!");
    print $out $text;
    close $out or $self->fail("$path: $!");
}

sub read_file {
    my ($self, $path) = @_;
    open my $in, '<', $path or $self->fail("$path: $!");
    local $/;
    return scalar <$in>;
}

# Run a program with its output in the log; true when it went well.
sub run {
    my ($self, @command) = @_;
    open my $log, '>>', $self->{log} or $self->fail("$self->{log}: $!");
    print $log "+ @command\n";
    close $log;
    my $pid = fork // $self->fail("fork: $!");
    if (!$pid) {
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $self->{log};
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return $? == 0;
}

# What a shell command prints, '' when it fails; its errors go to the log.
sub ask {
    my ($self, $command) = @_;
    my $answer = qx{$command 2>> '$self->{log}'};
    return $? == 0 ? $answer : '';
}

sub need {
    my ($self, $tool, $package) = @_;
    grep { -x "$_/$tool" } split /:/, $ENV{PATH} or $self->fail("$tool is missing: it is in the package $package");
}

# Make apt's configuration and fetch the lists of packages, also those of another suite of the same sources if one is named.
# The native architecture.
sub update {
    my ($self, $suite) = @_;
    my $native = $self->set_up_apt($suite);
    print "$self->{name}: looking for packages\n";
    $self->run(qw(apt-get update)); # a source that fails need not be one that counts
    return $native;
}

# A configuration of apt's own: this machine's sources, also for i386; other lists, cache and status. Of the system's options
# only those for transport are taken over, because others may be hooks that touch the system's cache.
sub set_up_apt {
    my ($self, $suite) = @_;
    my $apt = "$self->{dir}/apt";
    remove_tree("$apt/sources");
    make_path(map { "$apt/$_" } qw(lists/partial archives/partial sources parts));
    for my $file ('/etc/apt/sources.list', glob '/etc/apt/sources.list.d/*.{list,sources}') {
        next unless -e $file;
        my $text = $self->read_file($file);
        $text =~ s/^Architectures:.*\n//mg;
        $text =~ s/\[([^]]*?)\barch=\S*?(\s[^]]*)?\]/'[' . $1 . ($2 \/\/ '') . ']'/mge;
        $text =~ s/\[\s*\]//g;
        $self->write_file("$apt/sources/" . basename($file), $text);
        next unless $suite;
        my $also = $self->of_suite($text, $suite);
        $self->write_file("$apt/sources/$suite-" . basename($file), $also) if $also ne $text;
    }
    my $transport = join '', grep { /^Acquire::https?::/ } map { "$_\n" } split /\n/, $self->ask('apt-config dump');
    my $native = $self->ask('dpkg --print-architecture');
    chomp $native;
    $self->write_file("$apt/status", '');
    $self->write_file("$apt/apt.conf", $transport . <<"END");
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "$apt/parts";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources";
APT::Architecture "i386";
APT::Architectures { "i386"; "$native"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
END
    $ENV{APT_CONFIG} = "$apt/apt.conf";
    return $native;
}

# The same sources for another suite, in both of apt's formats: trixie-security becomes bookworm-security.
sub of_suite {
    my ($self, $text, $suite) = @_;
    my $own = $self->ask('. /etc/os-release && printf %s "${VERSION_CODENAME-}"') || 'stable';
    my @lines = split /^/, $text;
    for my $line (@lines) {
        my ($head, $rest) = $line =~ /^(Suites:|deb(?:-src)?\s+(?:\[[^]]*\]\s+)?\S+\s)(.*)/s or next;
        $line = $head . $rest =~ s/\b(?:\Q$own\E|stable|testing|unstable|sid)\b/$suite/gr;
    }
    return join '', @lines;
}

# The value of a field of the newest version of a package, '' when the sources do not have it.
sub field {
    my ($self, $package, $field) = @_;
    my ($value) = $self->ask("apt-cache show --no-all-versions '$package'") =~ /^\Q$field\E: (.*)$/m;
    return $value // '';
}

# Fetch a package, as name:architecture, and unpack it under dir/root/, if that has not been done.
sub unpack {
    my ($self, $package) = @_;
    my ($name) = split /:/, $package;
    my $done = "$self->{dir}/root/.$name";
    return if -e $done;
    print "$self->{name}: fetching $package\n";
    my $debs = "$self->{dir}/debs/$name";
    remove_tree($debs);
    make_path($debs, "$self->{dir}/root");
    my $get = $package =~ s/:all$//r;
    $self->run('sh', '-c', 'cd "$1" && apt-get download "$2"', 'sh', $debs, $get)
        or $self->fail("apt-get cannot fetch $get from this machine's package sources (is there a network?); see $self->{log}");
    my @deb = glob "'$debs/*.deb'";
    @deb == 1 && $self->run('dpkg-deb', '-x', $deb[0], "$self->{dir}/root")
        or $self->fail("cannot unpack $package; see $self->{log}");
    $self->write_file($done, basename($deb[0]) . "\n");
    remove_tree($debs);
}

1;
