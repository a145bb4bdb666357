# Run the example blocks of documents (Document.pm finds them) and compare what comes with what the document shows.
#
#   Examples::check($document, $block)   # (problem...): none when the block shows what comes
#   Examples::update($document)          # its text with the outputs of today, and problems
#
# A block has a machine, or a shell for each command, of its own, so that no block depends on another. The monitor's machine has the
# build's own programs and no busybox; gdb is started as `make gdb` starts it, on the build for debugging, and Attic's console goes
# elsewhere, because it would come among gdb's lines at any moment. A command for the shell gets the build under test: where it
# says build/, that folder is meant. What make builds first is left out of its output: another time it is up to date.
#
# Comparing: blanks at the end of a line do not count. A match of a mark is replaced by a sign for that mark, in the document and
# in reality, and then lines must be equal. A line `...` stands for one or more lines. Limits are
# there against hangs only; an output that depends on time cannot be shown but with `...`.
package Examples;
use strict;
use warnings;
use Attic qw(build_dir own_initramfs root_dir slurp);
use Document;
use File::Spec::Functions qw(abs2rel);

require(root_dir() . '/scripts/debug');

# What make says of a step of the build ($(call say) in the Makefile).
my $BUILT = qr/^  [A-Z]+ [\w.\/-]+(?: \(for gdb\))?\n/m;

use constant {
    SECONDS => 120,    # for one command, of a machine's clock
    SHELL_SECONDS => 1200,    # for one of the shell, which may call make; of any clock
    ELISION => '...',
};

# README.md and docs/*.md, relative to the root.
sub documents {
    return map { abs2rel($_, root_dir()) } root_dir() . '/README.md', glob "'@{[ root_dir() ]}/docs/'*.md";
}

# One of them; its file name is told as it is here.
sub document {
    my ($file) = @_;
    return Document->parse($file, slurp(root_dir() . "/$file"));
}

# ---- running ----

my %RUN = ('$ ' => \&run_shell, 'attic> ' => \&run_monitor, '(gdb) ' => \&run_gdb);

