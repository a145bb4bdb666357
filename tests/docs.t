#!/usr/bin/perl
# The documents name what exists: README's file table is complete, and the tests that docs/invariants.md relies on are there.
use strict;
use warnings;
use Test::More;

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

my $readme = slurp('README.md');
my %told = map { $_ => 1 } $readme =~ /^\| `([^`]+)` \|/mg;
my @files = grep { -e && !m{^include/|^\.|^README\.md$|^LICENSE$} } split /\n/, qx(git ls-files -co --exclude-standard);
is_deeply([sort keys %told], [sort @files], "README's file table lists every file, and only those");

like($readme, qr/`\Q$_\E`/, "README names the stage $_")
    for qw(_start boot_paging_on boot_high boot_identity_gone kernel_main lowmem_map_init page_alloc_init vmalloc_init mm_seal);

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
