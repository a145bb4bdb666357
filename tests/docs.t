#!/usr/bin/perl
# The documents name what exists: README's file table is complete, files and make's targets that are spoken of are there, and so are the
# tests that docs/invariants.md relies on and the rows of docs/bench.md. What examples show is compared in examples.t.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(slurp source_files);
use Test::More;

my $readme = slurp('README.md');
my @told = $readme =~ /^\| `([^`]+)` \|/mg;
my @files = grep { !m{^include/|^\.|^README\.md$|^LICENSE$} } source_files();
is_deeply([sort @told], [sort @files], "README's file table lists every file, once, and only those");

like($readme, qr/`\Q$_\E`/, "README names the stage $_")
    for qw(_start boot_paging_on boot_high boot_identity_gone kernel_main lowmem_map_init page_alloc_init vmalloc_init mm_seal);

# Files, and make's targets, in code; not what is built (build/...), nor patterns and placeholders (docs/*.md, user/NAME.c).
my ($makefile) = slurp('Makefile');
my %target = map { $_ => 1 } map { split ' ' } $makefile =~ /^([a-z][\w.\- ]*):(?!=)/mg;
for my $document ('README.md', glob('docs/*.md'), 'scripts/help.txt') {
    my $text = slurp($document);
    my @code = ($document =~ /\.md$/ ? $text =~ /`([^`\n]+)`/g : (), $text =~ /^(?:\$ )?(make .*)$/mg);
    my @paths = grep { m{^(?:boot|arch|lib|mm|drivers|fs|kernel|user|tests|scripts|docs|include)/[\w./-]+$} && !/[A-Z]{3}/ } @code;
    is join(' ', grep { !-e } @paths), '', "$document: the files that it names exist";
    is join(' ', grep { !$target{$_} } map { /\bmake ((?:[a-z][\w.-]*\b(?!=) ?)+)/ ? split(' ', $1) : () } @code), '',
        "$document: the targets of make that it names exist";
}

is join("\n", grep { length > 80 } split /\n/, slurp('scripts/help.txt')), '', 'make help fits a terminal of 80 columns';

# The rows of make bench: those of Linux's figures, those that are computed, and no others.
my %row = map { $_ => 1 } map { /`(\w+)`/g } slurp('docs/bench.md') =~ /^\| (`.*?) \|/mg;
my %computed = map { $_ => 1 } slurp('scripts/bench') =~ /\bshow\('(\w+)'/g, map { "growth_$_" } 5000, 14000;
is join(' ', sort keys %row), join(' ', sort keys %computed, slurp('tests/peers/linux/figures') =~ /^(\w+) \d+$/mg),
    'docs/bench.md explains each row, and only rows that are there';

# Tests by suite.name or suite.*; .t files; functions.
my $sources = join '', map { slurp($_) } glob 'tests/*.c mm/*.c arch/x86/*.c';
my %ktest = map { $_ => 1 } $sources =~ /KTEST\((\w+, \w+)\)/g;
my $invariants = slurp('docs/invariants.md');
for my $name ($invariants =~ /`([a-z0-9_]+\.[a-z0-9_*]+)`/g) {
    my ($suite, $test) = $name =~ /^(\w+)\.(.*)$/;
    if ($test eq 't' || $test eq 'c') {
        ok(-e "tests/$name", "docs/invariants.md: $name exists");
        next;
    }
    my $pattern = qr/^$suite, @{[ $test =~ s{\*}{\\w*}r ]}$/;
    ok(scalar(grep { /$pattern/ } keys %ktest), "docs/invariants.md: a test $name exists");
}
like($sources, qr/\b\Q$_\E\(/, "docs/invariants.md: $_() exists") for $invariants =~ /`(\w+_\w+)`/g;

done_testing;
