# What a machine in QEMU was doing when it died or was ended: a watcher, to which QEMU tells its end before it goes.
#
#   my $watch = Attic::Watch->new(image => 'build/attic.iso');
#   # in front of the fork: $watch->open; the child starts QEMU with $watch->options; the parent calls $watch->started
#   $watch->serve while ...;     # or ->follow, which returns when QEMU has ended
#   $watch->look;                # before a machine is killed that is silent
#   $watch->report               # lines: where it was, and what the kernel's address map says of the place
#
# QEMU has a socket for this, with its machine protocol (QMP), that came with it when it was started: no file, and nobody else can
# connect. The machine is told to stop where it would end: a triple fault leaves its registers only as long as QEMU lives. Then they are
# read, and QEMU is told to quit. Whatever does not answer, a program in QEMU's place among them, is not waited for.
#
# Names come from attic.debug beside the image (or one folder above it), the regions from the kernel's own table, layout_regions, in the
# machine's memory. Neither is believed: without a file there are no names, and a table that makes no sense is not used.
package Attic::Watch;
use strict;
use warnings;
use Fcntl qw(F_GETFD F_SETFD FD_CLOEXEC);
use File::Basename qw(dirname);
use IO::Select;
use JSON::PP ();
use Socket;
use Time::HiRes qw(time);

use constant {
    ANSWER_SECONDS => 10,    # for one question; QEMU answers at once unless the host is very busy
    CR0_PG => 1 << 31,
    EFLAGS_IF => 1 << 9,
    PAGE_OFFSET => 0xC0000000,
    PTE_P => 1,
    PDE_PS => 1 << 7,
    ROW_SIZE => 16,          # struct layout_region: start and three pointers
    NAME_MAX => 20,
};

sub new {
    my ($class, %o) = @_;
    return bless { debug => scalar find_debug($o{image}), buffer => '', answers => [], registers => undef }, $class;
}

