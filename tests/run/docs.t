#!/usr/bin/perl
# The documents name what exists: files and make's targets that are spoken of are there, and so are the
# tests that docs/invariants.md relies on and the rows of docs/bench.md. What examples show is compared in examples.t.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(slurp source_files);
use Test::More;

cmp_ok scalar(split /\n/, slurp('README.md')), '<=', 180, 'README fits on a page';
my $gdb = slurp('docs/gdb.md');
like($gdb, qr/`\Q$_\E`/, "docs/gdb.md names the stage $_")
    for qw(_start boot_paging_on boot_high boot_identity_gone kernel_main lowmem_map_init page_alloc_init vmalloc_init mm_seal);

# Files, and make's targets, in code; not what is built (build/...), nor patterns and placeholders (docs/*.md, user/NAME.c).
my ($makefile) = slurp('Makefile');
my %target = map { $_ => 1 } map { split ' ' } $makefile =~ /^([a-z][\w.\- ]*):(?!=)/mg;
for my $document ('CONTRIBUTING.md', glob('{,*/,*/*/}README.md docs/*.md'), 'scripts/help.txt') {
    my $text = slurp($document);
    my @code = ($document =~ /\.md$/ ? $text =~ /`([^`\n]+)`/g : (), $text =~ /^(?:\$ )?(make .*)$/mg);
    my @paths = grep { m{^(?:boot|arch|lib|mm|drivers|fs|kernel|user|tests|scripts|docs|include)/[\w./-]+$} && !/[A-Z]{3}/ } @code;
    is join(' ', grep { !-e } @paths), '', "$document: the files that it names exist";
    is join(' ', grep { !$target{$_} } map { /\bmake ((?:[a-z][\w.-]*\b(?!=) ?)+)/ ? split(' ', $1) : () } @code), '',
        "$document: the targets of make that it names exist";
}

# The reading path.
my @path = slurp('docs/reading.md') =~ /^\| (`.*?) \|/mg;
my $lines = 0;
$lines += () = slurp($_) =~ /\n/g for map { /`([^`]+)`/g } @path;
cmp_ok $lines, '>', 4000, 'docs/reading.md leads through the kernel';
cmp_ok $lines, '<=', 8000, 'in a weekend';

is join("\n", grep { length > 80 } split /\n/, slurp('scripts/help.txt')), '', 'make help fits a terminal of 80 columns';

# The rows of make bench: those of Linux's figures, those that are computed, and no others.
my %row = map { $_ => 1 } map { /`(\w+)`/g } slurp('docs/bench.md') =~ /^\| (`.*?) \|/mg;
my %computed = map { $_ => 1 } slurp('scripts/bench') =~ /\bshow\('(\w+)'/g, map { "growth_$_" } 5000, 14000;
is join(' ', sort keys %row), join(' ', sort keys %computed, slurp('tests/peers/linux/figures') =~ /^(\w+) \d+$/mg),
    'docs/bench.md explains each row, and only rows that are there';

# Tests by suite.name or suite.*; .t files; functions.
my $sources = join '', map { slurp($_) } grep { m{^(?:tests|mm|arch)/.*\.c$} } source_files();
my %ktest = map { $_ => 1 } $sources =~ /KTEST\((\w+, \w+)\)/g;
my $invariants = slurp('docs/invariants.md');
for my $name ($invariants =~ /`([a-z0-9_]+\.[a-z0-9_*]+)`/g) {
    my ($suite, $test) = $name =~ /^(\w+)\.(.*)$/;
    if ($test eq 't' || $test eq 'c') {
        ok(scalar(() = glob "tests/run/{,*/}$name"), "docs/invariants.md: $name exists");
        next;
    }
    my $pattern = qr/^$suite, @{[ $test =~ s{\*}{\\w*}r ]}$/;
    ok(scalar(grep { /$pattern/ } keys %ktest), "docs/invariants.md: a test $name exists");
}
ok($sources =~ /\b\Q$_\E\(/, "docs/invariants.md: $_() exists") for $invariants =~ /`(\w+_\w+)`/g;

done_testing;
