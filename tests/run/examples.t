#!/usr/bin/perl
# The examples in README.md and docs/*.md show what comes: each console block is run and compared (docs/examples.md says how they
# are written). First the comparing itself, on small documents made up here.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(root_dir slurp);
use Document;
use Examples;
use Test::More;

# ---- what is no example ----

sub errors {
    my ($text) = @_;
    return join '', map { s/\Afake\.md://r } Examples::faults(Document->parse('fake.md', $text));
}

sub console {
    my ($inside, @marks) = @_;
    return join('', map { "<!-- $_ -->\n" } @marks) . "```console\n$inside```\n";
}

is errors("text\n\n" . console("\$ true\n") . "\n```c\nint main(void);\n```\n"), '', 'a sound document';
is errors("````text\n```console\n```\n````\n"), '', 'a fence within a longer one is text';
is errors("- a list\n    that goes on\n"), '', 'a list is no indented block';
my %refused = (
    "a\n\n    \$ make\n    out\n"                           => qr/^3: an indented block/,
    "```\n\$ make\n```\n"                                   => qr/^1: a fence without a language/,
    "```sh\nmake\n```\n"                                    => qr/^1: ```sh: commands go into/,
    "```text\nattic> ps\n```\n"                             => qr/^2: a command in a block of ```text/,
    "```c\n\$ make\n```\n"                               => qr/^2: a command in a block of ```c/,
    "```text\nmake bench\n```\n"                            => qr/^2: a command in a block of ```text/,
    " - x\n\n   ```console\n   \$ true\n   ```\n"           => qr/^3: a fence begins in the first column/,
    console("just text\n")                                  => qr/^2: a console block begins with/,
    "```console\n```\n"                                     => qr/^2: a console block begins with/,
    "```console\n\$ true\n"                                 => qr/^1: a fence that nothing closes/,
    console("\$ true\n1\n", 'varies: (')                    => qr/^1: varies: `\(` is no regular expression/,
    console("\$ true\n1\n", 'varies: .*')                   => qr/^1: varies: `\.\*` matches anything/,
    console("\$ true\n1\n", 'varies: \w+')                  => qr/^1: varies: `\\w\+` matches anything/,
    console("\$ true\n1\n", 'varies: \d*')                  => qr/^1: varies: `\\d\*` matches anything/,
    console("\$ true\n1\n", 'varies: \d; x')                => qr/^1: varies: `x` matches nothing in its block/,
    console("\$ true\n", 'not run:')                        => qr/^1: not run: says nothing/,
    console("\$ true\n", 'with: MEM=16M')                   => qr/^1: with: `MEM=16M` cannot be set/,
    console("attic> ps\n", 'with: FOO=1')                   => qr/^1: with: `FOO=1` cannot be set/,
    "<!-- varies: 1 -->\n\n" . console("\$ true\n1\n")      => qr/^1: a mark stands right before/,
    "<!-- varies: 1 -->\n```c\n1\n```\n"                    => qr/^1: a mark before a block that is not/,
    console("\$ true\n1\n", 'varies: [one]')                => qr/^1: varies: there is no line `<!-- \[one\] \.\.\. -->`/,
    console("\$ true\n1\n") . "\n<!-- [one] \\d -->\n"      => qr/^6: \[one\]: no block says `varies: \[one\]`/,
    console("\$ true\n1\n", 'varies: [one]') . "<!-- [one] \\d; x -->\n" => qr/^6: varies: `x` matches nothing in its block/,
);
for my $text (sort keys %refused) {
    like errors($text), $refused{$text}, 'refused: ' . $text =~ s/\n/|/gr;
}

# ---- marks and what stands in a block ----

my $fake = Document->parse('fake.md', "# Title\n"
        . console("attic> ps\n1 2\nattic> audit\n", 'varies: \d; x?2', 'with: MEM=16M CMDLINE="a=1 b"'));
my ($block) = $fake->blocks;
is_deeply [map { $_->{text} } @{ $block->{commands} }], [qw(ps audit)], 'two commands';
is_deeply $block->{commands}[0]{output}, ['1 2'], 'and an output';
is_deeply $block->{with}, { MEM => '16M', CMDLINE => 'a=1 b' }, 'with: variables, quoted as for a shell';
is join(' ', map { $_->[0] } @{ $block->{varies} }), '\d x?2', 'varies: two marks';
my ($labelled) = Document->parse('fake.md', console("attic> ps\n1 2 3\n", 'varies: [ps]') . "\n<!-- [ps] 1; 2 -->\n<!-- [ps] 3 -->\n")->blocks;
is join(' ', map { $_->[0] } @{ $labelled->{varies} }), '1 2 3', 'varies: by label, from the end of the document';
my ($other) = Document->parse('fake.md', console("\$ make\n(gdb) x\nattic> ps\n", 'not run: it is slow'))->blocks;
is scalar @{ $other->{commands} }, 1, "another prompt's line is output";
is $other->{not_run}, 'it is slow', 'a block that is not run says why';
my $generated = Document->parse('fake.md', "<!-- generated: compared by tests/x.t -->\n    \$ make\n");
is $generated->compared_by . '|' . join(' ', $generated->errors), 'tests/x.t|', 'a generated document is left to its test';

# ---- comparing ----

sub problems {
    my ($inside, @marks) = @_;
    my $document = Document->parse('fake.md', console($inside, @marks));
    return join '', map { "refused: $_" } Examples::faults($document) if $document->errors;
    return join '', map { Examples::check($document, $_) } $document->blocks;
}

my $three = "\$ printf 'a 1\\nb 2\\nc 3\\n'";
is problems("$three\na 1\nb 2\nc 3\n"), '', 'what comes is what is shown';
is problems("$three\na 1\nb 2\nc 3\n\$ echo x >&2\nx\n\$ true\n"), '', 'several commands, standard error, no output';
like problems("$three\na 1\nb 7\nc 3\n"), qr/\Afake\.md:4: `\$ printf .*\n  - b 7\n  - c 3\n  \+ b 2\n  \+ c 3\n\z/,
    'another digit: line and both';
like problems("$three\na 1\nc 3\n"), qr/\Afake\.md:4:.*\n  - c 3\n  \+ b 2\n/, 'a line too few in the middle';
like problems("$three\na 1\nb 2\n"), qr/\Afake\.md:5:.*\n  - \(the output ends\)\n  \+ c 3\n\z/, 'and at the end';
like problems("$three\na 1\nb 2\nc 3\nd\n"), qr/\Afake\.md:6:.*\n  - d\n  \+ \(the output ends\)\n\z/, 'a line too many';
like problems("$three\n"), qr/\Afake\.md:3:.*\n  - \(the output ends\)\n  \+ a 1\n/, 'nothing shown';
like problems("$three\na 1\nb 2\n\nc 3\n"), qr/\Afake\.md:5:/, 'an empty line counts';
is problems("\$ echo '  ISO build/attic.iso'; echo '  CC x.c (for gdb)'; echo '  no step'\n  no step\n"), '',
    'the steps of a build do not count';
is problems("\$ echo 'a  '\na\n"), '', 'blanks at the end of a line do not';

is problems("$three\na 9\nb 2\nc 3\n", 'varies: a \d'), '', 'a mark: this digit may differ';
like problems("$three\na 9\nb 9\nc 3\n", 'varies: a \d'), qr/\Afake\.md:5:.*\n  - b 9\n/, 'but not another one';
like problems("$three\na 99\nb 2\nc 3\n", 'varies: a \d'), qr/\Afake\.md:4:/, 'and its form may not';
like problems("$three\na 1\nb 2\na 3\n", 'varies: [ab] \d'), qr/\Afake\.md:6:.*\n  - a 3\n  \+ c 3\n/, 'a mark that is not in the output';
is problems("$three\na 7\nb 8\nc 9\n", 'varies: a \d; b \d', 'varies: (?<=c )\d'), '', 'several marks';
like problems("$three\nb 1\na 2\nc 3\n", 'varies: a \d; b \d'), qr/\Afake\.md:4:/, 'each has its own sign';

is problems("$three\na 1\n...\n"), '', '`...` at the end';
is problems("$three\n...\nc 3\n"), '', 'and at the beginning';
is problems("$three\n...\nb 2\n...\n"), '', 'twice';
is problems("$three\n...\n"), '', 'alone';
is problems("\$ printf 'a\\nb\\na\\nb\\nc\\nb\\n'\na\n...\nb\nc\n...\n"), '', 'the lines between two are looked for';
is problems("\$ printf '\xc3\xbc\\n'\n\xc3\xbc\n"), '', 'UTF-8';
like problems("$three\na 1\nb 2\nc 3\n...\n"), qr/\Afake\.md:7:/, 'it stands for a line at least';
like problems("$three\na 1\n...\nb 2\nc 3\n"), qr/\Afake\.md:5:/, 'also in the middle';
like problems("$three\na 1\n...\nb 3\n"), qr/\Afake\.md:5:.*\n  - b 3\n  \+ c 3\n\z/, 'what follows it is compared';
like problems("$three\n...\nb 3\n...\n"), qr/\Afake\.md:4:/, 'and what is between two';
like problems("$three\nb 1\n...\n"), qr/\Afake\.md:3:/, 'and what is before it';
like problems("\$ true\n...\n"), qr/\Afake\.md:4:/, 'no output has no lines to leave out';
like problems("(gdb) quit\n(gdb) echo x\n"), qr/\Afake\.md:1: .*gdb does not come back/, 'a gdb that ends before the last command';
like problems("attic> poweroff\nPower off.\nattic> ps\n"), qr/\Afake\.md:1: `ps`: Attic has ended before it/, 'and a machine';

like problems("(gdb) attic type run hello\n(gdb) hbreak return_to_user\n(gdb) continue\n"),
    qr/\Afake\.md:4: (?s:.*)`\(gdb\) continue` (?s:.*)\n  \+ Breakpoint 2, return_to_user/, 'gdb, typing at Attic';

# ---- updating ----

sub updated {
    my ($inside, @marks) = @_;
    my ($text, @problems) = Examples::update(Document->parse('fake.md', "text\n" . console($inside, @marks) . "text\n"));
    $text =~ s/\Atext\n(?:<!--.*\n)*```console\n(.*)```\ntext\n\z/$1/s or return $text;
    return $text . join '', map { "problem: $_\n" } @problems;
}

my $shown = "$three\na 1\nb 2\nc 3\n";
is updated("$three\n"), $shown, 'update: an output where there was none';
is updated("\$ true\nx\n$three\nx\n\$ echo y\n"), "\$ true\n$shown\$ echo y\ny\n", 'of each command';
is updated("$three\na 7\nb 2\nc 3\n", 'varies: a \d'), "$three\na 7\nb 2\nc 3\n", 'what differs only where it may stays as it is';
is updated("$three\nx\n...\n"), "$three\na 1\n...\n", '`...` stays';
is updated("$three\n...\nx\n"), "$three\n...\nc 3\n", 'also at the beginning';
is updated("\$ seq 9\n1\n...\n5\nx\n...\n9\n"), "\$ seq 9\n1\n...\n5\n6\n...\n9\n", 'and twice';
like updated("\$ seq 9\n1\n...\nx\n...\n9\n"), qr/^problem: fake\.md:3: the lines around/m, 'where it cannot stay, that is said';
is updated("\$ false; touch build/never\nx\n", 'not run: a reason'), "\$ false; touch build/never\nx\n", 'a block that is not run stays';

# ---- the documents ----

my @not_run;
for my $file (Examples::documents()) {
    my $document = Examples::document($file);
    if (my $test = $document->compared_by) {
        ok -e root_dir() . "/$test" && slurp(root_dir() . "/$test") =~ /\Q$file\E/, "$file: compared by $test";
        next;
    }
    is join('', Examples::faults($document)), '', "$file: its blocks are in the form that can be run";
    for my $block ($document->blocks) {
        if (defined $block->{not_run}) {
            push @not_run, "$file:$block->{line}: $block->{commands}[0]{text}: $block->{not_run}";
            next;
        }
        my @problems = Examples::check($document, $block);
        ok !@problems, "$file:$block->{line}: " . join ', ', map { $_->{text} } @{ $block->{commands} } or diag join "\n", @problems;
    }
}
pass scalar(@not_run) . ' blocks are not run';
diag join "\n", scalar(@not_run) . ' blocks of the documents are not run:', map { "  $_" } @not_run;

done_testing;
