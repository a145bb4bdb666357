# The example blocks of a Markdown document, as text: found, refused when they are not in the one form that can be run, and
# written back with new outputs. docs/examples.md is the convention; Examples.pm runs what is found here.
#
#   my $document = Document->parse('README.md', $text);
#   $document->errors;       # ([line, text]...): blocks that are in no form that can be run
#   $document->idle_marks;   # the same for marks that match nothing, as before the first output is there
#   $document->blocks;       # console blocks, the runnable and the others
#   $document->text({ ... }) # the document with other outputs
#
# A block is a hash: file, line (of its fence), prompt ('$ ', 'attic> ' or '(gdb) '), varies (the marks: [source, regexp]...), with
# ({NAME => value}: the machine), not_run (the reason, or undef), and commands: [{line, text, output => [lines], first, last}],
# where first and last are the indices of the output's lines in the document (last < first: none).
#
# One rule keeps a document out: its first line says `<!-- generated: compared by tests/NAME.t -->`. Then that test must be
# there and name the document, and nothing in it is looked at here.
package Document;
use strict;
use warnings;
use Text::ParseWords qw(shellwords);

our @PROMPTS = ('$ ', 'attic> ', '(gdb) ');
my $PROMPT = join '|', map { quotemeta } @PROMPTS;

# What `with:` may set, for each prompt. The shell's machines are set up by the command itself.
my %MAY_SET = ('$ ' => [], 'attic> ' => [qw(MEM CPU CMDLINE)], '(gdb) ' => [qw(MEM CPU CMDLINE)]);

# No mark may match all of this: it would hide whatever an output becomes.
my @ANYTHING = ('some unrelated words', '@#~!');

sub parse {
    my ($class, $file, $text) = @_;
    my $self = bless { file => $file, lines => [split /\n/, $text, -1], blocks => [], errors => [], idle_marks => [] }, $class;
    for my $i (0 .. $#{ $self->{lines} }) {
        push @{ $self->{marks_of}{$1} }, [$i + 1, $2] if $self->{lines}[$i] =~ /^<!-- \[([a-z][\w-]*)\] (.*?) -->$/;
    }
    ($self->{compared_by}) = $text =~ /\A<!-- generated: compared by (\S+) -->\n/;
    $self->find_blocks unless $self->{compared_by};
    $self->wrong($self->{marks_of}{$_}[0][0], "[$_]: no block says `varies: [$_]`") for grep { !$self->{used_label}{$_} } sort keys %{ $self->{marks_of} };
    return $self;
}

sub file { $_[0]{file} }
sub blocks { @{ $_[0]{blocks} } }
sub errors { @{ $_[0]{errors} } }
sub idle_marks { @{ $_[0]{idle_marks} } }

# The test that compares a generated document, or undef.
sub compared_by { $_[0]{compared_by} }

sub wrong {
    my ($self, $line, $text) = @_;
    push @{ $self->{errors} }, [$line, $text];
}

# ---- finding ----