# The kernel with its debug information that belongs to an image.
sub find_debug {
    my ($image) = @_;
    my $folder = dirname($image // return undef);
    return (grep { -e } "$folder/attic.debug", "$folder/../attic.debug")[0];
}

# ---- the socket ----

sub open {
    my ($self) = @_;
    socketpair $self->{ours}, $self->{theirs}, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
}

# Options of QEMU, for the process that becomes it; its end of the socket stays open there.
sub options {
    my ($self) = @_;
    my $theirs = $self->{theirs};
    fcntl $theirs, F_SETFD, fcntl($theirs, F_GETFD, 0) & ~FD_CLOEXEC;
    return ('-chardev', 'socket,id=watch,fd=' . fileno $theirs, '-mon', 'chardev=watch,mode=control', '-no-shutdown');
}

# In the parent. From here on the socket ends when QEMU does.
sub started {
    my ($self) = @_;
    close delete $self->{theirs};
}

# Where there is something to read; undef when QEMU has gone.
sub handle {
    return $_[0]{ours};
}

# Until QEMU has ended.
sub follow {
    my ($self) = @_;
    $self->serve while $self->{ours};
}

# Read what QEMU says, and do what is to do at its end.
sub serve {
    my ($self) = @_;
    for my $message ($self->messages) {
        if ($message->{QMP}) {
            $self->{speaks} = 1;
            $self->tell('qmp_capabilities');
        } elsif (($message->{event} // '') eq 'SHUTDOWN') {
            $self->look if ($message->{data}{reason} // '') eq 'guest-reset';
            $self->tell('quit');
        }
    }
}

# Messages that have come; waits for the first bytes.
sub messages {
    my ($self) = @_;
    my $n = sysread $self->{ours}, my $bytes, 65536;
    return () if !defined $n && $!{EINTR};
    if (!$n) {
        close delete $self->{ours};
        return ();
    }
    $self->{buffer} .= $bytes;
    my @messages;
    while ($self->{buffer} =~ s/\A([^\n]*)\n//) {
        my $message = eval { JSON::PP::decode_json($1) };
        push @messages, $message if ref $message eq 'HASH';
    }
    return @messages;
}

sub tell {
    my ($self, $command, %arguments) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $text = JSON::PP::encode_json({ execute => $command, %arguments ? (arguments => \%arguments) : (), id => ++$self->{id} });
    syswrite $self->{ours}, "$text\r\n" if $self->{ours};
    return $self->{id};
}

# What a command returns; undef when no answer comes.
sub ask {
    my ($self, $command, %arguments) = @_;
    return undef unless $self->{speaks} && $self->{ours};
    my $id = $self->tell($command, %arguments);
    my $until = time + ANSWER_SECONDS;
    my $select = IO::Select->new($self->{ours});
    while ($self->{ours} && time < $until) {
        next unless $select->can_read(0.1);
        my ($answer) = grep { ($_->{id} // 0) == $id } $self->messages;
        return $answer->{return} if $answer;
    }
    delete $self->{speaks};
    return undef;
}

sub monitor {
    my ($self, $line) = @_;
    return $self->ask('human-monitor-command', 'command-line' => $line) // '';
}

# ---- registers ----

# Stop the machine and remember where it is.
sub look {
    my ($self) = @_;
    $self->ask('stop');
    my $dump = $self->monitor('info registers');
    my %r = map { $_ => $dump =~ /\b[ER]?\Q$_\E\s*=\s*([0-9a-f]+)/ ? hex $1 : undef } qw(IP FL CR0 CR2 CR3 HLT);
    return unless defined $r{IP} && defined $r{CR0};
    ($r{IDT}, $r{IDT_LIMIT}) = map { hex } $dump =~ /^IDT=\s*([0-9a-f]+) ([0-9a-f]+)/m;
    $self->{registers} = \%r;
    $self->{lines} = [$self->describe(\%r)];
}

# The lines about the last look; none when there was no answer.
sub report {
    my ($self) = @_;
    return @{ $self->{lines} || [] };
}

sub describe {
    my ($self, $r) = @_;
    my $first = sprintf 'EIP 0x%08x%s, CR0 0x%08x, CR2 0x%08x, CR3 0x%08x', $r->{IP}, $self->symbol($r->{IP}), @$r{qw(CR0 CR2 CR3)};
    return ($first, $self->paging($r), $self->waits($r), $self->gates($r));
}

# What the addresses mean.
sub paging {
    my ($self, $r) = @_;
    return 'paging is off: EIP is a physical address' unless $r->{CR0} & CR0_PG;
    return ('paging is on; EIP: ' . $self->place($r, $r->{IP}),
        'the last page fault, if there was one, was at CR2: ' . $self->place($r, $r->{CR2}));
}

sub waits {
    my ($self, $r) = @_;
    return () unless $r->{HLT};
    return 'the processor has halted' . ($r->{FL} & EFLAGS_IF ? ' until the next interrupt' : ' with interrupts off, for good');
}

# An IDT that cannot be the kernel's is the reason why nobody handled what happened.
sub gates {
    my ($self, $r) = @_;
    my $idt = $self->symbols->{idt};
    return 'the IDT is empty: no trap can be handled' if !$r->{IDT_LIMIT};
    return () if !defined $idt || $r->{IDT} == $idt;
    return sprintf "the IDT at 0x%08x is not the kernel's, which has not loaded its own yet", $r->{IDT};
}

# The region, and what the tables say, in the words of the kernel's `explain`.
sub place {
    my ($self, $r, $addr) = @_;
    return join('; ', grep { defined } $self->region($addr), $self->walk($r->{CR3}, $addr)) || 'nothing is known of it';
}

# The entry that decides whether there is a page: Intel SDM vol. 3, 4.3.
sub walk {
    my ($self, $cr3, $addr) = @_;
    my ($pde, $pte) = ($addr >> 22, $addr >> 12 & 1023);
    my ($entry) = unpack 'V', $self->physical(($cr3 & ~0xfff) + 4 * $pde, 4);
    return () unless defined $entry;
    return sprintf 'PDE %d: P=%d', $pde, $entry & PTE_P if !($entry & PTE_P) || $entry & PDE_PS;
    ($entry) = unpack 'V', $self->physical(($entry & ~0xfff) + 4 * $pte, 4);
    return defined $entry ? sprintf 'PTE %d: P=%d', $pte, $entry & PTE_P : ();
}

# ---- what the kernel knows ----

# Bytes of physical memory: fewer, or none, where there is no answer.
sub physical {
    my ($self, $addr, $size) = @_;
    my $said = $self->monitor(sprintf 'xp /%dxb 0x%x', $size, $addr);
    return pack 'C*', map { hex } map { /^[0-9a-f]+:(.*)/ ? split ' ', $1 : () } split /\r?\n/, $said;
}

# Memory of the kernel's image, which lies in one piece.
sub image {
    my ($self, $addr, $size) = @_;
    return $addr >= PAGE_OFFSET ? $self->physical($addr - PAGE_OFFSET, $size) : '';
}

# The name of the region that holds an address, or undef.
sub region {
    my ($self, $addr) = @_;
    my $table = $self->symbols->{layout_regions} // return undef;
    my @rows = unpack '(a' . ROW_SIZE . ')*', $self->image($table, $self->{sizes}{layout_regions});
    my ($above, $found) = (1 << 32);
    for my $row (@rows) {
        my ($start, undef, $name) = unpack 'V3', $row;
        return undef if !defined $name || $start >= $above;
        $found //= $name if $addr >= $start;
        $above = $start;
    }
    return $found && $above == 0 ? unpack 'Z*', $self->image($found, NAME_MAX) : undef;
}

# " name+0x12" for the function that holds an address, or "".
sub symbol {
    my ($self, $addr) = @_;
    $self->symbols;
    my ($start, $name) = (0);
    for (@{ $self->{code} || [] }) {
        ($start, $name) = @$_ if $_->[0] <= $addr && $_->[0] >= $start;
    }
    my $end = $self->{symbols}{ $start >= PAGE_OFFSET ? '__text_end' : 'boot_stack_top' } // 0;
    return defined $name && $addr < $end ? sprintf ' %s+0x%x', $name, $addr - $start : '';
}

# Addresses by name; those of code are in {code}, without labels inside a function.
sub symbols {
    my ($self) = @_;
    return $self->{symbols} if $self->{symbols};
    $self->{symbols} = {};
    return $self->{symbols} unless defined $self->{debug};
    CORE::open(my $nm, '-|', $ENV{NM} || 'nm', '-S', $self->{debug}) or return $self->{symbols};
    while (<$nm>) {
        my ($addr, $size, $type, $name) = /^([0-9a-f]+) (?:([0-9a-f]+) )?(\S) (\S+)$/ or next;
        $self->{symbols}{$name} = hex $addr;
        $self->{sizes}{$name} = hex($size // 0);
        push @{ $self->{code} }, [hex $addr, $name] if $type =~ /t/i && $name !~ /\./ && $name !~ /^__\w+_(?:start|end)$/;
    }
    close $nm;
    return $self->{symbols};
}

1;
