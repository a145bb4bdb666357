#!/usr/bin/perl
# The build itself, in a copy of the tree: without a warning with gcc and clang, in parallel, with nothing outside of build/,
# and no more and no less made again than what changed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp);
use File::Path qw(remove_tree);
use JSON::PP qw(decode_json);
use Test::More;

delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS BUILD CC T MEM CPU CMDLINE)};
my $copy = build_dir() . '/test copy'; # paths may hold blanks
remove_tree($copy);
mkdir $copy or die "$copy: $!\n";
my $root = root_dir();
system('sh', '-c', 'cd "$1" && git ls-files -co --exclude-standard | while read -r f; do [ ! -e "$f" ] || echo "$f"; done'
    . ' | cpio --quiet -pdm "$2"', 'sh', $root, $copy) == 0 or die "cannot copy the tree\n";
chdir $copy or die "$copy: $!\n";

# (what make said, its exit status)
sub make {
    my $said = qx(make --no-print-directory @_ 2>&1 < /dev/null);
    return ($said, $? >> 8);
}

sub builds_cleanly {
    my ($label, @arguments) = @_;
    my ($said, $status) = make(@arguments);
    is $status, 0, "$label: builds" or diag join "\n", grep { !/^  [A-Z]+ / } split /\n/, $said;
    my @warnings = grep { /warning/i } split /^/, $said;
    is scalar @warnings, 0, "$label: without a warning" or diag @warnings;
}

my $before = tree();
builds_cleanly('gcc, -j4', '-j4', 'all', 'debug');
builds_cleanly('clang, -j4', '-j4', 'CC=clang', 'BUILD=build/clang');
is tree(), $before, 'nothing is made outside of build/';
ok -s "$copy/build/attic.iso", 'the ISO is there';

my ($said, $status) = make();
unlike $said, qr/^  [A-Z]+ /m, 'nothing to do the second time' or diag $said;

utime undef, undef, 'include/mm/vmalloc.h';
($said, $status) = make('-j2');
is $status, 0, 'a touched header: builds' or diag $said;
like $said, qr{^  CC mm/vmalloc\.c$}m, 'its users are made again';
unlike $said, qr{CC lib/rbtree\.c}, 'and the others are not';

($said) = make('CMDLINE=lowmem=32M');
like $said, qr/^  ISO /m, 'another command line: another image';
unlike $said, qr/^  (?!ISO)/m, 'and nothing else';

($said) = make('EXTRA_CFLAGS=-DOTHER', 'build/lib/rbtree.c.o');
like $said, qr{^  CC lib/rbtree\.c$}m, 'other flags: made again' or diag $said;

($said, $status) = make('CC=no-such-cc', 'BUILD=build/none');
isnt $status, 0, 'a compiler that is not there: make fails';
like $said, qr/no-such-cc is missing: it was asked for/, 'and says so' or diag $said;
unlike $said, qr/gcc-i686-linux-gnu|make setup/, 'and does not send anybody to a package' or diag $said;

($said, $status) = make('V=1', q('EXTRA_CFLAGS=-DOTHER=\"x\"'), 'build/lib/rbtree.c.o', 'compile_commands.json');
like $said, qr{^\S+gcc .* -DOTHER=.* -c lib/rbtree\.c }m, 'V=1 shows whole commands' or diag $said;
my $commands = eval { decode_json(slurp('compile_commands.json')) } or diag $@;
my %command_of = map { $_->{file} => $_->{command} } @{ $commands || [] };
is_deeply [sort keys %command_of], [sort grep { !m{^tests/host/} } glob '{arch/x86,drivers,fs,kernel,lib,mm,tests,user,user/lib}/*.c'],
    'compile_commands.json has every file';
like $command_of{'user/hello.c'}, qr/ -Iuser .*-DOTHER=\\"x\\" -c user\/hello\.c$/, 'with the flags of programs, quotes and all';
system("cd '$copy' && $command_of{'lib/rbtree.c'} -fsyntax-only");
is $?, 0, 'and the commands run';
unlink 'compile_commands.json';

# The files of the copy, without build/.
sub tree {
    return join "\n", sort grep { !m{^\./build(?:/|$)} } split /\n/, qx(find . -type f);
}

chdir $root;
remove_tree($copy);
done_testing;
