#!/usr/bin/perl
# The build itself, in a copy of the tree: without a warning, in parallel, with nothing outside of build/, and no more and no less
# made again than what changed. The compiler is the one under test.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir root_dir slurp source_files);
use File::Path qw(remove_tree);
use JSON::PP qw(decode_json);
use Test::More;

delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS BUILD FETCHED T MEM CPU CMDLINE)};
my $copy = build_dir() . '/test copy'; # paths may hold blanks
remove_tree($copy);
mkdir $copy or die "$copy: $!\n";
my $root = root_dir();
open my $cpio, '|-', 'cpio', '--quiet', '-pdm', $copy or die "cpio: $!\n";
chdir $root or die "$root: $!\n";
print $cpio map { "$_\n" } source_files();
close $cpio or die "cannot copy the tree\n";
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
builds_cleanly('-j4', '-j4', 'all', 'debug');
is tree(), $before, 'nothing is made outside of build/';
ok -s "$copy/build/attic.iso", 'the ISO is there';

my ($said, $status) = make();
unlike $said, qr/^  [A-Z]+ /m, 'nothing to do the second time' or diag $said;

utime undef, undef, 'include/mm/kva/vmalloc.h';
($said, $status) = make('-j2');
is $status, 0, 'a touched header: builds' or diag $said;
like $said, qr{^  CC mm/kva/vmalloc\.c$}m, 'its users are made again';
unlike $said, qr{CC lib/rbtree\.c}, 'and the others are not';

rename 'user/trap.c', 'user/tests/trap.c' or die "user/trap.c: $!\n";
make('build/program-texts');
unlike slurp('build/program-texts'), qr/^trap /m, 'a program that is for tests from now on is shown no more';
rename 'user/tests/trap.c', 'user/trap.c' or die "user/trap.c: $!\n";
make('build/program-texts', 'build/user/trap', 'build/initramfs.cpio');
like slurp('build/program-texts'), qr/^trap /m, 'and again when it is back';

($said) = make('CMDLINE=lowmem=32M');
like $said, qr/^  ISO /m, 'another command line: another image';
unlike $said, qr/^  (?!ISO)/m, 'and nothing else';

# FILES= has any names, and all kinds of files.
my $files = "$copy/build/its files";
mkdir $files or die "$files: $!\n";
my $odd = q(-odd: %name's $1) . "\n";
write_tool("$files/$odd", 'true');
my @with_files = (q('FILES=build/its files'), 'build/initramfs.cpio');
($said) = make(@with_files);
like $said, qr/^  CPIO /m, 'FILES=: packed' or diag $said;
ok index(slurp('build/initramfs.cpio'), "$odd\0") >= 0, 'with names of any kind';
($said) = make(@with_files);
unlike $said, qr/^  [A-Z]+ /m, 'and once' or diag $said;
symlink 'hello', "$files/link" or die "$files/link: $!\n";
($said) = make(@with_files);
like $said, qr/^  CPIO /m, 'a link comes in: packed again' or diag $said;
symlink 'nowhere', "$files/broken" or die "$files/broken: $!\n";
mkdir "$copy/build/tar" or die "$copy/build/tar: $!\n";
write_tool("$copy/build/tar/tar", "PATH=$ENV{PATH}; tar \"\$@\"; [ \$1 != -cf ]");
($said, $status) = do { local $ENV{PATH} = "$copy/build/tar:$ENV{PATH}"; make(@with_files) };
isnt $status, 0, 'a file that cannot be read: no archive without it' or diag $said;

($said) = make('EXTRA_CFLAGS=-DOTHER', 'build/lib/rbtree.c.o');
like $said, qr{^  CC lib/rbtree\.c$}m, 'other flags: made again' or diag $said;

($said, $status) = make('CC=no-such-cc', 'BUILD=build/none');
isnt $status, 0, 'a compiler that is not there: make fails';
like $said, qr/no-such-cc is missing: it was asked for/, 'and says so' or diag $said;
unlike $said, qr/gcc-i686-linux-gnu|make setup/, 'and does not send anybody to a package' or diag $said;

# ---- looking for a compiler: a folder at the head of PATH has tools of our own ----

my $tools = "$copy/build/tools";
mkdir $tools or die "$tools: $!\n";
my $real = qx(scripts/find-compiler '' -m32 -idirafter /usr/i686-linux-gnu/include) =~ s/\n\z//r;
delete @ENV{qw(CC CROSS)};
$ENV{PATH} = "$tools:$ENV{PATH}";

sub write_tool {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out "#!/bin/sh\n$text\n";
    close $out;
    chmod 0755, $path;
}

write_tool("$tools/i686-elf-$_", 'exit 1') for qw(gcc ld);
is qx(scripts/find-compiler '' -m32 -idirafter /usr/i686-linux-gnu/include), "$real\n", 'a compiler that is there and fails: not taken';
($said, $status) = make('CROSS=i686-elf-', 'BUILD=build/none');
like $said, qr/^attic: i686-elf-gcc does not build for i386/m, 'and refused when it is asked for' or diag $said;
unlink map { "$tools/i686-elf-$_" } qw(gcc ld);

write_tool("$tools/clang", 'exit 1');
($said, $status) = make('CC=clang', 'NASM=no-such-nasm', 'BUILD=build/none');
like $said, qr/^attic: 'make setup-dev' installs/m, 'a clang that is too old: setup-dev has it' or diag $said;
($said, $status) = make('NASM=no-such-nasm', 'BUILD=build/none');
like $said, qr/^attic: 'make setup' installs/m, 'no nasm: setup has it' or diag $said;

# Set-up that installs a compiler which is looked for before any other.
write_tool("scripts/setup", join "\n", map {
    "printf '#!/bin/sh\\nexec %s \"\$@\"\\n' $real$_ > '$tools/i686-elf-$_'; chmod +x '$tools/i686-elf-$_'" } qw(gcc ld objcopy nm));
($said, $status) = make('-j2', 'V=1', 'setup', 'build/lib/rbtree.c.o', 'build/lib/printf.c.o');
is $status, 0, 'set-up and a target in one call' or diag $said;
like $said, qr{^i686-elf-gcc .* -c lib/$_ }m, "$_: made by the compiler that set-up has brought" or diag $said for qw(rbtree.c printf.c);

($said, $status) = make('V=1', q('EXTRA_CFLAGS=-DOTHER=\"x\"'), 'build/lib/rbtree.c.o', 'compile_commands.json');
like $said, qr{^\S*(?:gcc|clang) .* -DOTHER=.* -c lib/rbtree\.c }m, 'V=1 shows whole commands' or diag $said;
my $commands = eval { decode_json(slurp('compile_commands.json')) } or diag $@;
my %command_of = map { $_->{file} => $_->{command} } @{ $commands || [] };
is_deeply [sort keys %command_of], [grep { m{^(?:arch|boot|drivers|fs|kernel|lib|mm|tests|user)/.*\.c$} && !m{^(?:tests/(?:host|peers|run)|user/linux)/} } source_files()],
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