# What each command of a block prints: a list of arrays of lines. Dies with a sentence when that cannot be found out.
sub run {
    my ($block) = @_;
    my @printed = $RUN{ $block->{prompt} }->($block, map { $_->{text} } @{ $block->{commands} });
    return map { [map { s/\s+\z//r } split /\n/] } @printed;
}

sub run_shell {
    my ($block, @commands) = @_;
    my $build = abs2rel(build_dir(), root_dir());
    my @printed = Attic::with_make(sub {
        return map { shell(s{(?<![\w/.])build/}{$build/}gr) } @commands;
    });
    return map { s{(?<![\w/.])\Q$build\E/}{build/}gr } @printed;
}

sub shell {
    my ($command) = @_;
    local $ENV{TIMEOUT} = SECONDS;
    open my $from, '-|', 'sh', '-c', 'cd "$1" && exec timeout "$2" sh -c "$3" 2>&1 < /dev/null', 'sh', root_dir(), SHELL_SECONDS, $command
        or die "sh: $!\n";
    local $/;
    my $printed = <$from> // '';
    close $from;
    die "`$command` does not end\n" if $? >> 8 == 124;
    return $printed =~ tr/\r//dr =~ s/$BUILT//gr;
}

# The machine that a block asks for; options are those of Attic->boot.
sub machine {
    my ($block, %options) = @_;
    my %with = %{ $block->{with} };
    return Attic->boot(name => "examples-$block->{file}-$block->{line}", mem => $with{MEM}, cpu => $with{CPU}, cmdline => $with{CMDLINE} // '',
        timeout => 5 * SECONDS, silence => SECONDS, initramfs => own_initramfs(), %options);
}

sub run_monitor {
    my ($block, @commands) = @_;
    my $vm = machine($block);
    defined $vm->expect(Attic::PROMPT, SECONDS) or die "Attic does not come to its prompt\n" . $vm->describe . "\n";
    my @printed;
    for my $command (@commands) {
        die "`$command`: Attic has ended before it\n" if $vm->status ne 'running';
        push @printed, monitor_command($vm, $command);
    }
    $vm->kill_now;
    return @printed;
}

# Up to the next prompt, or to the end of the machine; without the echo.
sub monitor_command {
    my ($vm, $command) = @_;
    my $printed = $vm->command($command, SECONDS);
    return $printed if defined $printed;
    die "`$command`: no prompt follows\n" . $vm->describe . "\n" if $vm->status =~ /^(?:running|timeout)$/;
    return $vm->expect(qr/.*\z/s) =~ s/\A[^\n]*\n//r;
}

# Between the commands gdb prints a sign that nothing else prints. Not in batch mode, in which gdb leaves lines out that a user sees.
sub run_gdb {
    my ($block, @commands) = @_;
    my $build = build_dir() . '/debug';
    my $vm = machine($block, build => $build, stopped => 1, gdb_socket => 1);
    local $ENV{ATTIC_CONSOLE} = $vm->open_console;
    my ($gdb, @arguments) = Attic::Debug::gdb_command($vm->gdb_target, "$build/attic.debug");
    my $said = $vm->beside($gdb, @arguments,
        map { ('-ex', $_) } 'set width 0', 'set pagination off', map({ ('echo \036', $_) } @commands), 'echo \036', 'quit');
    my $timed_out = $vm->timed_out;
    $vm->kill_now;
    my ($start, @printed) = split /\036/, $said, -1;
    my $end = pop @printed;
    die "`$commands[-1]`: gdb does not come back from it, or ended before:\n$said" if $timed_out || @printed != @commands;
    return @printed;
}

# ---- comparing ----

# A line with each match of a mark replaced by the mark's sign: a character that no output has.
sub with_signs {
    my ($line, @varies) = @_;
    return $line =~ s/\s+\z//r unless @varies;
    my $any = join '|', map { "(?<m$_>$varies[$_][1])" } 0 .. $#varies;
    $line =~ s/$any/chr(0xe000 + (map { substr $_, 1 } grep { defined $+{$_} } keys %+)[0])/ge;
    return $line =~ s/\s+\z//r;
}

# The lines of an output between its `...`: ([{at => index of the first, lines => [...]}]...).
sub segments {
    my @segments = ({ at => 0, lines => [] });
    for my $i (0 .. $#_) {
        if ($_[$i] eq ELISION) {
            push @segments, { at => $i + 1, lines => [] };
        } else {
            push @{ $segments[-1]{lines} }, $_[$i];
        }
    }
    return @segments;
}

# Where the lines of the document do not show those that came: undef, or {shown, came: the indices where they part}. What follows a
# `...` may lie anywhere behind at least one line; the last lines of the document are the last that came.
sub difference {
    my ($shown, $came, @varies) = @_;
    my @came = map { with_signs($_, @varies) } @$came;
    my @segments = segments(map { with_signs($_, @varies) } @$shown);
    my $end = 0;
    for my $n (0 .. $#segments) {
        my ($at, $lines) = @{ $segments[$n] }{qw(at lines)};
        my ($first, $last) = ($n ? $end + 1 : 0, @came - @$lines);
        my @places = $n == $#segments ? ($last) : $n == 0 ? (0) : ($first .. $last);
        my ($place) = grep { $_ >= $first && ($n || $_ == 0) && equal_lines($lines, \@came, $_) == @$lines } @places;
        if (!defined $place) {
            $first = $last if $n == $#segments && $n && $last > $first;
            my $equal = equal_lines($lines, \@came, $first);
            return { shown => $at + $equal, came => $first + $equal };
        }
        $end = $place + @$lines;
    }
    return undef;
}

# How many of the lines, from the first on, are those that came from this index on.
sub equal_lines {
    my ($lines, $came, $from) = @_;
    my $equal = 0;
    $equal++ while $equal < @$lines && $from + $equal < @$came && $lines->[$equal] eq $came->[$from + $equal];
    return $equal;
}

# ---- check and update ----

# What is wrong with a block, in sentences, with line numbers of the document.
sub check {
    my ($document, $block) = @_;
    my @came = eval { run($block) };
    return $document->file . ":$block->{line}: $@" if $@;
    my @problems;
    for my $n (0 .. $#came) {
        my $command = $block->{commands}[$n];
        my $difference = difference($command->{output}, $came[$n], @{ $block->{varies} }) or next;
        push @problems, describe($document, $block, $command, $came[$n], $difference);
    }
    return @problems;
}

use constant CONTEXT => 3;

sub describe {
    my ($document, $block, $command, $came, $difference) = @_;
    my ($shown, $at) = @$difference{qw(shown came)};
    my $line = $command->{first} + 1 + $shown;
    my $excerpt = sub {
        my ($sign, $from, @lines) = @_;
        my @some = grep { defined } @lines[$from .. $from + CONTEXT - 1];
        return map { "  $sign $_\n" } @some ? @some : '(the output ends)';
    };
    return join '', $document->file . ":$line: `$block->{prompt}$command->{text}` prints something else"
        . " ('-' is in the document, '+' is what came; `make docs` writes it down):\n",
        $excerpt->('-', $shown, @{ $command->{output} }), $excerpt->('+', $at, @$came);
}

# What is wrong with the blocks of a document before any is run.
sub faults {
    my ($document) = @_;
    return map { $document->file . ":$_->[0]: $_->[1]\n" } $document->errors, $document->idle_marks;
}

# The text of the document with today's outputs, and what could not be done. A block in which nothing differs stays; of one in which
# something does, all outputs are new, so that they are of one run.
sub update {
    my ($document) = @_;
    my (%outputs, @problems);
    for my $block (grep { !defined $_->{not_run} } $document->blocks) {
        my @came = eval { run($block) };
        push @problems, $document->file . ":$block->{line}: $@" if $@;
        next unless grep { difference($block->{commands}[$_]{output}, $came[$_], @{ $block->{varies} }) } 0 .. $#came;
        for my $n (0 .. $#came) {
            my $command = $block->{commands}[$n];
            my $new = shortened($command->{output}, $came[$n], @{ $block->{varies} });
            push @problems, $document->file . ":$command->{line}: the lines around `...` are not there any more; shorten it by hand"
                unless $new;
            $outputs{ $command->{line} } = $new // $came[$n];
        }
    }
    return ($document->text(\%outputs), @problems);
}

# The new output with `...` where the old one had it: the lines before the first and after the last keep their number, those between
# are found by the first of them. undef when they cannot be.
sub shortened {
    my ($old, $came, @varies) = @_;
    my @segments = map { $_->{lines} } segments(@$old);
    return $came if @segments == 1;
    my ($head, $tail) = (shift @segments, pop @segments);
    return undef if @$head + @$tail >= @$came;
    my @new = @$came[0 .. $#$head];
    my ($pos, $end) = (scalar @$head, @$came - @$tail);
    for my $lines (@segments) {
        my ($at) = grep { with_signs($came->[$_], @varies) eq with_signs($lines->[0], @varies) } $pos + 1 .. $end - @$lines - 1;
        return undef unless defined $at;
        push @new, ELISION, @$came[$at .. $at + $#$lines];
        $pos = $at + @$lines;
    }
    return [@new, ELISION, @$came[$end .. $#$came]];
}

1;
