# Attic in Bochs: a second emulator, which has a TLB and rules of its own.
#
#   my $missing = Bochs::missing();                   # undef, or what to install
#   my @runs = map { Bochs->boot(name => "bochs-$_", model => $_, cmdline => 'ktest=*') } qw(p3_katmai corei7_skylake_x);
#   Bochs::finish(@runs);                             # all at the same time
#   $run->status, $run->output, $run->describe        # as those of Attic.pm: pass fail panic triple-fault timeout error
#
# The serial port is a file, which is read as it grows. Bochs has no device by which the kernel tells how a run ended; it has a port that
# ends it (machine_exit), which passed and failed runs use alike. So what the tests themselves said tells these two apart, a line of a panic
# is one, and Bochs ends by itself at a triple fault.
#
# Debian's Bochs has its debugger built in, so it is told to go on, and its end of input is the end. With the display `term` it then writes
# the screen into a terminal of its own: somebody must read there, or it stops when that is full. Time in the machine is counted in
# instructions, IPS of them a second, and waiting takes none: so no test depends on the host's speed.
package Bochs;
use strict;
use warnings;
use Attic qw(build_dir);
use File::Path qw(make_path);
use POSIX ();
use Time::HiRes qw(sleep time);

use constant {
    IPS => 50_000_000,
    AFTER_PANIC => 5,    # seconds for the rest of its report
    FOLDER => '/usr/share/bochs',
};

# With the names that Bochs gives them and, with .bin, those in some of its versions.
my ($BIOS)     = grep { -e } map { FOLDER . "/BIOS-bochs-latest$_" } '', '.bin';
my ($VGA_BIOS) = grep { -e } map { FOLDER . "/VGABIOS-lgpl-latest$_" } '', '.bin';

# What keeps Bochs from running, or undef.
sub missing {
    return 'bochs is not installed (packages bochs bochsbios bochs-term vgabios)' unless grep { -x "$_/bochs" } split /:/, $ENV{PATH};
    return FOLDER . ' has no BIOS (packages bochsbios vgabios)' unless $BIOS && $VGA_BIOS;
    return 'bochs has no display `term` (package bochs-term)' unless glob '/usr/lib/*/bochs/plugins/libbx_term*.so';
    return undef;
}

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
}

sub configuration {
    my (%o) = @_;
    return <<"END";
display_library: term
romimage: file=$BIOS
vgaromimage: file=$VGA_BIOS
megs: @{[ $o{megs} // 128 ]}
cpu: model=$o{model}, ips=@{[ IPS ]}, reset_on_triple_fault=0
clock: sync=none, time0=utc
sound: driver=dummy
ata0-master: type=cdrom, path="$o{iso}", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev="$o{serial}"
log: "$o{log}"
panic: action=fatal
error: action=report
info: action=report
END
}

# Options: name (of the logs), model (of the processor: bochs --help cpu), cmdline, megs, timeout and silence (seconds of a processor).
sub boot {
    my ($class, %o) = @_;
    my $self = bless { timeout => 600, silence => 120, output => '', used => 0, last_sign => 0, %o }, $class;
    my $base = build_dir() . '/test-logs';
    make_path($base);
    $base .= "/$o{name}";
    @$self{qw(serial log said)} = map { "$base.$_" } qw(log bochs said);
    unlink @$self{qw(serial log said)};
    write_file("$base.rc", configuration(%$self, iso => Attic::boot_image($o{cmdline} // '', build_dir())));
    my @options = ('-q', '-f', "$base.rc");
    if (qx(bochs --help 2>&1) =~ /^\s*-rc filename/m) {
        write_file("$base.debugger", "continue\n");
        push @options, '-rc', "$base.debugger";
    }
    $self->start(@options);
    return $self;
}

# Until all of them have ended.
sub finish {
    my @runs = @_;
    while (my @running = grep { !$_->{ended} } @runs) {
        sleep 0.1;
        $_->step for @running;
    }
}

sub output {
    return $_[0]{output};
}

sub status {
    return $_[0]{status} // 'running';
}

sub start {
    my ($self, @options) = @_;
    $self->{pid} = fork // die "fork: $!\n";
    return if $self->{pid};
    $ENV{TERM} = 'vt100';
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $self->{said};
    open STDERR, '>&', \*STDOUT;
    Attic::QEMU::become('bochs', @options);
}

sub step {
    my ($self) = @_;
    $self->{used} = Attic::used($self);
    $self->drain_screen;
    $self->read_serial;
    my $why = $self->limit;
    if (waitpid($self->{pid}, POSIX::WNOHANG) == $self->{pid}) {
        $self->read_serial;
        $why = 'by itself';
    } elsif ($why) {
        $self->stop;
    } else {
        return;
    }
    $self->{ended} = $why;
    $self->{status} = $self->verdict;
}

sub stop {
    my ($self) = @_;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

# A test that dies leaves none behind.
sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->stop if $self->{pid} && !$self->{ended};
}

# Why it has to be killed, if it has.
sub limit {
    my ($self) = @_;
    return 'panicked' if defined $self->{panic} && time > $self->{panic} + AFTER_PANIC;
    return "longer than $self->{timeout} s" if $self->{used} > $self->{timeout};
    return "silent for $self->{silence} s" if $self->{used} > $self->{last_sign} + $self->{silence};
    return undef;
}

sub read_serial {
    my ($self) = @_;
    open my $in, '<:raw', $self->{serial} or return;
    seek $in, $self->{read} // 0, 0;
    while (sysread $in, my $bytes, 65536) {
        $self->{read} += length $bytes;
        $self->{output} .= $bytes =~ tr/\r//dr;
        $self->{last_sign} = $self->{used};
    }
    $self->{panic} //= time if $self->{output} =~ /^PANIC /m;
}

# Its name is among what Bochs says.
sub drain_screen {
    my ($self) = @_;
    if (!$self->{screen}) {
        my ($name) = -e $self->{said} && Attic::slurp($self->{said}) =~ /connected to screen "(.*?)"/ or return;
        sysopen $self->{screen}, $name, POSIX::O_RDONLY() | POSIX::O_NOCTTY() | POSIX::O_NONBLOCK() or return;
    }
    1 while sysread $self->{screen}, my $bytes, 65536;
}

sub verdict {
    my ($self) = @_;
    my $log = -e $self->{log} ? Attic::slurp($self->{log}) : '';
    return
        defined $self->{panic}                   ? 'panic'
      : $self->{ended} =~ /longer|silent/        ? 'timeout'
      : $log =~ /3rd \(\d+\) exception/          ? 'triple-fault'
      : $log !~ /[Ss]hutdown port/               ? 'error'
      : $self->{output} =~ /^not ok /m           ? 'fail'
      :                                            'pass';
}

sub describe {
    my ($self) = @_;
    return "$self->{name}: still running" unless $self->{ended};
    my @lines = split /\n/, $self->{output};
    splice @lines, 0, @lines - 20 if @lines > 20;
    return join "\n", "$self->{name}: $self->{status}, ended $self->{ended}; logs: $self->{serial}, $self->{log}, $self->{said}",
        map { "  | $_" } @lines;
}

1;