sub find_blocks {
    my ($self) = @_;
    my @lines = @{ $self->{lines} };
    my @marks;
    for (my $i = 0; $i < @lines; $i++) {
        if ($lines[$i] =~ /^<!--/) {
            my $first = $i;
            $i++ while $i < $#lines && $lines[$i] !~ /-->/;
            push @marks, [$first + 1, join ' ', @lines[$first .. $i]];
        } elsif ($lines[$i] =~ /^(`{3,}|~{3,})\s*(\S*)/) {
            my ($first, $fence, $language) = ($i++, $1, $2);
            $i++ while $i < @lines && $lines[$i] !~ /^\Q$fence\E/;
            $self->wrong($first + 1, 'a fence that nothing closes') if $i == @lines;
            $self->take_block($language, $first, $i, @marks);
            @marks = ();
        } else {
            $self->refuse_line($i, @marks);
            @marks = ();
        }
    }
}

# Outside of blocks: marks that belong to none, and blocks in the other forms of Markdown.
sub refuse_line {
    my ($self, $i, @marks) = @_;
    my ($line, $before) = ($self->{lines}[$i], $i ? $self->{lines}[$i - 1] : '');
    $self->wrong($_->[0], 'a mark stands right before its console block, with nothing between')
        for grep { $_->[1] =~ /^<!--\s*(?:varies|with|not run):/ } @marks;
    $self->wrong($i + 1, 'a fence begins in the first column') if $line =~ /^\s+(?:```|~~~)/;
    $self->wrong($i + 1, 'an indented block: use a fence and name its language (```console for commands, ```text, ```c)')
        if $line =~ /^(?: {4}|\t)\s*\S/ && $before =~ /^\s*$/;
}

sub take_block {
    my ($self, $language, $first, $last, @marks) = @_;
    my @inside = $first + 1 .. $last - 1;
    return $self->wrong($first + 1, 'a fence without a language: ```console for commands, ```text, ```c') if $language eq '';
    return $self->wrong($first + 1, "```$language: commands go into ```console") if $language =~ /^(?:sh|bash|shell|zsh|gdb)$/;
    if ($language ne 'console') {
        my $command = $language eq 'text' ? qr/^\s*(?:$PROMPT|make )/ : qr/^\s*(?:$PROMPT)/;
        my ($i) = grep { $self->{lines}[$_] =~ $command } @inside;
        $self->wrong($i + 1, "a command in a block of ```$language: such blocks are ```console") if defined $i;
        $self->wrong($_->[0], 'a mark before a block that is not ```console') for grep { $_->[1] =~ /^<!--\s*(?:varies|with):/ } @marks;
        return;
    }
    my $block = { file => $self->{file}, line => $first + 1, varies => [], with => {} };
    $self->take_commands($block, @inside) or return;
    $self->take_mark($block, @$_) for @marks;
    push @{ $self->{blocks} }, $block;
}

# The first line's prompt is that of the block; lines that begin with another one are output.
sub take_commands {
    my ($self, $block, @inside) = @_;
    my $lines = $self->{lines};
    my ($prompt) = @inside ? $lines->[$inside[0]] =~ /^($PROMPT)/ : ();
    if (!defined $prompt) {
        $self->wrong($block->{line} + 1, 'a console block begins with `$ `, `attic> ` or `(gdb) `');
        return 0;
    }
    for my $i (@inside) {
        if ($lines->[$i] =~ /^\Q$prompt\E(.*)$/) {
            push @{ $block->{commands} }, { line => $i + 1, text => $1, output => [], first => $i + 1, last => $i };
        } else {
            push @{ $block->{commands}[-1]{output} }, $lines->[$i];
            $block->{commands}[-1]{last} = $i;
        }
    }
    $block->{prompt} = $prompt;
    return 1;
}

# ---- marks ----

sub take_mark {
    my ($self, $block, $line, $text) = @_;
    my ($kind, $value) = $text =~ /^<!--\s*(varies|with|not run):\s*(.*?)\s*-->\s*$/ or return;
    return $self->wrong($line, "$kind: says nothing") if $value eq '';
    if ($kind eq 'not run') {
        $block->{not_run} = $value;
    } elsif ($kind eq 'varies' && $value =~ /^\[([a-z][\w-]*)\]$/) {
        my $label = $1;
        $self->{used_label}{$label} = 1;
        $self->wrong($line, "varies: there is no line `<!-- [$label] ... -->`") unless $self->{marks_of}{$label};
        for my $mark (@{ $self->{marks_of}{$label} // [] }) {
            $self->take_varies($block, $mark->[0], $_) for split /;\s+/, $mark->[1];
        }
    } elsif ($kind eq 'varies') {
        $self->take_varies($block, $line, $_) for split /;\s+/, $value;
    } else {
        $self->take_with($block, $line, $value);
    }
}

sub take_varies {
    my ($self, $block, $line, $source) = @_;
    my $regexp = eval { qr/$source/ };
    return $self->wrong($line, "varies: `$source` is no regular expression: " . ($@ =~ s/ at \S+ line.*//sr)) unless $regexp;
    return $self->wrong($line, "varies: `$source` matches anything; say which part of a line it is")
        if '' =~ $regexp || grep { /^$regexp$/ || (split ' ')[0] =~ /^$regexp$/ } @ANYTHING;
    push @{ $self->{idle_marks} }, [$line, "varies: `$source` matches nothing in its block"]
        unless grep { $_ =~ $regexp } map { @{ $_->{output} } } @{ $block->{commands} };
    push @{ $block->{varies} }, [$source, $regexp];
}

sub take_with {
    my ($self, $block, $line, $value) = @_;
    for my $word (shellwords($value)) {
        my ($name, $to) = $word =~ /^([A-Z]+)=(.*)$/s;
        if (!defined $name || !grep { $_ eq $name } @{ $MAY_SET{ $block->{prompt} } }) {
            $self->wrong($line, "with: `$word` cannot be set for a block of `$block->{prompt}`");
        } else {
            $block->{with}{$name} = $to;
        }
    }
}

# ---- writing ----

# The text with other outputs: outputs maps the line number of a command to its new lines.
sub text {
    my ($self, $outputs) = @_;
    my @lines = @{ $self->{lines} };
    for my $command (sort { $b->{line} <=> $a->{line} } map { @{ $_->{commands} } } $self->blocks) {
        my $new = $outputs->{ $command->{line} } or next;
        splice @lines, $command->{first}, $command->{last} - $command->{first} + 1, @$new;
    }
    return join "\n", @lines;
}

1;
